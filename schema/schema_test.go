package schema

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// open is a schema without type and closing, as tests of one keyword need it.
func open(t *testing.T, raw string) *Schema {
	t.Helper()
	s, err := compile([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(t *testing.T, raw string) any {
	t.Helper()
	v, err := decode([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each fault is told at its place and in our words, without the value (G10): every value at fault holds "canary".
func TestG10_Wording(t *testing.T) {
	const choice = `{"anyOf": [{"type": "string", "minLength": 20}, {"type": "array", "items": {"type": "string"}}]}`
	const near = `{"properties": {"$schema": {}, "clientId": {}, "forwardSearch": {}}, "additionalProperties": false}`
	tests := []struct {
		name, schema, value string
		want                []string // "pointer: text", the pointer of a name in angle brackets
	}{
		{"type", `{"type": "integer"}`, `"canary"`, []string{": must be an integer"}},
		{"types", `{"type": ["string", "null"]}`, `["canary"]`, []string{": must be a string or null"}},
		{"const", `{"const": "a<b"}`, `"canary"`, []string{`: must be "a<b"`}},
		{"const null", `{"const": null}`, `"canary"`, []string{`: must be null`}},
		{"enum", `{"enum": ["a", 1, null]}`, `"canary"`, []string{`: must be one of "a", 1, null`}},
		{"minimum", `{"minimum": 60}`, `59.5`, []string{": must be at least 60"}},
		{"maximum", `{"maximum": 60}`, `61`, []string{": must be at most 60"}},
		{"exclusiveMinimum", `{"exclusiveMinimum": 0}`, `0`, []string{": must be greater than 0"}},
		{"exclusiveMaximum", `{"exclusiveMaximum": 1}`, `1`, []string{": must be less than 1"}},
		{"multipleOf", `{"multipleOf": 5}`, `7`, []string{": must be a multiple of 5"}},
		{"minLength 1", `{"minLength": 1}`, `""`, []string{": must not be empty"}},
		{"minLength", `{"minLength": 20}`, `"canary"`, []string{": must be at least 20 characters long"}},
		{"maxLength", `{"maxLength": 2}`, `"canary"`, []string{": must be at most 2 characters long"}},
		{"pattern", `{"pattern": "^[0-9]+$"}`, `"canary"`, []string{": must match the pattern ^[0-9]+$"}},
		{"pattern in words", `{"pattern": "^[0-9]+$", "x-expects": "digits"}`, `"canary"`, []string{": must be digits"}},
		{"format is asserted", `{"$schema": "https://json-schema.org/draft/2020-12/schema", "format": "uri"}`, `"canary"`, []string{": must be a URL with its scheme"}},
		{"format without a name of ours", `{"format": "uuid"}`, `"canary"`, []string{": must be a valid uuid"}},
		{"items", `{"items": {"type": "string"}, "minItems": 3, "maxItems": 1, "uniqueItems": true}`, `["canary", "canary"]`,
			[]string{": must list at least 3", ": must list at most 1", "/1: is listed already"}},
		{"items that only a schema takes for the same", `{"uniqueItems": true}`, `[1, 1.0]`, []string{": must not list anything twice"}},
		{"items within items", `{"items": {"uniqueItems": true}}`, `[[{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}], [1, 2, 1, 1]]`,
			[]string{"/0/1: is listed already", "/1/2: is listed already", "/1/3: is listed already"}},
		{"an item", `{"items": {"type": "integer"}}`, `[1, "canary"]`, []string{"/1: must be an integer"}},
		{"contains", `{"contains": {"type": "integer"}, "minContains": 2}`, `["canary"]`, []string{": does not list what it must"}},
		{"contains, of which one is enough", `{"contains": {"type": "integer"}}`, `["canary"]`, []string{": does not list what it must"}},
		{"count of properties", `{"minProperties": 2, "maxProperties": 0}`, `{"a": "canary"}`,
			[]string{": must have at least 2 properties", ": must have at most 0 properties"}},
		{"an object with nothing in it", `{"minProperties": 1}`, `{}`, []string{": must not be empty"}},
		{"required", `{"required": ["a", "b", "c"]}`, `{"b": "canary"}`, []string{`: missing property "a"`, `: missing property "c"`}},
		{"dependentRequired", `{"dependentRequired": {"a": ["b", "c"]}}`, `{"a": "canary"}`,
			[]string{`: missing property "b", which "a" needs`, `: missing property "c", which "a" needs`}},
		{"additionalProperties", `{"properties": {"a": {}, "$schema": {}}, "additionalProperties": false}`, `{"b/c": 1, "d": "canary", "a": 1}`,
			[]string{`</b~1c>: unknown property "b/c"; known here: a`, `</d>: unknown property "d"; known here: a`}},
		{"additionalProperties besides patterns", `{"patternProperties": {"^x-": {}}, "additionalProperties": false}`, `{"x-a": 1, "b": "canary"}`,
			[]string{`</b>: unknown property "b"`}},
		{"unevaluatedProperties", `{"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}`, `{"a": 1, "b": "canary"}`,
			[]string{`</b>: unknown property "b"`}},
		{"a misspelt property", near, `{"clientid": "canary", "forwardserch": "canary", "other": 1, "schema": 1}`, []string{
			`</clientid>: unknown property "clientid": did you mean "clientId"?`,
			`</forwardserch>: unknown property "forwardserch": did you mean "forwardSearch"?`,
			`</other>: unknown property "other"; known here: clientId, forwardSearch`,
			`</schema>: unknown property "schema": did you mean "$schema"?`}},
		{"a misspelt property in place of a required one is one problem", `{"required": ["clientId", "scope"], "allOf": [` + near + `]}`,
			`{"clientID": "canary"}`, []string{`: missing property "scope"`, `</clientID>: unknown property "clientID": did you mean "clientId"?`}},
		{"what is there already was not meant", `{"required": ["clientId"], ` + near[1:], `{"clientID": "canary", "clientId": "canary"}`,
			[]string{`</clientID>: unknown property "clientID"; known here: clientId, forwardSearch`}},
		{"a property of the same name that another object lacks", `{"items": {"required": ["clientId"], ` + near[1:] + `}`, `[{"clientID": "canary"}, {}]`,
			[]string{`</0/clientID>: unknown property "clientID": did you mean "clientId"?`, `/1: missing property "clientId"`}},
		{"a misspelt property that another needs", `{"dependentRequired": {"$schema": ["clientId"]}, ` + near[1:], `{"$schema": "canary", "clientID": 1}`,
			[]string{`</clientID>: unknown property "clientID": did you mean "clientId"?`}},
		{"a misspelt property in place of a required one, where any others are free", `{"required": ["openapi", "paths"], "properties": {"openapi": {}, "paths": {}}}`,
			`{"opneapi": "canary", "path": "canary", "paht": 1}`, []string{`</opneapi>: unknown property "opneapi": did you mean "openapi"?`, `</path>: unknown property "path": did you mean "paths"?`}},
		{"a misspelt property in place of a required one, among names that are free", `{"required": ["x-route"], "properties": {"x-route": {}}, "patternProperties": {"^x-": {}}, "additionalProperties": false}`,
			`{"x-roude": 1, "x-other": 1}`, []string{`</x-roude>: unknown property "x-roude": did you mean "x-route"?`}},
		{"a misspelt choice", `{"enum": ["open-api", "url-pattern", 1]}`, `"urlPatern"`, []string{`: must be one of "open-api", "url-pattern", 1; did you mean "url-pattern"?`}},
		{"a property that is false", `{"properties": {"type": false}}`, `{"type": "canary"}`, []string{`</type>: unknown property "type"`}},
		{"propertyNames", `{"propertyNames": {"maxLength": 3}}`, `{"long": "canary"}`, []string{"</long>: the name must be at most 3 characters long"}},
		{"a name that needs escapes twice", `{"properties": {"a~b/c %25é": {"type": "string"}}}`, `{"a~b/c %25é": 1}`, []string{"/a~0b~1c %25é: must be a string"}},
		{"properties named as keywords", `{"properties": {"required": {"type": "string", "minLength": 9, "pattern": "^a"}, "anyOf": {"minLength": 9, "maxLength": 2}}}`,
			`{"required": "canary", "anyOf": "canary"}`, []string{"/anyOf: must be at least 9 characters long", "/anyOf: must be at most 2 characters long",
				"/required: must be at least 9 characters long", "/required: must match the pattern ^a"}},
		{"behind a reference", `{"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"type": "string"}}}`, `{"a": 1}`, []string{"/a: must be a string"}},
		{"allOf", `{"allOf": [{"minLength": 9}, {"pattern": "^a"}]}`, `"canary"`, []string{": must be at least 9 characters long", ": must match the pattern ^a"}},
		{"anyOf of none of the types", choice, `5`, []string{": must be a string or an array"}},
		{"anyOf of one of the types", choice, `"canary"`, []string{": must be at least 20 characters long"}},
		{"anyOf of one of the types, deeper", choice, `["a", 2]`, []string{"/1: must be a string"}},
		{"anyOf of one type", `{"anyOf": [{"minLength": 9}, {"pattern": "^a"}]}`, `"canary"`, []string{": has none of the allowed forms"}},
		{"anyOf in words", `{"x-expects": "long or a", "anyOf": [{"minLength": 9}, {"pattern": "^a"}]}`, `"canary"`, []string{": must be long or a"}},
		{"oneOf twice", `{"oneOf": [{"minLength": 1}, {"pattern": "^c"}]}`, `"canary"`, []string{": has more than one of the allowed forms"}},
		{"not", `{"not": {"pattern": "^c"}}`, `"canary"`, []string{": is not allowed by the schema"}},
		{"count of properties in words", `{"maxProperties": 1, "x-expects": "a or b"}`, `{"a": "canary", "b": 1}`, []string{": must be a or b"}},
		{"not in words", `{"not": {"pattern": "^c"}, "x-expects": "anything but c"}`, `"canary"`, []string{": must be anything but c"}},
		{"if and then", `{"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": false}`, `{"a": "canary"}`, []string{`: missing property "b"`}},
		{"false", `false`, `"canary"`, []string{": must not be there"}},
		{"a number out of all reason", `{"type": "integer"}`, `1e1000001`, []string{": must be a number of at most 64 characters between -1e308 and 1e308"}},
		{"a small number out of all reason", `{"items": {"minimum": 1}}`, `[1e-1000001]`, []string{"/0: must be a number of at most 64 characters between -1e308 and 1e308"}},
		{"sound", `{"type": "integer"}`, `5.0`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, v := open(t, tt.schema), value(t, tt.value)
			// Maps have no order: the problems must have one all the same.
			for range 10 {
				var got []string
				for _, p := range s.Check(v) {
					if p.AtKey {
						p.Pointer = "<" + p.Pointer + ">"
					}
					got = append(got, p.Pointer+": "+p.Text)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Fatalf("problems (-want +got):\n%s", diff)
				}
				if strings.Contains(strings.Join(got, ""), "canary") {
					t.Fatalf("a value is quoted: %s", got)
				}
			}
		})
	}
}

// What is no JSON is told, not a panic.
func TestCheckOfOtherThanJSON(t *testing.T) {
	s := open(t, `{"type": "object"}`)
	if got := s.Check(map[string]any{"a": struct{}{}}); len(got) != 1 || got[0] != (Problem{Pointer: "/a", Text: "is not a JSON value"}) {
		t.Errorf("got %v", got)
	}
	if got := s.Check(map[string]any{"a": make(chan int)}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

// A schema that would not mean what its author thinks is refused.
func TestCompileOptionsRefuses(t *testing.T) {
	const closed = `"type": "object", "additionalProperties": false`
	tests := []struct{ name, schema, want string }{
		{"no JSON", `{`, "read schema: unexpected EOF"},
		{"two values", `{} {}`, "read schema: more than one JSON value"},
		{"misspelt required", `{` + closed + `, "requird": []}`, `schema at "": unknown keyword "requird"`},
		{"misspelt writeOnly at depth", `{` + closed + `, "properties": {"a": {"items": {"writeonly": true}}}}`,
			`schema at "/properties/a/items": unknown keyword "writeonly"`},
		{"another draft", `{"$schema": "http://json-schema.org/draft-07/schema#", ` + closed + `}`, "schema must be of draft 2020-12"},
		{"a file", `{` + closed + `, "properties": {"a": {"$ref": "file:///etc/passwd"}}}`, "$ref must be within the document"},
		{"a place on the network", `{` + closed + `, "properties": {"a": {"$ref": "https://example.com/a.json"}}}`, "$ref must be within the document"},
		{"a reference to nowhere", `{` + closed + `, "properties": {"a": {"$ref": "#/$defs/a"}}}`, "$ref leads nowhere"},
		{"an anchor", `{` + closed + `, "$anchor": "a"}`, `unknown keyword "$anchor"`},
		{"a keyword of the wrong type", `{` + closed + `, "required": "a"}`, "compile schema"},
		{"a pattern that is none", `{` + closed + `, "properties": {"a": {"pattern": "("}}}`, "compile schema"},
		{"a reference without an end", `{` + closed + `, "$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}`, "infinite loop"},
		{"a reference without an end, on a condition", `{` + closed + `, "dependentSchemas": {"a": {"$ref": "#"}}}`, "infinite loop"},
		{"no object", `{"type": "string"}`, `the options schema must have "type": "object"`},
		{"true", `true`, `the options schema must have "type": "object"`},
		{"a number", `5`, "must be an object, true or false"},
		{"open", `{"type": "object"}`, "the options schema must refuse unknown properties"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := CompileOptions([]byte(tt.schema)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
	// Secrets counts on this: else it would never end.
	for _, endless := range []string{`"$ref": "#"`, `"anyOf": [{"$ref": "#"}]`, `"oneOf": [{"$ref": "#"}]`, `"if": {"$ref": "#"}`,
		`"if": {}, "then": {"$ref": "#"}`, `"if": {}, "else": {"$ref": "#"}`, `"properties": {"a": {"allOf": [{"$ref": "#/properties/a"}]}}`} {
		if _, err := CompileOptions([]byte(`{` + closed + `, ` + endless + `}`)); err == nil || !strings.Contains(err.Error(), "infinite loop") {
			t.Errorf("%s: error %v, want an infinite loop", endless, err)
		}
	}
	for _, sound := range []string{
		`{` + closed + `, "$id": "https://example.com/x", "x-of-ours": 1, "properties": {"requird": {}}}`,
		`{"type": "object", "allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": false}`,
	} {
		if _, err := CompileOptions([]byte(sound)); err != nil {
			t.Errorf("%s: %v", sound, err)
		}
	}
}

// Faults are worded the same when the schema has a name of its own.
func TestCheckWithID(t *testing.T) {
	s := open(t, `{"$id": "https://example.com/x", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"minimum": 5}}}`)
	want := []Problem{{Pointer: "/a", Text: "must be at least 5"}}
	if diff := cmp.Diff(want, s.Check(value(t, `{"a": 1}`))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Secrets are found wherever a schema can mark them.
func TestSecrets(t *testing.T) {
	const secret = `{"writeOnly": true}`
	tests := []struct{ name, schema, value, want string }{
		{"a property", `{"properties": {"a": ` + secret + `, "b": {}}}`, `{"a": 1, "b": 2}`, "/a"},
		{"absent", `{"properties": {"a": ` + secret + `}}`, `{"b": 2}`, ""},
		{"an object as a whole", `{"properties": {"a": {"writeOnly": true, "properties": {"b": ` + secret + `}}}}`, `{"a": {"b": 1}}`, "/a"},
		{"not writeOnly", `{"properties": {"a": {"writeOnly": false}}}`, `{"a": 1}`, ""},
		{"items", `{"properties": {"a": {"items": {"properties": {"b/c": ` + secret + `}}}}}`, `{"a": [{}, {"b/c": 1}]}`, "/a/1/b~1c"},
		{"prefixItems", `{"prefixItems": [{}, ` + secret + `]}`, `[1, 2, 3]`, "/1"},
		{"patternProperties", `{"patternProperties": {"^s": ` + secret + `}}`, `{"s1": 1, "s2": 2, "t": 3}`, "/s1 /s2"},
		{"additionalProperties", `{"properties": {"a": {}}, "additionalProperties": ` + secret + `}`, `{"a": 1, "b": 2}`, "/b"},
		{"references", `{"properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": ` + secret + `}}`, `{"a": 1}`, "/a"},
		{"references with escapes", `{"properties": {"a": {"$ref": "#/$defs/x~1y%20z"}}, "$defs": {"x/y z": ` + secret + `}}`, `{"a": 1}`, "/a"},
		{"a reference to itself", `{"properties": {"a": {"$ref": "#"}, "s": ` + secret + `}}`, `{"a": {"a": {"s": 1}, "s": 2}}`, "/a/a/s /a/s"},
		{"alternatives", `{"anyOf": [{"properties": {"a": ` + secret + `}}, {"properties": {"b": ` + secret + `}}]}`, `{"a": 1, "b": 2}`, "/a /b"},
		{"allOf", `{"allOf": [{"properties": {"a": ` + secret + `}}]}`, `{"a": 1}`, "/a"},
		{"then and else", `{"if": {}, "then": {"properties": {"a": ` + secret + `}}, "else": {"properties": {"b": ` + secret + `}}}`, `{"a": 1, "b": 2}`, "/a /b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, v := open(t, tt.schema), value(t, tt.value)
			if got := strings.Join(s.Secrets(v), " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := strings.Join(s.Hidden(v), " "); got != tt.want {
				t.Errorf("hidden are %q, want %q", got, tt.want)
			}
		})
	}
}

// What stands where a secret would be one level deeper may be that secret, and what has another form may hold it.
func TestHidden(t *testing.T) {
	const schema = `{"properties": {
		"strict": {"type": "array", "items": {"type": "object", "properties": {"s": {"writeOnly": true}}}},
		"either": {"type": ["array", "object"], "items": {"writeOnly": true}},
		"list": {"items": {"properties": {"s": {"writeOnly": true}, "t": {}}}}, "object": {"properties": {"s": {"writeOnly": true}}},
		"free": {"properties": {"t": {}}}}}`
	for doc, want := range map[string]string{
		`{"list": "x", "object": 5, "free": "x"}`:                         "/list /object",
		`{"list": ["x", {"s": "x", "t": "x"}], "object": [], "free": []}`: "/list/0 /list/1/s",
		`{"object": {"t": "x"}, "list": [[]]}`:                            "",
		`{"strict": {"s": "x"}, "either": {"s": "x"}}`:                    "/strict",
		`{"strict": [["x"], {"s": "x"}], "either": ["x"]}`:                "/either/0 /strict/0 /strict/1/s",
	} {
		if got := strings.Join(open(t, schema).Hidden(value(t, doc)), " "); got != want {
			t.Errorf("%s: hidden are %q, want %q", doc, got, want)
		}
	}
}
