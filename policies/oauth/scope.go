package oauth

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/policies"
)

// The scopes that nobody declares. Every call needs mcp:tools, and every client is given it. offline_access is the
// authorization server's alone: a resource never asks for it (A9).
const (
	scopeTools   = "mcp:tools"
	scopeOffline = "offline_access"
)

// scopeTable are the scopes that the operator has declared, and which of them each stands for (B8). The zero value has none.
type scopeTable struct {
	declared map[string]scopeOptions
	// within holds by scope those that it includes, directly or through others.
	within map[string][]string
}

// readScopes reads the option scopes. The pointers of the problems are relative to the options.
func readScopes(declared map[string]scopeOptions) (scopeTable, []policies.Problem) {
	t := scopeTable{declared: declared, within: make(map[string][]string, len(declared))}
	var problems []policies.Problem
	problem := func(text string, names ...string) {
		problems = append(problems, policies.Problem{Pointer: pointerOf(append([]string{"gateway", "scopes"}, names...)...), Text: text})
	}
	for name := range declared {
		t.within[name] = t.reached(name)
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if why := reserved(name); why != "" {
			problem(why+": it cannot be declared", name)
		}
		for i, other := range declared[name].Includes {
			at := []string{name, "includes", strconv.Itoa(i)}
			if why := reserved(other); why != "" {
				problem(why+": nothing includes it", at...)
			} else if _, known := declared[other]; !known {
				problem("is not declared in gateway.scopes: declare it there, or name a scope that is", at...)
			} else if other == name || slices.Contains(t.within[other], name) {
				problem("leads back to the scope that includes it: leave out one of the includes on the way round", at...)
			}
		}
	}
	return t, problems
}

// reached answers what a scope includes, each once. A cycle, which is a problem, ends where it began.
func (t scopeTable) reached(name string) (all []string) {
	next := t.declared[name].Includes
	for len(next) > 0 {
		other := next[0]
		next = next[1:]
		if !slices.Contains(all, other) {
			all = append(all, other)
			next = slices.Concat(next, t.declared[other].Includes)
		}
	}
	return all
}

// reserved says why a scope is not the operator's to declare, or is "".
func reserved(scope string) string {
	switch scope {
	case scopeTools:
		return "every call needs this scope anyway"
	case scopeOffline:
		return "this scope is for clients to ask for a long-lived grant, and no call needs it"
	}
	return ""
}

// names are all the scopes there are.
func (t scopeTable) names() []string {
	return append(slices.Sorted(maps.Keys(t.declared)), scopeTools, scopeOffline)
}

// includes says whether whoever has a scope has the other one.
func (t scopeTable) includes(scope, other string) bool {
	return scope == other || slices.Contains(t.within[scope], other)
}

// missing answers which of the wanted scopes those held do not stand for (B8, S84).
func (t scopeTable) missing(held, wanted []string) []string {
	var missing []string
	for _, want := range wanted {
		if !slices.ContainsFunc(held, func(scope string) bool { return t.includes(scope, want) }) {
			missing = append(missing, want)
		}
	}
	return missing
}

// narrowed answers the scopes of a refresh: those asked for, which the grant must stand for, or all of the grant's (A58).
func (t scopeTable) narrowed(asked string, granted []string) ([]string, error) {
	scopes := once(strings.Fields(asked))
	if len(scopes) == 0 {
		return granted, nil
	}
	if len(t.missing(granted, scopes)) > 0 {
		return nil, badRequest("invalid_scope", "a refresh cannot widen the scope that was granted")
	}
	return scopes, nil
}

// once keeps the first of each name, and the order.
func once(names []string) []string {
	kept := make([]string, 0, len(names))
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}

// pointerOf writes a JSON pointer (RFC 6901).
func pointerOf(names ...string) string {
	var pointer strings.Builder
	for _, name := range names {
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return pointer.String()
}
