package oauth

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/policies"
)

// operations are the routes of each path, in their order: to a client, those of one path are one resource.
type operations map[string][]policies.Route

func operationsOf(routes []policies.Route) operations {
	of := make(operations, len(routes))
	for _, route := range routes {
		of[route.Path] = append(of[route.Path], route)
	}
	return of
}

// needed answers what a call needs: what every call does, and what the route asks for besides (B7).
func needed(route policies.Route, method, name string) []string {
	return once(append([]string{scopeTools}, route.Scopes.Needed(method, name)...))
}

// baseline answers what every call to a resource needs, whatever its message: what clients are told to ask for from the
// start, and what they get if they ask for nothing (B4, B5, Q24, Q28).
func (o operations) baseline(path string) []string {
	scopes := []string{scopeTools}
	for _, route := range o[path] {
		scopes = append(scopes, route.Scopes.Route...)
	}
	return once(scopes)
}

// named answers every scope that an operation of a resource names.
func (o operations) named(path string) []string {
	var scopes []string
	for _, route := range o[path] {
		scopes = append(scopes, route.Scopes.Route...)
		for _, lists := range []map[string][]string{route.Scopes.Methods, route.Scopes.Tools} {
			for _, list := range lists {
				scopes = append(scopes, list...)
			}
		}
	}
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

// offered answers the declared scopes that a client may ask for at a resource: those which an operation there names, and
// those which include one.
func (o operations) offered(path string, table scopeTable) []string {
	named := o.named(path)
	var offered []string
	for _, scope := range slices.Sorted(maps.Keys(table.declared)) {
		if slices.ContainsFunc(named, func(other string) bool { return table.includes(scope, other) }) {
			offered = append(offered, scope)
		}
	}
	return offered
}

// granted answers the scopes that a request for asked comes to at a resource. Unknown ones, and those that mean nothing
// there, are dropped: clients ask for all they have seen anywhere (Q7, Q8).
func (s *server) granted(path, asked string) []string {
	scopes, offered := s.operations.baseline(path), s.operations.offered(path, s.options.scopes)
	for scope := range strings.FieldsSeq(asked) {
		if scope == scopeOffline || slices.Contains(offered, scope) {
			scopes = append(scopes, scope)
		}
	}
	return once(scopes)
}

// supported answers the scopes that the authorization server's metadata names: the baselines, and the one that is its own.
// Clients that are told of no scope ask for all of these (Q8, Q47), so what only some calls need is not among them.
func (s *server) supported() []string {
	var scopes []string
	for _, route := range s.resources {
		scopes = append(scopes, s.operations.baseline(route.Path)...)
	}
	slices.Sort(scopes)
	return slices.Concat([]string{scopeTools}, slices.DeleteFunc(slices.Compact(scopes), isTools), []string{scopeOffline})
}

func isTools(scope string) bool { return scope == scopeTools }

// maxGranted bounds the scopes of one token together, in characters: they stand in headers.
const maxGranted = 2000

// problems answers what is wrong with what routes ask for, but for names that nobody declares: the host refuses those.
func (o operations) problems(routes []policies.Route, table scopeTable) (problems []policies.Problem) {
	for _, route := range routes {
		if route.Scopes.IsZero() {
			continue
		}
		problem := func(text string, names ...string) {
			problems = append(problems, policies.Problem{Route: route.ID, Pointer: pointerOf(names...), Text: text})
		}
		check := func(scopes []string, names ...string) {
			for i, scope := range scopes {
				if why := reserved(scope); why != "" {
					problem(why+": leave it out", append(slices.Clone(names), strconv.Itoa(i))...)
				}
			}
		}
		check(route.Scopes.Route, "scopes", "route")
		for _, method := range slices.Sorted(maps.Keys(route.Scopes.Methods)) {
			check(route.Scopes.Methods[method], "scopes", "methods", method)
		}
		for _, tool := range slices.Sorted(maps.Keys(route.Scopes.Tools)) {
			check(route.Scopes.Tools[tool], "scopes", "tools", tool)
		}
		if len(strings.Join(o.offered(route.Path, table), " ")) > maxGranted {
			problem(fmt.Sprintf("the scopes that one token for this route can have come to more than %d characters: name fewer, "+
				"or give them shorter names", maxGranted), "scopes")
		}
	}
	return problems
}

// facts says what clients are told to ask for from the start, where that is more than the usual.
func (o operations) facts(routes []policies.Route) (facts []policies.Fact) {
	for _, route := range routes {
		if !route.Scopes.IsZero() {
			facts = append(facts, policies.Fact{
				Name: "first scopes of " + route.ID, Value: strings.Join(o.baseline(route.Path), " "),
			})
		}
	}
	return facts
}

// varyOf answers what decisions on a route depend on. A message counts only where the route asks for something by it:
// the host reads messages then.
func varyOf(route policies.Route) policies.Vary {
	vary := policies.Vary{
		Headers: []string{"Authorization"}, Origin: true,
		Methods: slices.Sorted(maps.Keys(route.Scopes.Methods)),
		Names:   slices.Sorted(maps.Keys(route.Scopes.Tools)),
	}
	if len(vary.Names) > 0 && !slices.Contains(vary.Methods, policies.MethodCallTool) {
		vary.Methods = append(vary.Methods, policies.MethodCallTool)
	}
	return vary
}
