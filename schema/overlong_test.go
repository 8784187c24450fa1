package schema

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// An array that is too long is told as that, and nothing of its items; where the schema has alternatives only what would
// cost too much is.
func TestOverlong(t *testing.T) {
	s, err := CompileOptions([]byte(`{"type": "object", "additionalProperties": false, "properties": {
		"few": {"type": "array", "maxItems": 3, "items": {"type": "string"}},
		"unique": {"type": "array", "uniqueItems": true},
		"either": {"anyOf": [{"type": "string"}, {"type": "array", "uniqueItems": true}]},
		"lengths": {"anyOf": [{"type": "array", "maxItems": 1}, {"type": "array", "minItems": 3}]}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	many := strings.TrimSuffix(strings.Repeat("0,", 20_000), ",")
	for _, tt := range []struct {
		name, value string
		want        []Problem
	}{
		{"few", `{"few": [` + many + `]}`, []Problem{{Pointer: "/few", Text: "must list at most 3"}}},
		{"as many as may be", `{"few": ["", "", ""]}`, nil},
		{"unique", `{"unique": [` + many + `]}`, []Problem{{Pointer: "/unique", Text: "must list at most 1000"}}},
		{"unique in an alternative", `{"either": [` + many + `]}`, []Problem{{Pointer: "/either", Text: "must list at most 1000"}}},
		{"one of two lengths", `{"lengths": [1, 2, 3]}`, nil},
	} {
		value, err := decode([]byte(tt.value))
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if diff := cmp.Diff(tt.want, s.Check(value)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", tt.name, took)
		}
	}
}

// What is said of one policy and of one path is what is said of them within the document.
func TestDefinitions(t *testing.T) {
	set, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		whole, part     *Schema
		before, piece   string
		after, pointing string
	}{
		{set.Policies, set.Policy, `{"policies": [`, `{"name": "a b", "policyTyp": "x", "handler": {"export": 1}}`, `]}`, "/policies/0"},
		{set.Routes, set.Path, `{"openapi": "3.1.0", "paths": {"/a": `, `{"x-zuplo-path": {"pathMode": "x"}, "post": {"operationId": 1}}`, `}}`, "/paths/~1a"},
	} {
		whole, err := decode([]byte(tt.before + tt.piece + tt.after))
		if err != nil {
			t.Fatal(err)
		}
		piece, err := decode([]byte(tt.piece))
		if err != nil {
			t.Fatal(err)
		}
		found := tt.part.Check(piece)
		for i := range found {
			found[i].Pointer = tt.pointing + found[i].Pointer
		}
		if diff := cmp.Diff(tt.whole.Check(whole), found); diff != "" || len(found) < 3 {
			t.Errorf("within the document and by itself (-within +itself):\n%s", diff)
		}
	}
}
