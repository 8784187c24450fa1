package oauth

import (
	"slices"
	"strings"
)

// abilityView is one thing beyond the tools that a scope lets a client do, as a person is told of it (A43).
type abilityView struct {
	// Scope is its name, Description the operator's words for it, or empty.
	Scope, Description string
}

// abilities answers what the scopes of a request or a grant let a client do at a resource, but for what every client may
// do there: what calls need anyway, and what only some need. Those that were asked for beyond the usual are told apart,
// for they are what a person should think about.
func (s *server) abilities(resource string, scopes []string) (usual, more []abilityView) {
	baseline := s.operations.baseline(pathOf(resource))
	for _, scope := range scopes {
		ability := abilityView{Scope: scope, Description: shown(s.options.scopes.declared[scope].Description, maxShownAbility)}
		switch {
		case scope == scopeTools, scope == scopeOffline:
		case slices.Contains(baseline, scope):
			usual = append(usual, ability)
		default:
			more = append(more, ability)
		}
	}
	return usual, more
}

// pathOf answers the path of a resource's URL.
func pathOf(resource string) string {
	_, rest, _ := strings.Cut(resource, "://")
	return strings.TrimLeftFunc(rest, func(c rune) bool { return c != '/' })
}
