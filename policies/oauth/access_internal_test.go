package oauth

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func rulesOf(t *testing.T, options string) accessRules {
	t.Helper()
	var given accessOptions
	if err := json.Unmarshal([]byte(options), &given); err != nil {
		t.Fatal(err)
	}
	rules, err := readAccess(given)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func TestC5_AccessRules(t *testing.T) {
	const (
		emails  = `{"emails":["Alice@Example.com"]}`
		domains = `{"emailDomains":["Example.com","xn--e1afmkfd.example"]}`
		both    = `{"emails":["bob@other.example"],"emailDomains":["example.com"]}`
		orgs    = `{"organizations":["org_a","org_b"]}`
		all     = `{"emailDomains":["example.com"],"organizations":["org_a"],"requiredClaims":{"staff":true}}`
	)
	verified := func(email string) policies.Identity { return policies.Identity{Email: email, EmailVerified: true} }
	claims := func(text string) policies.Identity { return policies.Identity{Claims: json.RawMessage(text)} }
	required := func(text string) string { return `{"requiredClaims":{"c":` + text + `}}` }
	tests := map[string]struct {
		rules string
		who   policies.Identity
		want  denial
	}{
		"no rules":                         {`{}`, policies.Identity{}, admitted},
		"listed address, other case":       {emails, verified("aLICE@eXAMPLE.COM"), admitted},
		"address not listed":               {emails, verified("bob@example.com"), deniedEmail},
		"listed, not verified":             {emails, policies.Identity{Email: "alice@example.com"}, deniedUnverified},
		"no address":                       {emails, policies.Identity{EmailVerified: true}, deniedNoEmail},
		"address with a suffix":            {emails, verified("alice@example.com.evil.example"), deniedEmail},
		"address and a line":               {emails, verified("alice@example.com\n"), deniedEmail},
		"address with another before":      {emails, verified("x,alice@example.com"), deniedEmail},
		"domain":                           {domains, verified("anybody+tag@EXAMPLE.com"), admitted},
		"domain in punycode":               {domains, verified("a@xn--e1afmkfd.example"), admitted},
		"domain, not verified":             {domains, policies.Identity{Email: "a@example.com"}, deniedUnverified},
		"subdomain":                        {domains, verified("a@eu.example.com"), deniedEmail},
		"domain as a suffix":               {domains, verified("a@evilexample.com"), deniedEmail},
		"domain as a prefix":               {domains, verified("a@example.com.evil"), deniedEmail},
		"domain with a dot":                {domains, verified("a@example.com."), deniedEmail},
		"domain before the last @":         {domains, verified("a@example.com@evil.example"), deniedEmail},
		"two @, the last is ours":          {domains, verified("a@evil.example@example.com"), deniedEmail},
		"quoted @":                         {domains, verified(`"a@evil.example"@example.com`), deniedEmail},
		"no local part":                    {domains, verified("@example.com"), deniedEmail},
		"no @":                             {domains, verified("example.com"), deniedEmail},
		"Kelvin sign, as Unicode folds it": {`{"emailDomains":["kilo.example"]}`, verified("a@\u212ailo.example"), deniedEmail},
		"the same in an address":           {`{"emails":["k@kilo.example"]}`, verified("\u212a@kilo.example"), deniedEmail},
		"address or domain: address":       {both, verified("bob@other.example"), admitted},
		"address or domain: domain":        {both, verified("carol@example.com"), admitted},
		"neither":                          {both, verified("carol@other.example"), deniedEmail},
		"an empty list lets nobody in":     {`{"emails":[]}`, verified("alice@example.com"), deniedEmail},
		"one of the organizations":         {orgs, policies.Identity{Organizations: []string{"org_x", "org_b"}}, admitted},
		"another organization":             {orgs, policies.Identity{Organizations: []string{"org_ab", "ORG_A"}}, deniedOrganization},
		"no organization":                  {orgs, policies.Identity{}, deniedOrganization},
		"no organization will do":          {`{"organizations":[]}`, policies.Identity{Organizations: []string{"x"}}, deniedOrganization},
		"text":                             {required(`"v"`), claims(`{"c":"v"}`), admitted},
		"text in another case":             {required(`"v"`), claims(`{"c":"V"}`), deniedClaim},
		"a name in another case":           {required(`"v"`), claims(`{"C":"v"}`), deniedClaim},
		"no such claim":                    {required(`"v"`), claims(`{"d":"v"}`), deniedClaim},
		"no claims":                        {required(`"v"`), policies.Identity{}, deniedClaim},
		"claims that are no object":        {required(`"v"`), claims(`["v"]`), deniedClaim},
		"claim null":                       {required(`"v"`), claims(`{"c":null}`), deniedClaim},
		"claim an object":                  {required(`"v"`), claims(`{"c":{"v":"v"}}`), deniedClaim},
		"claim a list that holds it":       {required(`"v"`), claims(`{"c":["u",{"x":1},"v"]}`), admitted},
		"claim a list that does not":       {required(`"v"`), claims(`{"c":["u","vv"]}`), deniedClaim},
		"claim an empty list":              {required(`"v"`), claims(`{"c":[]}`), deniedClaim},
		"one of several values":            {required(`["u","v"]`), claims(`{"c":"v"}`), admitted},
		"none of several values":           {required(`["u","v"]`), claims(`{"c":"w"}`), deniedClaim},
		"true":                             {required(`true`), claims(`{"c":true}`), admitted},
		"true is not the text true":        {required(`true`), claims(`{"c":"true"}`), deniedClaim},
		"the text true is not true":        {required(`"true"`), claims(`{"c":true}`), deniedClaim},
		"true is not 1":                    {required(`true`), claims(`{"c":1}`), deniedClaim},
		"false is not a missing claim":     {required(`false`), claims(`{}`), deniedClaim},
		"numbers as numbers":               {required(`10`), claims(`{"c":1.00e1}`), admitted},
		"a number is not its text":         {required(`10`), claims(`{"c":"10"}`), deniedClaim},
		"numbers beyond a float64":         {required(`9007199254740993`), claims(`{"c":9007199254740992}`), deniedClaim},
		"a number out of all reason":       {required(`1`), claims(`{"c":1e999999999}`), deniedClaim},
		"each kind is needed":              {all, verified("a@example.com"), deniedOrganization},
		"each kind is met": {all, policies.Identity{
			Email: "a@example.com", EmailVerified: true, Organizations: []string{"org_a"}, Claims: json.RawMessage(`{"staff":true}`),
		}, admitted},
		"all but a claim": {all, policies.Identity{
			Email: "a@example.com", EmailVerified: true, Organizations: []string{"org_a"}, Claims: json.RawMessage(`{"staff":false}`),
		}, deniedClaim},
		"each claim is needed": {`{"requiredClaims":{"a":1,"b":2}}`, claims(`{"a":1}`), deniedClaim},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rules := rulesOf(t, test.rules)
			who := rules.personOf(test.who)
			if got := rules.judge(who); got != test.want {
				t.Errorf("judged %q, want %q", got, test.want)
			}
			if hint := rules.hint(who, test.want); (hint == "") != (test.want == admitted) {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

// Of an identity no more is kept than the rules ask about, and never without bound.
func TestPersonKeepsWhatTheRulesName(t *testing.T) {
	rules := rulesOf(t, `{"organizations":["org_7"],"requiredClaims":{"department":"x","big":"x"}}`)
	identity := policies.Identity{
		Issuer: "i", Subject: "s", Email: "e", EmailVerified: true, Name: "n",
		Claims: json.RawMessage(`{"department":"y","salary":1,"big":"` + strings.Repeat("x", maxClaim) + `"}`),
	}
	for i := range 2 * maxOrganizations {
		identity.Organizations = append(identity.Organizations, fmt.Sprintf("org_%d", i))
	}
	want := person{
		Issuer: "i", Subject: "s", Email: "e", EmailVerified: true, Name: "n", Organizations: []string{"org_7"},
		Claims: map[string]json.RawMessage{"department": json.RawMessage(`"y"`)},
	}
	if diff := cmp.Diff(want, rules.personOf(identity)); diff != "" {
		t.Error(diff)
	}
	identity.Organizations = []string{"org_1", "org_7"}
	if got := rules.personOf(identity).Organizations; len(got) != 2 { // a rule that is widened later finds it
		t.Errorf("organizations %v", got)
	}
	if kept := rulesOf(t, `{}`).personOf(identity).Claims; kept != nil {
		t.Errorf("claims kept without a rule: %v", kept)
	}
}

func TestHintsTellWhatToDo(t *testing.T) {
	rules := rulesOf(t, `{"emails":["a@b"],"organizations":["org_a"],"requiredClaims":{"a":1,"department":"x"}}`)
	for reason, part := range map[denial]string{
		deniedNoEmail:      "keep email in scope",
		deniedUnverified:   "verify",
		deniedEmail:        "listed in access",
		deniedOrganization: "user:org:read",
		deniedClaim:        `"department"`,
	} {
		who := person{Claims: map[string]json.RawMessage{
			"a": json.RawMessage("1"), "department": json.RawMessage(`"canary"`),
		}}
		if hint := rules.hint(who, reason); !strings.Contains(hint, part) || strings.Contains(hint, "canary") {
			t.Errorf("%s: %s", reason, hint)
		}
	}
	in := person{Organizations: []string{"org_canary"}}
	if hint := rules.hint(in, deniedOrganization); strings.Contains(hint, "canary") || strings.Contains(hint, "scope") {
		t.Errorf("of another organization: %s", hint)
	}
}
