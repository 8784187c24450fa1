package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v5"
)

// doorTypes are two policy types with what schemas of options have that a bundle must look after.
func doorTypes() []Type {
	return []Type{
		{Name: "door-inbound", Export: "DoorPolicy", Modules: []string{"@durward/runtime", "@other/runtime"}, Options: json.RawMessage(`{
			"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://example.com/door",
			"title": "A door", "type": "object", "required": ["key"], "additionalProperties": false,
			"properties": {
				"key": {"type": "string", "minLength": 1, "examples": ["$env(KEY)"]},
				"token": {"type": "string", "pattern": "^t-", "x-expects": "a token"},
				"handle": {"type": "string", "not": {"pattern": "^t-"}, "x-expects": "a handle: this is a token"},
				"mode": {"enum": ["open", "shut"], "default": "open", "description": "How it stands."},
				"seconds": {"type": "integer", "minimum": 5},
				"many": {"type": "array", "maxItems": 3, "items": {"$ref": "#/$defs/hinge"}},
				"pair": {"prefixItems": [{"type": "integer"}, {"enum": ["a", "b"]}]},
				"tree": {"$ref": "#"},
				"any": true
			},
			"if": {"properties": {"mode": {"const": "shut"}}, "required": ["mode"]}, "then": {"required": ["seconds"]},
			"$defs": {"hinge": {"type": "object", "additionalProperties": {"type": ["boolean", "string"], "maxLength": 2}}}
		}`)},
		{Name: "wall-inbound", Export: "WallPolicy", Modules: []string{"@durward/runtime"}, Options: json.RawMessage(`{
			"type": "object", "additionalProperties": false, "properties": {"high": {"type": "boolean"}}}`)},
	}
}

// checker is a bundle, compiled without the rules for our own schemas: it has keywords for editors.
func checker(t *testing.T, bundle []byte) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat = true
	if err := c.AddResource(location, bytes.NewReader(bundle)); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(location)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A bundle of policies checks each policy by its type, and lets references stand where the gateway resolves them.
func TestBundleOfPolicies(t *testing.T) {
	bundle, err := Bundle(Policies, doorTypes())
	if err != nil {
		t.Fatal(err)
	}
	s := checker(t, bundle)
	door := func(options string) string {
		return `{"name": "d", "policyType": "door-inbound", "handler": {"export": "DoorPolicy", "module": "$import(@durward/runtime)", "options": ` + options + `}}`
	}
	tests := []struct {
		name, policy string
		at           string // the place of a fault, "" for none
	}{
		{"sound", door(`{"key": "k", "token": "t-1", "mode": "open", "seconds": 5, "many": [{"a": true}], "pair": [1, "a"], "tree": {"key": "k"}}`), ""},
		{"the other module", strings.Replace(door(`{"key": "k"}`), "@durward", "@other", 1), ""},
		{"a type without options that must be there", `{"name": "w", "policyType": "wall-inbound", "handler": {"export": "WallPolicy", "module": "$import(@durward/runtime)"}}`, ""},
		{"an unknown type", `{"name": "w", "policyType": "moat-inbound", "handler": {"export": "M", "module": "m"}}`, "/policyType"},
		{"the export of another type", strings.Replace(door(`{"key": "k"}`), "DoorPolicy", "WallPolicy", 1), "/handler/export"},
		{"an unknown module", strings.Replace(door(`{"key": "k"}`), "@durward", "@nobody", 1), "/handler/module"},
		{"no options where some must be", `{"name": "d", "policyType": "door-inbound", "handler": {"export": "DoorPolicy", "module": "$import(@durward/runtime)"}}`, "/handler"},
		{"an unknown option", door(`{"key": "k", "hgih": true}`), "/handler/options"},
		{"an option of another type", door(`{"key": "k", "high": true}`), "/handler/options"},
		{"an option that is missing", door(`{}`), "/handler/options"},
		{"an option of the wrong type", door(`{"key": 5}`), "/handler/options/key"},
		{"a value out of bounds", door(`{"key": "k", "seconds": 4}`), "/handler/options/seconds"},
		{"a value that does not match", door(`{"key": "k", "token": "x"}`), "/handler/options/token"},
		{"a value that matches what it must not", door(`{"key": "k", "handle": "t-1"}`), "/handler/options/handle"},
		{"a fault within a definition of the type", door(`{"key": "k", "many": [{"a": 5}]}`), "/handler/options/many/0/a"},
		{"a fault within a schema that refers to itself", door(`{"key": "k", "tree": {"key": 5}}`), "/handler/options/tree/key"},
		{"a rule of the type", door(`{"key": "k", "mode": "shut"}`), "/handler/options"},

		{"$env wherever a text may be", door(`{"key": "$env(A)", "token": "$env(A)", "mode": "$env(A)", "many": [{"a": "x$env(A)"}], "pair": [1, "$env(A)"]}`), ""},
		{"$env in place of a number", door(`{"key": "k", "seconds": "$env(A)"}`), "/handler/options/seconds"},
		{"$env in place of an object", door(`{"key": "k", "many": ["$env(A)"]}`), "/handler/options/many/0"},
		{"${env} is for routes", door(`{"key": "k", "token": "${env.A}"}`), "/handler/options/token"},
		{"$import in place of any option", door(`{"key": "$import(./k.json)", "token": "$import(./k.json)", "mode": "$import(./m.jsonc)", "seconds": "$import(./s.json)",
			"many": "$import(./many.json)", "pair": ["$import(./x.json)", "$import(./y.json)"], "tree": "$import(./t.json)", "any": "$import(./a.json)"}`), ""},
		{"$import of an item, and of a value within", door(`{"key": "k", "many": ["$import(./hinge.json)", {"a": "$import(./sub/a.json)"}]}`), ""},
		{"$import of the options", door(`"$import(./door.json)"`), ""},
		{"$import of a file that is no JSON", door(`"$import(./door.yaml)"`), "/handler/options"},
		{"$import of a file that is elsewhere", door(`{"key": "k", "seconds": "$import(/etc/seconds.json)"}`), "/handler/options/seconds"},
		{"$import of a policy's handler", `{"name": "d", "policyType": "door-inbound", "handler": "$import(./door.json)"}`, "/handler"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := s.Validate(value(t, `{"policies": [`+tt.policy+`]}`))
			var got []string
			for _, fault := range leaves(err) {
				if !slices.Contains(got, fault) {
					got = append(got, fault)
				}
			}
			var want []string
			if tt.at != "" {
				want = []string{"/policies/0" + tt.at}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("places of faults (-want +got):\n%s\n%#v", diff, err)
			}
		})
	}
}

// leaves are the places of the innermost faults.
func leaves(err error) (places []string) {
	fault, ok := err.(*jsonschema.ValidationError)
	if !ok {
		return nil
	}
	if len(fault.Causes) == 0 {
		return []string{plain(fault.InstanceLocation)}
	}
	for _, cause := range fault.Causes {
		places = append(places, leaves(cause)...)
	}
	return places
}

// In routes the handler's options may hold references, in gateway.json its secrets may; nothing else may be one.
func TestBundleOfOtherDocuments(t *testing.T) {
	route := func(cors, options string) string {
		return `{"openapi": "3.1.0", "paths": {"/mcp": {"post": {"operationId": "a", "x-zuplo-route": {"corsPolicy": ` + cors + `,
			"handler": {"export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": ` + options + `}}}}}}`
	}
	const at = "/paths/~1mcp/post/x-zuplo-route"
	tests := []struct {
		name     string
		document Document
		value    string
		at       string
	}{
		{"a route", Routes, route(`"none"`, `{"rewritePattern": "${env.UPSTREAM}", "forwardSearch": false}`), ""},
		{"$import in a handler's options", Routes, route(`"none"`, `{"rewritePattern": "$import(./u.json)", "forwardSearch": "$import(./f.json)"}`), ""},
		{"$import of a handler's options", Routes, route(`"none"`, `"$import(./options.json)"`), ""},
		{"$env in place of true or false", Routes, route(`"none"`, `{"rewritePattern": "x", "forwardSearch": "$env(A)"}`), at + "/handler/options/forwardSearch"},
		{"a misspelt option", Routes, route(`"none"`, `{"rewritePattern": "x", "forwardSerch": true}`), at + "/handler/options"},
		{"gateway.json", Gateway, `{"listen": "127.0.0.1:0", "adminToken": "0123456789abcdef"}`, ""},
		{"$env in place of a secret", Gateway, `{"adminToken": "$env(T)"}`, ""},
		{"$import in place of a secret", Gateway, `{"adminToken": "$import(./t.json)"}`, "/adminToken"},
		{"a secret that is too short", Gateway, `{"adminToken": "0123"}`, "/adminToken"},
		{"$env in place of a number", Gateway, `{"policyMemoryMiB": "$env(M)"}`, "/policyMemoryMiB"},
		{"a misspelt setting", Gateway, `{"listn": "127.0.0.1:0"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bundle, err := Bundle(tt.document, doorTypes())
			if err != nil {
				t.Fatal(err)
			}
			fault := checker(t, bundle).Validate(value(t, tt.value))
			got := strings.Join(leaves(fault), " ")
			if got != tt.at || (fault != nil) != (tt.at != "" || tt.name == "a misspelt setting") {
				t.Errorf("faults at %q, want %q: %#v", got, tt.at, fault)
			}
		})
	}
	if _, err := Bundle("moats", nil); err == nil || !strings.Contains(err.Error(), `there is none of "moats"`) {
		t.Errorf("a kind of document that there is not: %v", err)
	}
}

// What is printed is the same every time, and says to editors what x-expects says to us.
func TestBundleIsForEditors(t *testing.T) {
	first, err := Bundle(Policies, doorTypes())
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if again, err := Bundle(Policies, doorTypes()); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("another bundle the second time (%v)", err)
		}
	}
	for _, text := range []string{`"patternErrorMessage": "must be a token"`, `"errorMessage": "must be a handle: this is a token"`, `"enumDescriptions"`, `"A door"`, `"policyType": "door-inbound"`, `"key": "$env(KEY)"`} {
		if !bytes.Contains(first, []byte(text)) {
			t.Errorf("the bundle lacks %s", text)
		}
	}
	for _, text := range []string{`"x-`, `"$id"`, "example.com/door"} {
		if bytes.Contains(first, []byte(text)) {
			t.Errorf("the bundle has %s", text)
		}
	}
	if n := bytes.Count(first, []byte(`"$schema":`)); n != 2 { // of the bundle, and the property of policies.json
		t.Errorf("the bundle has $schema %d times", n)
	}
}

// A type whose schema is none is the type's fault, and it is named.
func TestBundleNamesAFaultyType(t *testing.T) {
	for options, want := range map[string]string{`{`: "unexpected EOF", `[]`: "it is no object"} {
		_, err := Bundle(Policies, []Type{{Name: "door-inbound", Options: json.RawMessage(options)}})
		if err == nil || !strings.Contains(err.Error(), `bundle policy type "door-inbound"`) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", options, err)
		}
	}
}
