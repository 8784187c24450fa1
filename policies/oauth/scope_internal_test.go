package oauth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// tableOf reads the option scopes as the operator writes it.
func tableOf(t *testing.T, option string) (scopeTable, []policies.Problem) {
	t.Helper()
	var declared map[string]scopeOptions
	if err := json.Unmarshal([]byte(option), &declared); err != nil {
		t.Fatal(err)
	}
	return readScopes(declared)
}

// crm are scopes in three steps, and one that stands for itself.
const crm = `{
	"crm:read": {"description": "See contacts"},
	"crm:write": {"description": "Change contacts", "includes": ["crm:read"]},
	"crm:admin": {"includes": ["crm:write"]},
	"billing": {}
}`

func TestB8_S84_Hierarchy(t *testing.T) {
	table, problems := tableOf(t, crm)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for _, tt := range []struct {
		held, wanted, missing string
	}{
		{"mcp:tools crm:read", "mcp:tools crm:read", ""},
		{"mcp:tools crm:admin", "mcp:tools crm:read crm:write", ""},
		{"mcp:tools crm:write", "mcp:tools crm:read crm:admin", "crm:admin"},
		{"mcp:tools crm:read", "mcp:tools crm:write billing", "crm:write billing"},
		{"crm:admin", "mcp:tools", "mcp:tools"},
		{"", "mcp:tools crm:read", "mcp:tools crm:read"},
		{"mcp:tools gone", "gone", ""}, // no longer declared: it stands for itself
		{"mcp:tools", "", ""},
	} {
		got := table.missing(strings.Fields(tt.held), strings.Fields(tt.wanted))
		if strings.Join(got, " ") != tt.missing {
			t.Errorf("%q for %q: missing %v, want %q", tt.held, tt.wanted, got, tt.missing)
		}
	}
}

func TestA58_Narrowing(t *testing.T) {
	table, _ := tableOf(t, crm)
	for _, tt := range []struct{ asked, want string }{
		{"", "mcp:tools crm:write offline_access"},
		{"  ", "mcp:tools crm:write offline_access"},
		{"mcp:tools", "mcp:tools"},
		{"crm:read mcp:tools", "crm:read mcp:tools"}, // crm:write includes it
		{"mcp:tools mcp:tools", "mcp:tools"},
		{"crm:admin", "refused"},
		{"mcp:tools billing", "refused"},
		{"mcp:tools unknown", "refused"},
	} {
		got, err := table.narrowed(tt.asked, strings.Fields("mcp:tools crm:write offline_access"))
		if text := strings.Join(got, " "); err == nil && text != tt.want || err != nil && tt.want != "refused" {
			t.Errorf("%q: %q, %v, want %q", tt.asked, text, err, tt.want)
		}
	}
}

func TestScopeProblems(t *testing.T) {
	for name, tt := range map[string]struct {
		option string
		want   []string
	}{
		"none": {`{}`, nil},
		"reserved": {`{"mcp:tools": {}, "offline_access": {"includes": ["mcp:tools"]}}`, []string{
			"/gateway/scopes/mcp:tools: every call needs this scope anyway: it cannot be declared",
			"/gateway/scopes/offline_access: this scope is for clients to ask for a long-lived grant, and no call needs it: " +
				"it cannot be declared",
			"/gateway/scopes/offline_access/includes/0: every call needs this scope anyway: nothing includes it",
		}},
		"unknown": {`{"a/b~c": {"includes": ["x", "offline_access"]}}`, []string{
			"/gateway/scopes/a~1b~0c/includes/0: is not declared in gateway.scopes: declare it there, or name a scope that is",
			"/gateway/scopes/a~1b~0c/includes/1: this scope is for clients to ask for a long-lived grant, and no call needs it: " +
				"nothing includes it",
		}},
		"itself": {`{"a": {"includes": ["a"]}}`, []string{
			"/gateway/scopes/a/includes/0: leads back to the scope that includes it: leave out one of the includes on the way round",
		}},
		"a cycle, and what leads into it": {`{"a": {"includes": ["b"]}, "b": {"includes": ["c"]}, "c": {"includes": ["a"]}, "d": {"includes": ["a"]}}`, []string{
			"/gateway/scopes/a/includes/0: leads back to the scope that includes it: leave out one of the includes on the way round",
			"/gateway/scopes/b/includes/0: leads back to the scope that includes it: leave out one of the includes on the way round",
			"/gateway/scopes/c/includes/0: leads back to the scope that includes it: leave out one of the includes on the way round",
		}},
		"two ways to one": {`{"a": {"includes": ["b", "c"]}, "b": {"includes": ["d"]}, "c": {"includes": ["d"]}, "d": {}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := tableOf(t, tt.option)
			var got []string
			for _, p := range problems {
				got = append(got, p.Pointer+": "+p.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A hundred scopes that all include each other's successors are read at once.
func TestScopesOfAllSizes(t *testing.T) {
	declared := map[string]scopeOptions{}
	for i := range 100 {
		var includes []string
		for j := i + 1; j < 100; j++ {
			includes = append(includes, fmt.Sprint("s", j))
		}
		declared[fmt.Sprint("s", i)] = scopeOptions{Includes: includes}
	}
	table, problems := readScopes(declared)
	if len(problems) > 0 || len(table.within["s0"]) != 99 {
		t.Errorf("%d problems, s0 includes %d", len(problems), len(table.within["s0"]))
	}
}

func TestRouteProblems(t *testing.T) {
	long := map[string]scopeOptions{}
	for i := range 40 {
		long[fmt.Sprintf("%02d%s", i, strings.Repeat("x", 60))] = scopeOptions{Includes: []string{"a"}}
	}
	long["a"] = scopeOptions{}
	table, _ := readScopes(long)
	routes := []policies.Route{
		{ID: "plain", Path: "/p"},
		{ID: "reserved", Path: "/r", Scopes: policies.RouteScopes{
			Route:   []string{"mcp:tools"},
			Methods: map[string][]string{"prompts/get": {"b", "offline_access"}},
			Tools:   map[string][]string{"a b": {"mcp:tools"}},
		}},
		{ID: "long", Path: "/l", Scopes: policies.RouteScopes{Route: []string{"a"}}},
	}
	var got []string
	for _, p := range operationsOf(routes).problems(routes, table) {
		got = append(got, p.Route+p.Pointer)
	}
	want := []string{"reserved/scopes/route/0", "reserved/scopes/methods/prompts~1get/1", "reserved/scopes/tools/a b/0", "long/scopes"}
	if !slices.Equal(got, want) {
		t.Errorf("problems at %v, want %v", got, want)
	}
}
