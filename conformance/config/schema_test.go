package config

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// schemas are what `durward schema` prints, compiled, by the document it is for.
type schemas map[string]*jsonschema.Schema

// printedSchemas asks the command for them.
func printedSchemas(t *testing.T, binary string) schemas {
	t.Helper()
	compiled := schemas{}
	for _, document := range []string{"policies", "routes", "gateway"} {
		printed, err := exec.Command(binary, "schema", document).Output()
		if err != nil {
			t.Fatalf("durward schema %s: %v", document, err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.Draft = jsonschema.Draft2020
		if err := compiler.AddResource(document+".json", bytes.NewReader(printed)); err != nil {
			t.Fatal(err)
		}
		if compiled[document], err = compiler.Compile(document + ".json"); err != nil {
			t.Fatal(err)
		}
	}
	return compiled
}

// of answers the schema that the file goes by, or nil.
func (s schemas) of(name string) *jsonschema.Schema {
	switch {
	case strings.HasSuffix(name, ".oas.json"):
		return s["routes"]
	case strings.HasSuffix(name, ".json"):
		return s[strings.TrimSuffix(name, ".json")]
	}
	return nil
}

// checkMeaning wants every file of a case that claims it to be as the schemas have it.
func (c *testCase) checkMeaning(t *testing.T, s schemas) {
	t.Helper()
	for name, data := range c.files(t, false) {
		schema := s.of(name)
		if schema == nil {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			t.Errorf("%s is wrong in more than its meaning: %v", name, err)
		} else if err := schema.Validate(value); err != nil {
			t.Errorf("%s is wrong in more than its meaning: %v", name, err)
		}
	}
}
