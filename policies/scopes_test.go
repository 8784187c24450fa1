package policies_test

import (
	"slices"
	"testing"

	"durward/policies"
)

func TestNeeded(t *testing.T) {
	scopes := policies.RouteScopes{
		Route:   []string{"read", "list"},
		Methods: map[string][]string{"prompts/get": {"prompts"}, "tools/call": {"call", "read"}},
		Tools:   map[string][]string{"delete": {"write", "call"}, "": {"nameless"}},
	}
	for _, tt := range []struct {
		method, name string
		want         []string
	}{
		{"", "", []string{"read", "list"}},
		{"tools/list", "", []string{"read", "list"}},
		{"prompts/get", "", []string{"read", "list", "prompts"}},
		{"prompts/get", "delete", []string{"read", "list", "prompts"}}, // a prompt, not a tool
		{"", "delete", []string{"read", "list"}},
		{"tools/call", "other", []string{"read", "list", "call"}},
		{"tools/call", "delete", []string{"read", "list", "call", "write"}},
		{"tools/call", "Delete", []string{"read", "list", "call"}},
	} {
		for range 2 { // asking changes nothing
			if got := scopes.Needed(tt.method, tt.name); !slices.Equal(got, tt.want) {
				t.Errorf("%s %s: got %v, want %v", tt.method, tt.name, got, tt.want)
			}
		}
	}
	other := scopes.Clone()
	other.Route[0], other.Methods["prompts/get"][0], other.Tools["more"] = "changed", "changed", nil
	if scopes.Route[0] != "read" || scopes.Methods["prompts/get"][0] != "prompts" || len(scopes.Tools) != 2 {
		t.Errorf("a clone changed the original: %v", scopes)
	}
	if scopes.IsZero() || !(policies.RouteScopes{Tools: map[string][]string{}}).IsZero() {
		t.Error("IsZero")
	}
}
