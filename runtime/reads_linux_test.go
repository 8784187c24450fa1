package runtime

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"durward/policies"
)

// A large file that a policy reads is read once, not once by each who must know what it holds.
func TestLargeFileIsReadOnce(t *testing.T) {
	large, err := os.Executable() // many megabytes
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(large)
	if err != nil {
		t.Fatal(err)
	}
	<-time.After(time.Until(info.ModTime().Add(time.Second))) // of a file that has only just been made no sum is kept
	h, err := New(Options{
		Config: filepath.Join(t.TempDir(), "none"),
		Fallback: fstest.MapFS{
			"policies.json": {Data: []byte(`{"policies": [{"name": "a", "policyType": "reading",
				"handler": {"export": "Reading", "module": "$import(test)", "options": {}}}]}`)},
			"routes.oas.json": {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
		},
		Plugins: []Plugin{{
			Modules: []string{"test"}, Export: "Reading", PolicyType: "reading",
			Schema:   json.RawMessage(`{"type": "object", "additionalProperties": false}`),
			Validate: func(policies.Input) policies.Report { return policies.Report{Files: []string{large}} },
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := readSoFar(t)
	for range 3 {
		if cfg, problems := h.load(); cfg == nil || len(cfg.Policies[0].Files) != 1 {
			t.Fatalf("the load: %v", problems)
		}
	}
	if n := float64(readSoFar(t)-before) / float64(info.Size()); n < 1 || n > 1.5 {
		t.Errorf("the file was read %.1f times", n)
	}
}

// readSoFar is how many bytes this process has read.
func readSoFar(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`rchar: (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatalf("no count in %s", text)
	}
	n, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
