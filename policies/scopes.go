package policies

import (
	"maps"
	"slices"
)

// RouteScopes are what a caller must have been allowed for requests on a route, by the names that the policies of the
// route know (RFC 6749 section 3.3). They add up: a call needs those of the route, of its method, and of its tool.
type RouteScopes struct {
	// Route is needed for every request, whatever its method.
	Route []string `json:"route,omitempty"`
	// Methods is what is needed besides for messages of an MCP method, by its name.
	Methods map[string][]string `json:"methods,omitempty"`
	// Tools is what is needed besides for calls of a tool, by its name: params.name of MethodCallTool, byte for byte. A
	// prompt or a resource of the same name is none.
	Tools map[string][]string `json:"tools,omitempty"`
}

// MethodCallTool is the MCP method whose params.name is the name of a tool.
const MethodCallTool = "tools/call"

// IsZero says that nothing is needed.
func (s RouteScopes) IsZero() bool { return len(s.Route)+len(s.Methods)+len(s.Tools) == 0 }

// Needed answers what a message needs, each name once: that of a method and a name as they stand in Request.
func (s RouteScopes) Needed(method, name string) []string {
	needed := slices.Concat(s.Route, s.Methods[method])
	if method == MethodCallTool {
		needed = append(needed, s.Tools[name]...)
	}
	return distinct(needed)
}

// Clone answers a copy that shares nothing with the original.
func (s RouteScopes) Clone() RouteScopes {
	copied := func(lists map[string][]string) map[string][]string {
		lists = maps.Clone(lists)
		for name, scopes := range lists {
			lists[name] = slices.Clone(scopes)
		}
		return lists
	}
	return RouteScopes{Route: slices.Clone(s.Route), Methods: copied(s.Methods), Tools: copied(s.Tools)}
}

// distinct keeps the first of each name, and the order.
func distinct(names []string) []string {
	kept := names[:0]
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}
