// Package clerk is the policy mcp-clerk-oauth-inbound: people sign in to MCP routes with Clerk.
//
// It owns what is Clerk's own: the options, the rule that the Frontend API URL is an origin, and the four URLs derived
// from it. It promises to refuse a wrong option with what to put instead, never quoting the value, and to touch no
// network before somebody signs in. It is not for tokens, consent, or the login itself: packages oauth and oidclogin.
package clerk

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/oidclogin"
)

// PolicyType and Export name the policy in policies.json.
const (
	PolicyType = "mcp-clerk-oauth-inbound"
	Export     = "McpClerkOAuthInboundPolicy"
)

const proxyForm = "Clerk's proxy form (https://your.app/__clerk) is not supported: put the instance's own Frontend " +
	"API URL (https://clerk.your.app), which Clerk's dashboard shows under API keys"

//go:embed options.schema.json
var schema string

// Type is the policy type: an authorization server whose people sign in with Clerk.
func Type() policies.Type { return policyType{oauth.Policy(Provider())} }

// policyType adds what its own options and those of every provider tell only together.
type policyType struct{ policies.Type }

// Validate implements policies.Type. Unless it is asked to, Clerk does not say for which organization a person acts.
func (t policyType) Validate(input policies.Input) policies.Report {
	report := t.Type.Validate(input)
	o, err := decode(input.Options)
	if slices.Contains(input.Origins, o.FrontendAPIURL) {
		report.Problems = append(report.Problems, policies.Problem{Pointer: "/frontendApiUrl", Text: "is an address of this gateway, " +
			"by its publicUrl: put the Frontend API URL, which Clerk's dashboard shows under API keys"})
	}
	if err != nil || o.Access.Organizations == nil || slices.Contains(o.scopes(), "user:org:read") {
		return report
	}
	p := policies.Problem{Pointer: "/scope", Text: "must contain user:org:read, since access.organizations is set: without it " +
		"Clerk does not say for which organization a person acts, and nobody may come in"}
	if o.Scope == nil {
		p = policies.Problem{Pointer: "/access/organizations", Text: `needs "scope": "` + defaultScope + ` user:org:read": without ` +
			"it Clerk does not say for which organization a person acts, and nobody may come in"}
	}
	report.Problems = append(report.Problems, p)
	return report
}

// Provider is Clerk as an identity provider.
func Provider() policies.ProviderType { return provider{} }

type provider struct{}

type options struct {
	FrontendAPIURL string  `json:"frontendApiUrl"`
	ClientID       string  `json:"clientId"`
	ClientSecret   string  `json:"clientSecret"`
	Scope          *string `json:"scope"`
	Access         struct {
		Organizations []string `json:"organizations"`
	} `json:"access"`
}

const defaultScope = "openid profile email"

func (o options) scopes() []string {
	if o.Scope == nil {
		return strings.Fields(defaultScope)
	}
	return strings.Fields(*o.Scope)
}

func decode(raw json.RawMessage) (o options, err error) {
	if json.Unmarshal(raw, &o) != nil { // its text may quote a value
		return o, fmt.Errorf("decode options: they are not as the schema says")
	}
	return o, nil
}

// Describe implements policies.ProviderType.
func (provider) Describe() policies.Description {
	return policies.Description{Type: PolicyType, Options: json.RawMessage(schema)}
}

// Validate implements policies.ProviderType. The facts are the URLs derived from frontendApiUrl.
func (provider) Validate(raw json.RawMessage) (report policies.Report) {
	problem := func(pointer, text string) {
		report.Problems = append(report.Problems, policies.Problem{Pointer: pointer, Text: text})
	}
	o, err := decode(raw)
	if err != nil {
		problem("", err.Error())
		return report
	}
	if !slices.Contains(o.scopes(), "openid") {
		problem("/scope", "must contain openid: without it Clerk says nothing of who signed in")
	}
	for _, of := range []struct{ pointer, value string }{{"/clientId", o.ClientID}, {"/clientSecret", o.ClientSecret}} {
		if of.value == "" || strings.TrimSpace(of.value) != of.value {
			problem(of.pointer, "must be the value that Clerk shows, with no space or line end around it")
		}
	}
	if text := oidclogin.OriginProblem(o.FrontendAPIURL, proxyForm); text != "" {
		problem("/frontendApiUrl", text)
		return report
	}
	c := config(o)
	report.Facts = []policies.Fact{
		{Name: "provider issuer", Value: c.Issuer}, {Name: "provider authorize URL", Value: c.AuthorizeURL},
		{Name: "provider token URL", Value: c.TokenURL}, {Name: "provider JWKS URL", Value: c.JWKSURL},
	}
	return report
}

// Configure implements policies.ProviderType.
func (provider) Configure(raw json.RawMessage, s policies.ProviderSettings) (policies.IdentityProvider, error) {
	o, err := decode(raw)
	if err != nil {
		return nil, err
	}
	c := config(o)
	c.Timeout, c.RootCAs = s.Timeout, s.RootCAs
	return oidclogin.New(c)
}

// config derives the endpoints. Every Clerk instance has them at these paths of its Frontend API.
func config(o options) oidclogin.Config {
	base := o.FrontendAPIURL
	return oidclogin.Config{
		Issuer: base, AuthorizeURL: base + "/oauth/authorize", TokenURL: base + "/oauth/token",
		JWKSURL: base + "/.well-known/jwks.json", ClientID: o.ClientID, ClientSecret: o.ClientSecret,
		Scopes: o.scopes(), OrganizationClaim: "org_id",
	}
}
