package oauth

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"durward/policies"
)

// What a provider's options tell only together with those that all providers have in common, or with where the gateway
// is. A provider says which of its options these are (policies.ProviderReport), and the rules stand here, once.

// provided is a provider's report beside the rest of what Validate knows.
type provided struct {
	policies.ProviderReport
	options json.RawMessage // the provider's own
	own     options
}

// called is what texts call the provider.
func (p provided) called() string {
	if p.Name == "" {
		return "the identity provider"
	}
	return p.Name
}

// problems answers what must be mended.
func (p provided) problems(origins []string) []policies.Problem {
	var found []policies.Problem
	if at, err := url.Parse(p.Address.URL); err == nil && slices.Contains(origins, originOf(at)) {
		found = append(found, policies.Problem{
			Pointer: p.Address.Option, Text: "is an address of this gateway, by its publicUrl: put " + p.Address.Put,
		})
	}
	scope := p.Scopes.Organizations
	if !p.own.access.Organizations() || !p.lacks(scope) {
		return found
	}
	why := fmt.Sprintf("without it %s does not say for which organization a person acts, and nobody may come in", p.called())
	if p.scopesGiven() {
		return append(found, policies.Problem{
			Pointer: p.Scopes.Option,
			Text:    fmt.Sprintf("must contain %s, since access.organizations is set: %s", scope, why),
		})
	}
	return append(found, policies.Problem{
		Pointer: "/access/organizations", Text: fmt.Sprintf("needs %s: %s", p.withScope(scope), why),
	})
}

// notes answers what is worth a person's attention. That people are asked about again hangs on the provider: some give
// out what it takes without being asked to.
func (p provided) notes() []policies.Problem {
	scope := p.Scopes.Offline
	if p.own.recheckAfter == 0 || !p.lacks(scope) {
		return nil
	}
	note := policies.Problem{Text: fmt.Sprintf("without %s in %s, %s may give the gateway nothing with which to ask again "+
		"whether a person is still welcome (gateway.recheckSeconds): whoever is disabled there may then keep their access "+
		"here for as long as a client of theirs goes on. Allow %s for the application at the provider and put %s, or set "+
		"gateway.recheckSeconds to 0", scope, p.scopesName(), p.called(), scope, p.withScope(scope))}
	if p.scopesGiven() {
		note.Pointer = p.Scopes.Option
	}
	return []policies.Problem{note}
}

// lacks says whether a scope that the provider has is not asked for.
func (p provided) lacks(scope string) bool {
	return scope != "" && !slices.Contains(p.Scopes.Asked, scope)
}

// scopesName is the option that lists the scopes as it is written: scope.
func (p provided) scopesName() string { return strings.TrimPrefix(p.Scopes.Option, "/") }

// scopesGiven says whether that option is there, rather than its default in force.
func (p provided) scopesGiven() bool {
	members, err := membersOf(p.options)
	_, given := members[p.scopesName()]
	return err == nil && given
}

// withScope is how the option would be written with a scope more.
func (p provided) withScope(scope string) string {
	return fmt.Sprintf("%q: %q", p.scopesName(), strings.Join(append(slices.Clone(p.Scopes.Asked), scope), " "))
}
