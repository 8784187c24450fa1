package page

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/schema"
)

// What a value is and which bounds it has, in words.
func TestFacts(t *testing.T) {
	tests := []struct {
		name, schema string
		want         []string
	}{
		{"text", `{"type": "string"}`, []string{"text"}},
		{"text that is not empty", `{"type": "string", "minLength": 1}`, []string{"text, not empty"}},
		{"text of at most", `{"type": "string", "minLength": 1, "maxLength": 80}`, []string{"text, at most 80 characters"}},
		{"text of a length", `{"type": "string", "minLength": 16, "maxLength": 80}`, []string{"text, from 16 to 80 characters"}},
		{"text in words", `{"type": "string", "pattern": "^a", "x-expects": "an a"}`, []string{"text", "must be an a"}},
		{"text with words for a wrong one", `{"type": "string", "not": {"pattern": "^b"}, "x-expects": "an a: this is a b"}`, []string{"text"}},
		{"text of a pattern", `{"type": "string", "pattern": "^a"}`, []string{"text", "must be of the form `^a`"}},
		{"text of a format", `{"type": "string", "format": "uri"}`, []string{"text", "must be of the format uri"}},
		{"choice", `{"enum": ["a", 1, null]}`, []string{"one of `\"a\"`, `1` or `null`"}},
		{"one choice", `{"enum": ["a"]}`, []string{"`\"a\"`"}},
		{"const", `{"const": "a<b"}`, []string{"`\"a<b\"`"}},
		{"number", `{"type": "integer", "minimum": 1, "maximum": 60}`, []string{"whole number, from 1 to 60"}},
		{"number of at least", `{"type": "number", "minimum": 1}`, []string{"number, at least 1"}},
		{"number between", `{"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.1}`, []string{"number, more than 0, less than 1, a multiple of 0.1"}},
		{"list", `{"type": "array", "minItems": 1, "uniqueItems": true, "items": {"type": "string", "maxLength": 5, "x-expects": "a name"}}`,
			[]string{"list of texts, not empty, nothing twice, each at most 5 characters", "each must be a name"}},
		{"list of anything", `{"type": "array", "maxItems": 3}`, []string{"list, at most 3 items"}},
		{"types", `{"type": ["string", "boolean", "null"]}`, []string{"text, true or false or null"}},
		{"forms", `{"anyOf": [{"type": "string", "x-expects": "a"}, {"type": "array", "minItems": 1, "items": {"type": "object"}}]}`,
			[]string{"text or list of objects, not empty", "must be a"}},
		{"object with names", `{"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 9}`,
			[]string{"object with names of your own; each value: whole number, at most 9 properties"}},
		{"object with one of two", `{"type": "object", "properties": {"a": {}, "b": {}}, "minProperties": 1, "maxProperties": 1}`,
			[]string{"object, just one of its properties"}},
		{"definition", `{"$ref": "#/$defs/operation"}`, []string{"[operation](#an-operation)"}},
		{"anything", `{}`, []string{"any value"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, err := newWriter([]byte(tt.schema))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, w.facts(w.root)); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}

// A page has every property once, those within others and those of definitions too, and examples as they are written.
func TestMarkdown(t *testing.T) {
	page, err := Markdown(schema.Type{
		Name: "door-inbound", Export: "DoorPolicy", Modules: []string{"@zuplo/runtime", "@durward/runtime"},
		Options: json.RawMessage(`{
			"title": "A door", "description": "Lets in. Keeps out.", "type": "object", "required": ["key", "b"], "additionalProperties": false,
			"properties": {
				"$schema": {"type": "string"},
				"b": {"type": "string", "examples": ["x|y"]},
				"key": {"type": "string", "writeOnly": true, "description": "The key.", "examples": ["$env(KEY)"]},
				"hinges": {"type": "array", "items": {"type": "object", "properties": {"default": {"type": "boolean", "default": true}}},
					"examples": [[{"z": 1, "a": 2}], [{"a long name of a member": "and a long text besides", "so that": "it does not fit on one line"}]]},
				"frame": {"$ref": "#/$defs/frame"},
				"rooms": {"type": "object", "additionalProperties": {"type": "object", "properties": {"floor": {"type": "integer"}}}}
			},
			"$defs": {"frame": {"description": "What holds it.", "type": "object", "properties": {"inner": {"$ref": "#/$defs/frame"}, "of": {"$ref": "#/$defs/wood"}}},
				"wood": {"enum": ["oak"]}, "unused": {}}
		}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	got := string(page)
	for _, want := range []string{
		"# door-inbound\n\n**A door.** Lets in. Keeps out.\n",
		"| `handler.module` | `$import(@zuplo/runtime)` or `$import(@durward/runtime)` |\n| listed by routes under | `x-zuplo-route.policies.inbound` |\n\n",
		"  \"name\": \"door\",\n  \"policyType\": \"door-inbound\",",
		"      \"key\": \"$env(KEY)\",\n      \"b\": \"x|y\"\n", // in the order of what must be there
		"| [`key`](#key) | text | required |\n| [`b`](#b) | text | required |\n| [`frame`](#frame) | [frame](#a-frame) |  |\n",
		"### `key`\n\nThe key.\n\n- text\n- required\n- kept secret",
		"### `hinges[].default`\n\n- true or false\n- default: `true`\n",
		"### `rooms.NAME.floor`\n\n- whole number\n",
		"- example: `[{\"z\":1,\"a\":2}]`\n- example:\n\n  ```json\n  [\n    {\n      \"a long",
		"## A frame\n\nWhat holds it.\n\n### `inner`\n\n- [frame](#a-frame)\n\n### `of`\n\n- [wood](#a-wood)\n\n## A wood\n\n- `\"oak\"`\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
	for heading, n := range map[string]int{"### `$schema`": 1, "## A frame": 1, "unused": 0} {
		if strings.Count(got, heading) != n {
			t.Errorf("%q is there %d times, want %d", heading, strings.Count(got, heading), n)
		}
	}
}

func TestPagesOfFaultySchemas(t *testing.T) {
	for options, want := range map[string]string{`{`: "unexpected end", `[]`: "it is no object", `{"properties": {"a": {"examples": 5}}}`: "cannot unmarshal"} {
		if _, err := Markdown(schema.Type{Name: "door-inbound", Options: json.RawMessage(options)}); err == nil ||
			!strings.Contains(err.Error(), "write page of door-inbound: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", options, err)
		}
	}
	if _, err := Document("moats"); err == nil {
		t.Error("there is a page of nothing")
	}
}
