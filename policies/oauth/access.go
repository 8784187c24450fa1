package oauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"durward/policies"
)

// openNote is said of a policy without access rules.
const openNote = "everybody whom the identity provider lets in may come in, and many applications at providers such as " +
	"Clerk let anybody sign up: say who may with access, for example \"access\": {\"emailDomains\": [\"example.com\"]}"

// accessRules say who of those whom the identity provider lets in may come in. Each kind of rule that is there must be
// met; emails and domains are one kind. nil is a rule that is not there, an empty one that nobody meets.
type accessRules struct {
	emails, domains []string // in lower case
	organizations   []string
	claims          []claimRule
}

// claimRule asks for a claim with one of some values, in the form of scalarKey.
type claimRule struct {
	name   string
	wanted []string
}

// accessOptions is the JSON form of the option access.
type accessOptions struct {
	Emails         []string                   `json:"emails"`
	EmailDomains   []string                   `json:"emailDomains"`
	Organizations  []string                   `json:"organizations"`
	RequiredClaims map[string]json.RawMessage `json:"requiredClaims"`
}

func readAccess(given accessOptions) (accessRules, error) {
	rules := accessRules{
		emails: lowered(given.Emails), domains: lowered(given.EmailDomains), organizations: given.Organizations,
	}
	for _, name := range slices.Sorted(maps.Keys(given.RequiredClaims)) {
		wanted, ok := scalarKeys(given.RequiredClaims[name])
		if !ok { // the schema lets nothing else pass but numbers of great length
			return accessRules{}, errors.New("decode options: a required claim is no string, number, true, false or list of them")
		}
		rules.claims = append(rules.claims, claimRule{name: name, wanted: wanted})
	}
	return rules, nil
}

// open says that there are no rules.
func (a accessRules) open() bool {
	return a.emails == nil && a.domains == nil && a.organizations == nil && a.claims == nil
}

// judge answers which rule keeps a person out, or admitted. What is not known of a person meets no rule.
func (a accessRules) judge(who person) denial {
	if a.emails != nil || a.domains != nil {
		switch {
		case who.Email == "":
			return deniedNoEmail
		case !who.EmailVerified:
			return deniedUnverified
		case !slices.Contains(a.emails, lower(who.Email)) && !slices.Contains(a.domains, domainOf(who.Email)):
			return deniedEmail
		}
	}
	listed := func(id string) bool { return slices.Contains(a.organizations, id) }
	if a.organizations != nil && !slices.ContainsFunc(who.Organizations, listed) {
		return deniedOrganization
	}
	if _, missing := a.missingClaim(who); missing {
		return deniedClaim
	}
	return admitted
}

// missingClaim answers the first claim that a person does not have as it is asked for.
func (a accessRules) missingClaim(who person) (string, bool) {
	for _, rule := range a.claims {
		held, _ := scalarKeys(who.Claims[rule.name])
		if !slices.ContainsFunc(held, func(key string) bool { return slices.Contains(rule.wanted, key) }) {
			return rule.name, true
		}
	}
	return "", false
}

// knows says whether a person is one of the provider's that is configured now. Another one's, of a time before the
// options were changed, have to sign in anew: nobody vouches for them any more.
func (s *server) knows(who person) bool { return who.Issuer == s.provider.Issuer() }

// welcome says whether a person who came in once would be let in now: a changed rule holds at once for everybody.
func (s *server) welcome(who person) bool {
	return s.knows(who) && s.options.access.judge(who) == admitted
}

// hint tells the operator what to do about a denial. It names options and claims, and no value of the person's.
func (a accessRules) hint(who person, reason denial) string {
	switch reason {
	case deniedNoEmail:
		return "the provider gave no email address: tick email on the OAuth application and keep email in scope"
	case deniedUnverified:
		return "the provider does not vouch for the email address: the person must verify it there, and email must be " +
			"ticked on the OAuth application and in scope"
	case deniedEmail:
		return "neither the email address nor its domain is listed in access"
	case deniedOrganization:
		if len(who.Organizations) == 0 {
			return "the provider named no organization: add user:org:read to scope and have people pick one when they sign in"
		}
		return "no organization that the provider named is listed in access.organizations"
	case deniedClaim:
		name, _ := a.missingClaim(who)
		return fmt.Sprintf("the claim %q is missing or has none of the values that access.requiredClaims asks for", name)
	}
	return ""
}

// Bounds of what is kept of an identity. A claim beyond its bound counts as missing.
const (
	maxClaim         = 4 << 10 // bytes of JSON
	maxOrganizations = 100     // of those that no rule names
)

// personOf makes a person's record of an identity: who it is, what the rules may ask about, and of the claims those alone
// that they do ask about.
func (a accessRules) personOf(identity policies.Identity) person {
	who := person{
		Issuer: identity.Issuer, Subject: identity.Subject, Email: identity.Email, Name: identity.Name,
		EmailVerified: identity.EmailVerified, Organizations: slices.Clone(identity.Organizations),
	}
	if len(who.Organizations) > maxOrganizations {
		who.Organizations = slices.DeleteFunc(who.Organizations, func(id string) bool {
			return !slices.Contains(a.organizations, id)
		})
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(identity.Claims, &claims) != nil {
		return who // without claims
	}
	for _, rule := range a.claims {
		if value, ok := claims[rule.name]; ok && len(value) <= maxClaim {
			if who.Claims == nil {
				who.Claims = map[string]json.RawMessage{}
			}
			who.Claims[rule.name] = value
		}
	}
	return who
}

// domainOf answers what follows the last @ of an email address, in lower case. An address that mail software might
// read in two ways has no domain: one with a second @, or with anything in front of it that needs quotes.
func domainOf(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 1 || strings.Trim(lower(email[:at]), "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~.") != "" {
		return ""
	}
	return lower(email[at+1:])
}

// lower folds the case of ASCII letters and of nothing else: Unicode folds other letters into them (K, the Kelvin
// sign, becomes k).
func lower(text string) string {
	return strings.Map(func(c rune) rune {
		if 'A' <= c && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, text)
}

func lowered(texts []string) []string {
	if texts == nil {
		return nil
	}
	folded := make([]string, len(texts))
	for i, text := range texts {
		folded[i] = lower(text)
	}
	return folded
}

// scalarKeys answers the keys of a JSON scalar, or of those in a list; false if the value is anything else.
func scalarKeys(raw json.RawMessage) ([]string, bool) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		list = []json.RawMessage{raw}
	}
	keys := make([]string, 0, len(list))
	for _, item := range list {
		if key, ok := scalarKey(item); ok {
			keys = append(keys, key)
		}
	}
	return keys, len(keys) == len(list)
}

// scalarKey writes a string, number or boolean so that equal values, and only those, have equal keys: 1 is 1.0 and is
// not "1", true is not "true".
func scalarKey(raw json.RawMessage) (string, bool) {
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return "", false
	}
	switch value := value.(type) {
	case string:
		return "string:" + value, true
	case bool:
		return "boolean:" + strconv.FormatBool(value), true
	case json.Number:
		exact, ok := exactly(value.String())
		return "number:" + exact, ok
	}
	return "", false
}

// exactly writes a JSON number in one form, without the loss that a float64 would mean for long ids. Numbers out of all
// reason, whose exact form could be gigabytes, have none.
func exactly(number string) (string, bool) {
	if _, exponent, ok := strings.Cut(lower(number), "e"); ok {
		if n, err := strconv.Atoi(exponent); err != nil || n < -308 || n > 308 {
			return "", false
		}
	}
	if len(number) > 64 {
		return "", false
	}
	value, ok := new(big.Rat).SetString(number)
	if !ok {
		return "", false
	}
	return value.RatString(), true
}
