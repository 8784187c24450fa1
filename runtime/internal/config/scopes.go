package config

import (
	"fmt"
	"maps"
	"slices"

	"durward/policies"
	"durward/runtime/internal/mcp"
	"durward/schema/jsonpointer"
	"durward/schema/suggest"
)

// readScopes reads what a route asks of its callers. What is not of the right form has a problem already.
func readScopes(value any) policies.RouteScopes {
	return policies.RouteScopes{
		Route:   scopeList(get(value, "route")),
		Methods: scopeLists(get(value, "methods")),
		Tools:   scopeLists(get(value, "tools")),
	}
}

func scopeLists(value any) map[string][]string {
	members, _ := value.(map[string]any)
	if len(members) == 0 {
		return nil
	}
	lists := make(map[string][]string, len(members))
	for name, list := range members {
		lists[name] = scopeList(list)
	}
	return lists
}

func scopeList(value any) (scopes []string) {
	items, _ := value.([]any)
	for _, item := range items {
		if scope, ok := item.(string); ok {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// checkScopes refuses scopes that no policy looks at, or that one which does look at them does not know, and those of
// messages where none come: a name that was misspelt or misplaced must not open a door. Of a policy that has problems of
// its own nobody knows what it says.
func (b *build) checkScopes(r *routeDraft, named map[string]*policyDraft) {
	scopesAt := r.at + "/x-zuplo-route/scopes"
	if r.Scopes.IsZero() || !r.source.sound(scopesAt) {
		return
	}
	b.checkMethods(r, scopesAt)
	enforced, judged := false, r.source.sound(r.at+"/x-zuplo-route/policies")
	for i, name := range r.Inbound {
		d := named[name]
		if d == nil || d.kind == nil || d.Options == nil || !b.policies.sound(d.at) {
			judged = false
			continue
		}
		if len(d.Report.Scopes) > 0 && !slices.Contains(r.Inbound[:i], name) {
			enforced = true
			checkNames(r, scopesAt, d)
		}
	}
	if judged && !enforced {
		r.source.nameProblem(scopesAt, "no policy of route %q looks at scopes: list one that signs people in under policies.inbound",
			r.ID)
	}
}

// checkNames refuses scopes that a policy does not know.
func checkNames(r *routeDraft, scopesAt string, d *policyDraft) {
	check := func(listAt string, scopes []string) {
		for i, scope := range scopes {
			if slices.Contains(d.Report.Scopes, scope) {
				continue
			}
			remedy := ": declare it in the options of that policy"
			if meant, ok := suggest.Nearest(scope, d.Report.Scopes); ok {
				remedy = fmt.Sprintf(": did you mean %q?", meant)
			}
			r.source.problem(at(listAt, i), "policy %q declares no such scope%s", d.Name, remedy)
		}
	}
	check(scopesAt+"/route", r.Scopes.Route)
	for name, scopes := range r.Scopes.Methods {
		check(jsonpointer.Join(scopesAt+"/methods", name), scopes)
	}
	for name, scopes := range r.Scopes.Tools {
		check(jsonpointer.Join(scopesAt+"/tools", name), scopes)
	}
}

// checkMethods refuses scopes of messages on an operation to which none come, and notes methods that MCP does not have.
func (b *build) checkMethods(r *routeDraft, scopesAt string) {
	if !slices.Contains(r.Methods, "POST") {
		for part, lists := range map[string]map[string][]string{"methods": r.Scopes.Methods, "tools": r.Scopes.Tools} {
			if len(lists) > 0 {
				r.source.nameProblem(jsonpointer.Join(scopesAt, part), "no messages come to this operation: they are for post")
			}
		}
		return
	}
	known := mcp.Methods()
	for _, method := range slices.Sorted(maps.Keys(r.Scopes.Methods)) {
		if slices.Contains(known, method) {
			continue
		}
		hint := ""
		if meant, ok := suggest.Nearest(method, known); ok {
			hint = fmt.Sprintf(": did you mean %q?", meant)
		}
		r.source.nameNote(jsonpointer.Join(scopesAt+"/methods", method), "MCP has no method %q that clients send%s", method, hint)
	}
}
