package access

import (
	"encoding/json"
	"slices"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// Person is who signed in. Issuer and Subject together identify (C5); email and name are for showing, and like the rest
// for the rules, which are asked anew wherever the record is used. It is kept in the store: members are only ever added.
type Person struct {
	Issuer        string   `json:"issuer"`
	Subject       string   `json:"subject"`
	Email         string   `json:"email,omitempty"`
	EmailVerified bool     `json:"email_verified,omitempty"`
	Name          string   `json:"name,omitempty"`
	Organizations []string `json:"organizations,omitempty"`
	// Claims are those that a rule names, and no others.
	Claims map[string]json.RawMessage `json:"claims,omitempty"`
}

// Key is the person's name within the store and in tags. No issuer holds a NUL, so no two people share a key.
func (p Person) Key() string { return secret.Digest(p.Issuer + "\x00" + p.Subject) }

// Bounds of what is kept of an identity. A claim beyond its bound counts as missing.
const (
	maxClaim         = 4 << 10 // bytes of JSON
	maxOrganizations = 100     // of those that no rule names
)

// PersonOf makes a person's record of an identity: who it is, what the rules may ask about, and of the claims those alone
// that they do ask about.
func (a Rules) PersonOf(identity policies.Identity) Person {
	who := Person{
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

// Same says whether two records of a person say the same.
func (p Person) Same(other Person) bool {
	one, errOne := json.Marshal(p)
	two, errTwo := json.Marshal(other)
	return errOne == nil && errTwo == nil && string(one) == string(two)
}
