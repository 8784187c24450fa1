package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// readers is a folder with a policy for each name, whose options list the files that it reads.
func readers(files map[string][]string) fstest.MapFS {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		options, _ := json.Marshal(map[string]any{"files": files[name]}) // strings
		list = append(list, fmt.Sprintf(`{"name":%q,"policyType":"reader-inbound","handler":{"export":"Reader",`+
			`"module":"$import(test)","options":%s}}`, name, options))
	}
	return fstest.MapFS{
		PoliciesFile: {Data: []byte(`{"policies":[` + strings.Join(list, ",") + `]}`)},
		RoutesFile:   {Data: []byte(`{"openapi":"3.1.0","paths":{}}`)},
	}
}

// loadReaders loads such a folder, on a disk that holds disk.
func loadReaders(t *testing.T, folder fstest.MapFS, disk map[string]string) (Result, map[string]int) {
	t.Helper()
	asked := make(map[string]int)
	l, err := New(Options{
		FS: folder, Name: "config",
		Types:     readerTypes(),
		LookupEnv: func(name string) (string, bool) { return "/canary/" + name, !strings.HasSuffix(name, "_FILE") },
		Content:   func(path string) string { asked[path]++; return disk[path] },
	})
	if err != nil {
		t.Fatal(err)
	}
	return l.Load(), asked
}

// readerTypes are a policy type that reads the files that its options list.
func readerTypes() []PolicyType {
	return []PolicyType{{
		Modules: []string{"test"}, Export: "Reader", Type: "reader-inbound",
		Schema: []byte(`{"type":"object","additionalProperties":false,"properties":{"files":{"type":"array","items":{"type":"string"}},"bad":{"type":"boolean"}}}`),
		Validate: func(in policies.Input) (report policies.Report) {
			var options struct {
				Files []string
				Bad   bool
			}
			if err := json.Unmarshal(in.Options, &options); err != nil || options.Bad {
				report.Problems = []policies.Problem{{Text: "is bad"}}
			}
			report.Files = options.Files
			return report
		},
	}}
}

// G5: what a file holds is a part of each policy that reads it, and of no other. A file that is missing holds something
// else than one that is there.
func TestG5_PolicyFiles(t *testing.T) {
	folder := readers(map[string][]string{
		"a": {"/etc/ca.pem", "/etc/list", "/etc/../etc/list"}, "b": {"/etc/list"}, "c": {},
	})
	before, asked := loadReaders(t, folder, map[string]string{"/etc/ca.pem": "1", "/etc/list": "1"})
	if before.Config == nil {
		t.Fatal(before.Problems)
	}
	if diff := cmp.Diff(map[string]int{"/etc/ca.pem": 1, "/etc/list": 1}, asked); diff != "" {
		t.Errorf("how often each file was read (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]File{{"/etc/ca.pem", "1"}, {"/etc/list", "1"}}, before.Outside); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, tt := range []struct {
		name string
		disk map[string]string
		want string // the policies that change
	}{
		{"the same", map[string]string{"/etc/ca.pem": "1", "/etc/list": "1"}, ""},
		{"one policy's", map[string]string{"/etc/ca.pem": "2", "/etc/list": "1"}, "a"},
		{"two policies'", map[string]string{"/etc/ca.pem": "1", "/etc/list": "2"}, "ab"},
		{"missing", map[string]string{"/etc/ca.pem": "1"}, "ab"},
		{"exchanged for each other", map[string]string{"/etc/ca.pem": "2", "/etc/list": "2"}, "ab"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			after, _ := loadReaders(t, folder, tt.disk)
			hashes, decisions := "", ""
			for i, p := range after.Config.Policies {
				if was := before.Config.Policies[i]; p.Hash != was.Hash {
					hashes += p.Name
				}
				if was := before.Config.Policies[i]; p.DecisionHash != was.DecisionHash {
					decisions += p.Name
				}
			}
			if hashes != tt.want || decisions != tt.want {
				t.Errorf("the hashes of %q and the decisions' of %q have changed, want %q", hashes, decisions, tt.want)
			}
		})
	}
}

// The files are known as well when something else is wrong: whoever mends it may do so in one of them.
func TestPolicyFilesOfABadConfiguration(t *testing.T) {
	many := make([]string, maxPolicyFiles+1)
	for i := range many {
		many[i] = fmt.Sprintf("/etc/%d", i)
	}
	good := readers(map[string][]string{"a": {"/etc/ca.pem"}})
	for _, tt := range []struct {
		name   string
		folder fstest.MapFS
		want   string // in the problem
		files  []File
	}{
		{"a fault of its own", replaced(t, good, PoliciesFile, `"files"`, `"bad":true,"files"`), "is bad", []File{{"/etc/ca.pem", "1"}}},
		{"a fault in another file", replaced(t, good, RoutesFile, `"paths"`, `"pahts"`), `did you mean "paths"?`, []File{{"/etc/ca.pem", "1"}}},
		{"no JSON", replaced(t, good, PoliciesFile, `"policies":`, ``), "", nil},
		{"a path that is not absolute", readers(map[string][]string{"a": {"secret/ca.pem", "/etc/ca.pem"}}),
			"whose path is not absolute", []File{{"/etc/ca.pem", "1"}}},
		{"too many", readers(map[string][]string{"a": many}), "would read 101 files: it may read 100", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := loadReaders(t, tt.folder, map[string]string{"/etc/ca.pem": "1"})
			if got.Config != nil || len(got.Problems) == 0 {
				t.Fatal("no problem was found")
			}
			if text := fmt.Sprint(got.Problems); !strings.Contains(text, tt.want) || strings.Contains(text, "secret") {
				t.Errorf("problems %s, want %q", text, tt.want)
			}
			if diff := cmp.Diff(tt.files, got.Outside); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(baseFiles(), got.Files); diff != "" {
				t.Errorf("files of the folder (-want +got):\n%s", diff)
			}
		})
	}
}
