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
				if n := strings.Count(files["policies.json"], `"policyType"`); n > 1 {
					want = fmt.Sprintf("config: no problems: %d policies, 1 route\n", n)
				}
			}
			env := tableEnv()
			env["TICKETS_API_KEY"] = "canary-tickets"
			status, out := validate(t, files, env)
			if diff := cmp.Diff(want, out); diff != "" || (status != 0) != refused {
				t.Errorf("exit status %d, output (-want +got):\n%s", status, diff)
			}
		})
	}
}

// schemaNode is what the guide's test reads of a JSON Schema.
type schemaNode struct {
	Properties           map[string]schemaNode
	Items                *schemaNode
	Defs                 map[string]schemaNode `json:"$defs"`
	Default              json.RawMessage
	Minimum, Maximum     json.RawMessage
	MinLength, MaxLength json.RawMessage
	MinItems, MaxItems   json.RawMessage
	MaxProperties        json.RawMessage
}

// Every option and every setting has its row in the guide, with the default and the bounds of its schema; every other
// property is named.
func TestGuideNamesEverything(t *testing.T) {
	text := guide(t)
	const inHost = "../../runtime/internal/middleware/"
	for heading, source := range map[string][]byte{
		"### Options of mcp-clerk-oauth-inbound\n":      clerk.Type().Describe().Options,
		"### Options of set-headers-inbound\n":          readFile(t, inHost+"set-headers.schema.json"),
		"### Options of set-upstream-api-key-inbound\n": readFile(t, inHost+"set-upstream-api-key.schema.json"),
		"## gateway.json\n":                             readSchema(t, "gateway"),
	} {
		var described schemaNode
		decode(t, source, &described)
		rows := flat("", described)
		_, section, ok := strings.Cut(text, "\n"+heading)
		if !ok {
			t.Errorf("the guide has no section %s", heading)
		}
		section, _, _ = strings.Cut(section, "\n##")
		for _, name := range slices.Sorted(maps.Keys(rows)) {
			checkRow(t, section, name, rows[name])
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
	for _, value := range []json.RawMessage{node.Default, node.Minimum, node.Maximum, node.MinLength, node.MaxLength,
		node.MinItems, node.MaxItems, node.MaxProperties} {
		shown := "`" + strings.Trim(string(value), `"`) + "`"
		if string(value) == `""` {
			shown = "`" + string(value) + "`"
		}
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
		if property.Items != nil {
			maps.Copy(all, flat(prefix+name+"[].", *property.Items))
		}
	}
	return all
}

func readSchema(t *testing.T, name string) []byte {
	t.Helper()
	return readFile(t, "../../schema/"+name+".schema.json")
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
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
