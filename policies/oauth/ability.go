package oauth

import (
	"slices"
	"strings"

	"durward/policies/oauth/internal/page"
)

// abilities answers what the scopes of a request or a grant let a client do at a resource, but for what every client may
// do there: what calls need anyway, and what only some need. Those that were asked for beyond the usual are told apart,
// for they are what a person should think about.
func (s *server) abilities(resource string, scopes []string) (usual, more []page.Ability) {
	baseline := s.operations.baseline(pathOf(resource))
	for _, scope := range scopes {
		ability := page.Ability{Scope: scope, Description: s.options.scopes.declared[scope].Description}
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
