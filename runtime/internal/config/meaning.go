package config

import (
	"slices"
	"strings"

	"durward/schema/jsonpointer"
)

// meaning says what a file's values are to the gateway, by the names that lead to them ("" for an item of an array).
type meaning struct {
	// treat says what happens to references.
	treat func(names []string) treatment
	// reads says whether the gateway reads the value at all. Nil: it reads everything.
	reads func(names []string) bool
	// imports says whether the value may come from another file. Nil: none may.
	imports func(names []string) bool
}

func policiesMeaning() meaning {
	return meaning{treat: policiesTreatment, imports: func(names []string) bool {
		return len(names) >= 4 && names[0] == "policies" && names[2] == "handler" && names[3] == "options"
	}}
}

func routesMeaning() meaning {
	return meaning{treat: routesTreatment, reads: readsOfRoutes, imports: func(names []string) bool {
		return len(names) >= 6 && names[0] == "paths" && names[3] == "x-zuplo-route" && names[4] == "handler" && names[5] == "options"
	}}
}

func gatewayMeaning() meaning { return meaning{treat: gatewayTreatment} }

// readsOfRoutes says which parts of an OpenAPI document mean something here.
func readsOfRoutes(names []string) bool {
	last := len(names) - 1
	switch {
	case last < 0:
		return true
	case last == 0:
		return slices.Contains([]string{"$schema", "openapi", "paths"}, names[0])
	case names[0] != "paths":
		return false
	case last == 1:
		return names[1] != "" // an item of an array is no path
	case strings.HasPrefix(names[2], "x-zuplo-"):
		return true
	case last == 2:
		return slices.Contains(methodsOf(), names[2])
	case !slices.Contains(methodsOf(), names[2]):
		return false
	}
	return names[3] == "operationId" || names[3] == "summary" || strings.HasPrefix(names[3], "x-zuplo-")
}

// freeNames says in which objects of an OpenAPI document two names may differ only in case: in those that mean nothing
// here, and among paths, MCP methods and tools, where that makes two.
func freeNames(pointer string) bool {
	names := jsonpointer.Split(pointer)
	return pointer == "/paths" || !readsOfRoutes(names) ||
		len(names) == 6 && names[3] == "x-zuplo-route" && names[4] == "scopes"
}
