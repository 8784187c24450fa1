package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"durward/policies/oauth/internal/ascii"
)

// Rules say who of those whom the identity provider lets in may come in. Each kind of rule that is there must be
// met; emails and domains are one kind. nil is a rule that is not there, an empty one that nobody meets.
type Rules struct {
	emails, domains []string // in lower case
	organizations   []string
	claims          []claimRule
}

// claimRule asks for a claim with one of some values, in the form of scalarKey.
type claimRule struct {
	name   string
	wanted []string
}

// Options is the JSON form of the option access.
type Options struct {
	Emails         []string                   `json:"emails"`
	EmailDomains   []string                   `json:"emailDomains"`
	Organizations  []string                   `json:"organizations"`
	RequiredClaims map[string]json.RawMessage `json:"requiredClaims"`
}

// Read makes rules of the option. The error is that of a required claim that could equal none.
func Read(given Options) (Rules, error) {
	rules := Rules{
		emails: lowered(given.Emails), domains: lowered(given.EmailDomains), organizations: given.Organizations,
	}
	for _, name := range slices.Sorted(maps.Keys(given.RequiredClaims)) {
		wanted, ok := scalarKeys(given.RequiredClaims[name])
		if !ok { // the schema lets nothing else pass but numbers of great length
			return Rules{}, errors.New("decode options: a required claim is no string, number, true, false or list of them")
		}
		rules.claims = append(rules.claims, claimRule{name: name, wanted: wanted})
	}
	return rules, nil
}

// Open says that there are no rules.
func (a Rules) Open() bool {
	return a.emails == nil && a.domains == nil && a.organizations == nil && a.claims == nil
}

// Organizations says whether there is a rule that asks for an organization.
func (a Rules) Organizations() bool { return a.organizations != nil }

// Judge answers which rule keeps a person out, or Admitted. What is not known of a person meets no rule.
func (a Rules) Judge(who Person) Denial {
	if a.emails != nil || a.domains != nil {
		switch {
		case who.Email == "":
			return DeniedNoEmail
		case !who.EmailVerified:
			return DeniedUnverified
		case !slices.Contains(a.emails, ascii.Lower(who.Email)) && !slices.Contains(a.domains, domainOf(who.Email)):
			return DeniedEmail
		}
	}
	listed := func(id string) bool { return slices.Contains(a.organizations, id) }
	if a.organizations != nil && !slices.ContainsFunc(who.Organizations, listed) {
		return DeniedOrganization
	}
	if _, missing := a.missingClaim(who); missing {
		return DeniedClaim
	}
	return Admitted
}

// missingClaim answers the first claim that a person does not have as it is asked for.
func (a Rules) missingClaim(who Person) (string, bool) {
	for _, rule := range a.claims {
		held, _ := scalarKeys(who.Claims[rule.name])
		if !slices.ContainsFunc(held, func(key string) bool { return slices.Contains(rule.wanted, key) }) {
			return rule.name, true
		}
	}
	return "", false
}

// Hint tells the operator what to do about a denial. It names options and claims, and no value of the person's.
func (a Rules) Hint(who Person, reason Denial) string {
	switch reason {
	case DeniedNoEmail:
		return "the provider gave no email address: tick email on the OAuth application and keep email in scope"
	case DeniedUnverified:
		return "the provider does not vouch for the email address: the person must verify it there, and email must be " +
			"ticked on the OAuth application and in scope"
	case DeniedEmail:
		return "neither the email address nor its domain is listed in access"
	case DeniedOrganization:
		if len(who.Organizations) == 0 {
			return "the provider named no organization: add user:org:read to scope and have people pick one when they sign in"
		}
		return "no organization that the provider named is listed in access.organizations"
	case DeniedClaim:
		name, _ := a.missingClaim(who)
		return fmt.Sprintf("the claim %q is missing or has none of the values that access.requiredClaims asks for", name)
	}
	return ""
}
