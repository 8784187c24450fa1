package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/plugins/clerk"
)

func guide(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// The guide's examples load, and its wrong one is refused as it says. An example is a block of code after a comment
// "<!-- FOLDER/FILE -->" or "<!-- FOLDER: output -->"; a file it does not show is that of testdata/config.
func TestGuideExamples(t *testing.T) {
	examples, outputs := map[string]map[string]string{}, map[string]string{}
	blocks := regexp.MustCompile("(?ms)^<!-- (\\w+)(?:/(\\S+)|(: output)) -->\n```\\w+\n(.*?)^```$").FindAllStringSubmatch(guide(t), -1)
	for _, block := range blocks {
		folder, file, isOutput, content := block[1], block[2], block[3] != "", block[4]
		if isOutput {
			outputs[folder] = content
			continue
		}
		if examples[folder] == nil {
			examples[folder] = validFiles(t)
			delete(examples[folder], "gateway.json")
		}
		examples[folder][file] = content
	}
	if len(examples) < 3 || len(outputs) < 1 {
		t.Fatalf("the guide has %d examples and %d outputs: are its comments right?", len(examples), len(outputs))
	}
	for folder, files := range examples {
		t.Run(folder, func(t *testing.T) {
			want, refused := outputs[folder]
			if !refused {
				want = "config: no problems: 1 policy, 1 route\n"
			}
			status, out := validate(t, files, tableEnv())
			if diff := cmp.Diff(want, out); diff != "" || (status != 0) != refused {
				t.Errorf("exit status %d, output (-want +got):\n%s", status, diff)
			}
		})
	}
}

// schemaNode is what the guide's test reads of a JSON Schema.
type schemaNode struct {
	Properties           map[string]schemaNode
	Defs                 map[string]schemaNode `json:"$defs"`
	Default              json.RawMessage
	Minimum, Maximum     json.RawMessage
	MinLength, MaxLength json.RawMessage
}

// Every option and every setting has its row in the guide, with the default and the bounds of its schema; every other
// property is named.
func TestGuideNamesEverything(t *testing.T) {
	text := guide(t)
	var options, gateway schemaNode
	decode(t, clerk.Type().Describe().Options, &options)
	decode(t, readSchema(t, "gateway"), &gateway)
	for _, rows := range []map[string]schemaNode{flat("", options), flat("", gateway)} {
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			checkRow(t, text, name, rows[name])
		}
	}
	// Operations that no handler serves are in the schema so that the fault can be told well.
	unserved := []string{"put", "options", "head", "patch", "trace", "$schema"}
	for _, file := range []string{"policies", "routes"} {
		var root schemaNode
		decode(t, readSchema(t, file), &root)
		named := flat("", root)
		for _, def := range root.Defs {
			maps.Copy(named, flat("", def))
		}
		for name := range named {
			last := name[strings.LastIndexByte(name, '.')+1:]
			if !slices.Contains(unserved, name) && !strings.Contains(text, "`"+last+"`") && !strings.Contains(text, "."+last+"`") {
				t.Errorf("the guide does not name %s of %s", name, file)
			}
		}
	}
}

func checkRow(t *testing.T, text, name string, node schemaNode) {
	t.Helper()
	if name == "$schema" {
		return
	}
	_, row, ok := strings.Cut(text, fmt.Sprintf("\n| `%s` |", name))
	if !ok {
		t.Errorf("the guide has no row for %s", name)
		return
	}
	row, _, _ = strings.Cut(row, "\n")
	for _, value := range []json.RawMessage{node.Default, node.Minimum, node.Maximum, node.MinLength, node.MaxLength} {
		shown := "`" + strings.Trim(string(value), `"`) + "`"
		if len(value) > 0 && string(value) != "1" && !strings.Contains(row, shown) {
			t.Errorf("the row of %s does not say %s", name, shown)
		}
	}
}

// flat answers the properties of an object and of the objects within, by their names with dots between.
func flat(prefix string, node schemaNode) map[string]schemaNode {
	all := map[string]schemaNode{}
	for name, property := range node.Properties {
		all[prefix+name] = property
		maps.Copy(all, flat(prefix+name+".", property))
	}
	return all
}

func readSchema(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../../schema/" + name + ".schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func decode(t *testing.T, data []byte, into *schemaNode) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
