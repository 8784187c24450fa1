package access

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func rulesOf(t *testing.T, options string) Rules {
	t.Helper()
	var given Options
	if err := json.Unmarshal([]byte(options), &given); err != nil {
		t.Fatal(err)
	}
	rules, err := Read(given)
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
		want  Denial
	}{
		"no rules":                         {`{}`, policies.Identity{}, Admitted},
		"listed address, other case":       {emails, verified("aLICE@eXAMPLE.COM"), Admitted},
		"address not listed":               {emails, verified("bob@example.com"), DeniedEmail},
		"listed, not verified":             {emails, policies.Identity{Email: "alice@example.com"}, DeniedUnverified},
		"no address":                       {emails, policies.Identity{EmailVerified: true}, DeniedNoEmail},
		"address with a suffix":            {emails, verified("alice@example.com.evil.example"), DeniedEmail},
		"address and a line":               {emails, verified("alice@example.com\n"), DeniedEmail},
		"address with another before":      {emails, verified("x,alice@example.com"), DeniedEmail},
		"domain":                           {domains, verified("anybody+tag@EXAMPLE.com"), Admitted},
		"domain in punycode":               {domains, verified("a@xn--e1afmkfd.example"), Admitted},
		"domain, not verified":             {domains, policies.Identity{Email: "a@example.com"}, DeniedUnverified},
		"subdomain":                        {domains, verified("a@eu.example.com"), DeniedEmail},
		"domain as a suffix":               {domains, verified("a@evilexample.com"), DeniedEmail},
		"domain as a prefix":               {domains, verified("a@example.com.evil"), DeniedEmail},
		"domain with a dot":                {domains, verified("a@example.com."), DeniedEmail},
		"domain before the last @":         {domains, verified("a@example.com@evil.example"), DeniedEmail},
		"two @, the last is ours":          {domains, verified("a@evil.example@example.com"), DeniedEmail},
		"quoted @":                         {domains, verified(`"a@evil.example"@example.com`), DeniedEmail},
		"no local part":                    {domains, verified("@example.com"), DeniedEmail},
		"no @":                             {domains, verified("example.com"), DeniedEmail},
		"Kelvin sign, as Unicode folds it": {`{"emailDomains":["kilo.example"]}`, verified("a@\u212ailo.example"), DeniedEmail},
		"the same in an address":           {`{"emails":["k@kilo.example"]}`, verified("\u212a@kilo.example"), DeniedEmail},
		"address or domain: address":       {both, verified("bob@other.example"), Admitted},
		"address or domain: domain":        {both, verified("carol@example.com"), Admitted},
		"neither":                          {both, verified("carol@other.example"), DeniedEmail},
		"an empty list lets nobody in":     {`{"emails":[]}`, verified("alice@example.com"), DeniedEmail},
		"one of the organizations":         {orgs, policies.Identity{Organizations: []string{"org_x", "org_b"}}, Admitted},
		"another organization":             {orgs, policies.Identity{Organizations: []string{"org_ab", "ORG_A"}}, DeniedOrganization},
		"no organization":                  {orgs, policies.Identity{}, DeniedOrganization},
		"no organization will do":          {`{"organizations":[]}`, policies.Identity{Organizations: []string{"x"}}, DeniedOrganization},
		"text":                             {required(`"v"`), claims(`{"c":"v"}`), Admitted},
		"text in another case":             {required(`"v"`), claims(`{"c":"V"}`), DeniedClaim},
		"a name in another case":           {required(`"v"`), claims(`{"C":"v"}`), DeniedClaim},
		"no such claim":                    {required(`"v"`), claims(`{"d":"v"}`), DeniedClaim},
		"no claims":                        {required(`"v"`), policies.Identity{}, DeniedClaim},
		"claims that are no object":        {required(`"v"`), claims(`["v"]`), DeniedClaim},
		"claim null":                       {required(`"v"`), claims(`{"c":null}`), DeniedClaim},
		"claim an object":                  {required(`"v"`), claims(`{"c":{"v":"v"}}`), DeniedClaim},
		"claim a list that holds it":       {required(`"v"`), claims(`{"c":["u",{"x":1},"v"]}`), Admitted},
		"claim a list that does not":       {required(`"v"`), claims(`{"c":["u","vv"]}`), DeniedClaim},
		"claim an empty list":              {required(`"v"`), claims(`{"c":[]}`), DeniedClaim},
		"one of several values":            {required(`["u","v"]`), claims(`{"c":"v"}`), Admitted},
		"none of several values":           {required(`["u","v"]`), claims(`{"c":"w"}`), DeniedClaim},
		"true":                             {required(`true`), claims(`{"c":true}`), Admitted},
		"true is not the text true":        {required(`true`), claims(`{"c":"true"}`), DeniedClaim},
		"the text true is not true":        {required(`"true"`), claims(`{"c":true}`), DeniedClaim},
		"true is not 1":                    {required(`true`), claims(`{"c":1}`), DeniedClaim},
		"false is not a missing claim":     {required(`false`), claims(`{}`), DeniedClaim},
		"numbers as numbers":               {required(`10`), claims(`{"c":1.00e1}`), Admitted},
		"a number is not its text":         {required(`10`), claims(`{"c":"10"}`), DeniedClaim},
		"numbers beyond a float64":         {required(`9007199254740993`), claims(`{"c":9007199254740992}`), DeniedClaim},
		"a number out of all reason":       {required(`1`), claims(`{"c":1e999999999}`), DeniedClaim},
		"each kind is needed":              {all, verified("a@example.com"), DeniedOrganization},
		"each kind is met": {all, policies.Identity{
			Email: "a@example.com", EmailVerified: true, Organizations: []string{"org_a"}, Claims: json.RawMessage(`{"staff":true}`),
		}, Admitted},
		"all but a claim": {all, policies.Identity{
			Email: "a@example.com", EmailVerified: true, Organizations: []string{"org_a"}, Claims: json.RawMessage(`{"staff":false}`),
		}, DeniedClaim},
		"each claim is needed": {`{"requiredClaims":{"a":1,"b":2}}`, claims(`{"a":1}`), DeniedClaim},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			rules := rulesOf(t, test.rules)
			who := rules.PersonOf(test.who)
			if got := rules.Judge(who); got != test.want {
				t.Errorf("judged %q, want %q", got, test.want)
			}
			if hint := rules.Hint(who, test.want); (hint == "") != (test.want == Admitted) {
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
	want := Person{
		Issuer: "i", Subject: "s", Email: "e", EmailVerified: true, Name: "n", Organizations: []string{"org_7"},
		Claims: map[string]json.RawMessage{"department": json.RawMessage(`"y"`)},
	}
	if diff := cmp.Diff(want, rules.PersonOf(identity)); diff != "" {
		t.Error(diff)
	}
	identity.Organizations = []string{"org_1", "org_7"}
	if got := rules.PersonOf(identity).Organizations; len(got) != 2 { // a rule that is widened later finds it
		t.Errorf("organizations %v", got)
	}
	if kept := rulesOf(t, `{}`).PersonOf(identity).Claims; kept != nil {
		t.Errorf("claims kept without a rule: %v", kept)
	}
}

func TestHintsTellWhatToDo(t *testing.T) {
	rules := rulesOf(t, `{"emails":["a@b"],"organizations":["org_a"],"requiredClaims":{"a":1,"department":"x"}}`)
	for reason, part := range map[Denial]string{
		DeniedNoEmail:      "keep email in scope",
		DeniedUnverified:   "verify",
		DeniedEmail:        "listed in access",
		DeniedOrganization: "user:org:read",
		DeniedClaim:        `"department"`,
	} {
		who := Person{Claims: map[string]json.RawMessage{
			"a": json.RawMessage("1"), "department": json.RawMessage(`"canary"`),
		}}
		if hint := rules.Hint(who, reason); !strings.Contains(hint, part) || strings.Contains(hint, "canary") {
			t.Errorf("%s: %s", reason, hint)
		}
	}
	in := Person{Organizations: []string{"org_canary"}}
	if hint := rules.Hint(in, DeniedOrganization); strings.Contains(hint, "canary") || strings.Contains(hint, "scope") {
		t.Errorf("of another organization: %s", hint)
	}
}
