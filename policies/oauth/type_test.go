package oauth_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// property is what the tests look at of a schema's property.
type property struct {
	Type                 any                 `json:"type"`
	Description          string              `json:"description"`
	Default              any                 `json:"default"`
	Examples             []any               `json:"examples"`
	Minimum              *float64            `json:"minimum"`
	Maximum              *float64            `json:"maximum"`
	AdditionalProperties json.RawMessage     `json:"additionalProperties"`
	Properties           map[string]property `json:"properties"`
	WriteOnly            bool                `json:"writeOnly"`
	Required             []string            `json:"required"`
}

func TestOptionsSchema(t *testing.T) {
	described := oauth.Policy(policytest.NewProvider()).Describe()
	if described.Type != "test-oauth-inbound" {
		t.Errorf("type %q", described.Type)
	}
	var schema property
	if err := json.Unmarshal(described.Options, &schema); err != nil {
		t.Fatal(err)
	}
	if string(schema.AdditionalProperties) != "false" {
		t.Error("unknown options are not refused")
	}
	if !strings.Contains(string(described.Options), `"$schema":"https://json-schema.org/draft/2020-12/schema"`) {
		t.Error("the schema does not say its draft")
	}
	if !schema.Properties["clientSecret"].WriteOnly || len(schema.Required) != 1 {
		t.Error("the provider's own options are gone")
	}
	type bounds struct{ Default, Minimum, Maximum float64 }
	want := map[string]map[string]bounds{
		"gateway": {
			"accessTokenTtlSeconds":    {900, 60, 86400},
			"refreshTokenTtlSeconds":   {2592000, 60, 31536000},
			"refreshTokenGraceSeconds": {60, 1, 600},
			"recheckSeconds":           {3600, 0, 86400},
		},
		"browserLoginOverrides": {
			"remoteTimeoutMs":   {10000, 100, 60000},
			"stateTtlSeconds":   {900, 60, 3600},
			"sessionTtlSeconds": {28800, 60, 31536000},
		},
	}
	got := map[string]map[string]bounds{}
	for group := range want {
		outer := schema.Properties[group]
		if string(outer.AdditionalProperties) != "false" {
			t.Errorf("%s: unknown options are not refused", group)
		}
		got[group] = map[string]bounds{}
		for name, inner := range outer.Properties {
			if inner.Description == "" || len(inner.Examples) == 0 {
				t.Errorf("%s.%s lacks a description or example", group, name)
			}
			if inner.Type == "integer" {
				got[group][name] = bounds{inner.Default.(float64), *inner.Minimum, *inner.Maximum}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if cimd := schema.Properties["gateway"].Properties["cimdEnabled"]; cimd.Type != "boolean" || cimd.Default != true {
		t.Errorf("cimdEnabled: %+v", cimd)
	}
}

func TestReport(t *testing.T) {
	input := inputOf(`{"clientId":"c"}`, "/mcp/a", "/mcp/b")
	input.Origins = []string{origin}
	report := oauth.Policy(policytest.NewProvider()).Validate(input)
	moving := func(path string) policies.Path { return policies.Path{Path: path, Option: "/gateway/basePath"} }
	want := policies.Report{
		Authenticates: true,
		Scopes:        []string{"mcp:tools", "offline_access"},
		Notes: []policies.Problem{{
			Text: "everybody whom the identity provider lets in may come in, and many applications at providers such as " +
				"Clerk let anybody sign up: say who may with access, for example " +
				`"access": {"emailDomains": ["example.com"]}`,
		}},
		Paths: []policies.Path{
			moving("/.well-known/oauth-authorization-server"), moving("/.well-known/openid-configuration"),
			moving("/oauth/jwks"), moving("/oauth/register"), moving("/oauth/authorize"), moving("/oauth/consent"),
			moving("/oauth/callback"), moving("/oauth/token"), moving("/oauth/revoke"), moving("/oauth/introspect"),
			moving("/oauth/grants"), moving("/oauth/signed-out"),
			{Path: "/clients", Admin: true}, {Path: "/grants", Admin: true},
			{Path: "/.well-known/oauth-protected-resource/mcp/a"}, {Path: "/.well-known/oauth-protected-resource/mcp/b"},
		},
		Facts: []policies.Fact{
			{Name: "provider", Value: policytest.ProviderIssuer},
			{Name: "issuer", Value: origin}, {Name: "callback URL", Value: origin + "/oauth/callback"},
			{Name: "metadata URL", Value: origin + "/.well-known/oauth-authorization-server"},
			{Name: "resource of r-mcp-a", Value: origin + "/mcp/a"},
			{Name: "resource of r-mcp-b", Value: origin + "/mcp/b"},
		},
		Vary: map[string]policies.Vary{
			"r-mcp-a": {Headers: []string{"Authorization"}, Origin: true},
			"r-mcp-b": {Headers: []string{"Authorization"}, Origin: true},
		},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Error(diff)
	}
}

func TestValidateProblems(t *testing.T) {
	good := func() policies.Input { return inputOf(`{"clientId":"c"}`, "/mcp/demo") }
	tests := map[string]struct {
		change func(*policies.Input)
		at     string // the pointer, or the route
		text   string
	}{
		"provider's own":  {func(i *policies.Input) { i.Options = json.RawMessage(`{"clientId":"bad"}`) }, "/clientId", "bad"},
		"not an object":   {func(i *policies.Input) { i.Options = json.RawMessage(`null`) }, "", "object"},
		"route at root":   {func(i *policies.Input) { i.Routes[0].Path = "/" }, "r-mcp-demo", "root"},
		"plain http":      {func(i *policies.Input) { i.Origins = []string{"http://mcp.example.com"} }, "", "https"},
		"name of no use":  {func(i *policies.Input) { i.Name = "a b;c" }, "", "cookie"},
		"type of options": {func(i *policies.Input) { i.Options = json.RawMessage(`{"gateway":1}`) }, "", "schema"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			input := good()
			test.change(&input)
			problems := oauth.Policy(policytest.NewProvider()).Validate(input).Problems
			if len(problems) != 1 || problems[0].Pointer+problems[0].Route != test.at || !strings.Contains(problems[0].Text, test.text) {
				t.Errorf("problems %+v", problems)
			}
		})
	}
}

// greedy is a provider whose schema takes an option of the authorization server's.
type greedy struct {
	*policytest.Provider
	schema string
}

func (g greedy) Describe() policies.Description {
	return policies.Description{Type: "greedy", Options: json.RawMessage(g.schema)}
}

func TestUnusableProviderSchema(t *testing.T) {
	for name, schema := range map[string]string{
		"takes ours": `{"properties":{"gateway":{}}}`, "not JSON": `{`, "empty": ``, "properties a list": `{"properties":[]}`,
	} {
		kind := oauth.Policy(greedy{policytest.NewProvider(), schema})
		problems := kind.Validate(inputOf(`{}`, "/mcp/demo")).Problems
		if len(problems) != 1 || !strings.Contains(problems[0].Text, "cannot be used") {
			t.Errorf("%s: problems %+v", name, problems)
		}
		if !json.Valid(kind.Describe().Options) {
			t.Errorf("%s: the schema is not JSON", name)
		}
	}
}

func TestRemoteTimeoutReachesTheProvider(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","browserLoginOverrides":{"remoteTimeoutMs":2500}}`)
	if got := w.provider.Settings().Timeout; got != 2500*time.Millisecond {
		t.Errorf("timeout %v", got)
	}
}
