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
func Type() policies.Type { return oauth.Policy(Provider()) }

// Provider is Clerk as an identity provider.
func Provider() policies.ProviderType { return provider{} }

type provider struct{}

type options struct {
	FrontendAPIURL string `json:"frontendApiUrl"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
	Scope          string `json:"scope"`
}

func (o options) scopes() []string { return strings.Fields(o.Scope) }

func decode(raw json.RawMessage) (o options, err error) {
	o.Scope = "openid profile email"
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
func (provider) Validate(raw json.RawMessage) (report policies.ProviderReport) {
	problem := func(pointer, text string) {
		report.Problems = append(report.Problems, policies.Problem{Pointer: pointer, Text: text})
	}
	o, err := decode(raw)
	if err != nil {
		problem("", err.Error())
		return report
	}
	report.Name = "Clerk"
	report.Scopes = policies.ProviderScopes{
		Option: "/scope", Asked: o.scopes(), Organizations: "user:org:read", Offline: "offline_access",
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
	report.Address = policies.ProviderAddress{
		URL: o.FrontendAPIURL, Option: "/frontendApiUrl",
		Put: "the Frontend API URL, which Clerk's dashboard shows under API keys",
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
