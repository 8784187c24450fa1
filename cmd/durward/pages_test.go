package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
	"durward/schema"
	"durward/schema/page"
)

// schemaTypes are the policy types of this program, as pages want to know them.
func schemaTypes() (types []schema.Type) {
	for _, t := range runtime.PolicyTypes(catalogue()) {
		types = append(types, schema.Type{Name: t.Name, Export: t.Export, Modules: t.Modules, Options: t.Schema})
	}
	return types
}

// Every policy type and every kind of document has its page, which says what the schema says. `go test ./cmd/durward -run
// TestPolicyPages -update` writes them.
func TestPolicyPages(t *testing.T) {
	pages := map[string][]byte{}
	write := func(name string, content []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.FromSlash(name)] = content
	}
	types := schemaTypes()
	index, err := page.Index(types)
	write("policies/README.md", index, err)
	for _, one := range types {
		content, err := page.Markdown(one)
		write("policies/"+one.Name+".md", content, err)
	}
	for _, d := range schema.Documents() {
		content, err := page.Document(d)
		write("reference/"+string(d)+".md", content, err)
	}
	docs := filepath.Join("..", "..", "docs")
	for name, want := range pages {
		path := filepath.Join(docs, name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		} else if diff := cmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("docs/%s is not what the schema says (-page +schema): run with -update\n%s", name, diff)
		}
	}
	for _, folder := range []string{"policies", "reference"} {
		found, err := filepath.Glob(filepath.Join(docs, folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if pages[filepath.Join(folder, filepath.Base(path))] == nil {
				t.Errorf("%s is the page of nothing", path)
			}
		}
	}
}

// The example of each page loads, on a route where people sign in.
func TestPolicyPageExamplesLoad(t *testing.T) {
	for _, one := range schemaTypes() {
		t.Run(one.Name, func(t *testing.T) {
			content, err := page.Markdown(one)
			if err != nil {
				t.Fatal(err)
			}
			_, example, _ := strings.Cut(string(content), "```json\n")
			example, _, _ = strings.Cut(example, "\n```")
			var entry struct{ Name string }
			if err := json.Unmarshal([]byte(example), &entry); err != nil {
				t.Fatal(err)
			}
			files := validFiles(t)
			if signsIn := "mcp-clerk-oauth-inbound"; one.Name == signsIn {
				files["policies.json"] = fmt.Sprintf(`{"policies": [%s]}`, example)
				files["routes.oas.json"] = strings.ReplaceAll(files["routes.oas.json"], `["clerk"]`, `["`+entry.Name+`"]`)
			} else {
				files["policies.json"] = strings.Replace(files["policies.json"], `"policies": [`, `"policies": [`+example+`,`, 1)
				list := `["clerk", "` + entry.Name + `"]`
				if strings.HasSuffix(one.Name, "-outbound") {
					list = `["clerk"], "outbound": ["` + entry.Name + `"]`
				}
				files["routes.oas.json"] = strings.ReplaceAll(files["routes.oas.json"], `["clerk"]`, list)
			}
			env := tableEnv()
			for _, name := range regexp.MustCompile(`\$env\(([A-Z0-9_]+)\)`).FindAllStringSubmatch(example, -1) {
				if env[name[1]] == "" {
					env[name[1]] = "canary-value"
				}
			}
			if status, out := validate(t, files, env); status != 0 {
				t.Errorf("the example is refused:\n%s\n%s", example, out)
			}
		})
	}
}

// Every option of every type is explained, with an example that its own schema takes and with what holds without it.
func TestOptionsAreExplained(t *testing.T) {
	for _, one := range schemaTypes() {
		found, err := schema.Review(one.Options)
		if err != nil {
			t.Errorf("%s: %v", one.Name, err)
		}
		for _, text := range found {
			t.Errorf("%s %s", one.Name, text)
		}
	}
}
