package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every property of our own schemas is explained to the person who writes the file, with an example that is allowed.
func TestOwnSchemasAreExplained(t *testing.T) {
	for _, d := range Documents() {
		raw, err := d.Source()
		if err != nil {
			t.Fatal(err)
		}
		found, err := Review(raw)
		if err != nil {
			t.Errorf("%s: %v", d, err)
		}
		for _, text := range found {
			t.Errorf("%s %s", d, text)
		}
	}
}

func TestReview(t *testing.T) {
	tests := []struct {
		name, schema string
		want         []string
	}{
		{"explained", `{"required": ["a"], "properties": {"a": {"description": "A.", "examples": [1]}}}`, nil},
		{"optional with a default", `{"properties": {"a": {"description": "A.", "examples": [1], "default": 2}}}`, nil},
		{"optional with a word", `{"properties": {"a": {"description": "A. Without it: none.", "examples": [1]}}}`, nil},
		{"optional without either", `{"properties": {"a": {"description": "A.", "examples": [1]}}}`,
			[]string{`at /properties/a: neither a default nor a word in its description of how it is "without" it`}},
		{"one of which there must be some", `{"minProperties": 1, "properties": {"a": {"description": "A.", "examples": [1]}}}`, nil},
		{"nothing said, at depth", `{"items": {"$defs": {"x": {"required": ["a/b"], "properties": {"a/b": {}}}}}}`,
			[]string{"at /items/$defs/x/properties/a~1b: no description", "at /items/$defs/x/properties/a~1b: no example"}},
		{"an example that is refused", `{"required": ["a"], "properties": {"a": {"description": "A.", "$comment": "c", "items": {"$ref": "#/$defs/n"}, "examples": [[1], ["x"]]}}, "$defs": {"n": {"type": "integer"}}}`,
			[]string{"at /properties/a: its example or default is refused: /0 must be an integer"}},
		{"a default that is refused", `{"properties": {"a": {"description": "A.", "type": "integer", "examples": [1], "default": "x"}}}`,
			[]string{"at /properties/a: its example or default is refused:  must be an integer"}},
		{"an example with a reference", `{"required": ["a"], "properties": {"a": {"description": "A.", "maxLength": 2, "examples": ["$env(A)"]}}}`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Review([]byte(tt.schema))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("error %v, findings (-want +got):\n%s", err, diff)
			}
		})
	}
	if _, err := Review([]byte(`{"requird": []}`)); err == nil || !strings.Contains(err.Error(), `unknown keyword "requird"`) {
		t.Errorf("error %v", err)
	}
}
