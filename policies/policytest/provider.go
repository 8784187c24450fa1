package policytest

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sync"

	"durward/policies"
)

// ProviderIssuer is the issuer of every Provider.
const ProviderIssuer = "https://idp.example"

// Provider is an identity provider that is told its outcomes. It is its own type and its own instance; its options are
// "clientId" and the secret "clientSecret". It is safe for concurrent use.
type Provider struct {
	mu         sync.Mutex
	settings   policies.ProviderSettings
	identities map[string]policies.Identity
	failures   map[string]error
	begun      map[string]policies.Login
	completed  int
	remembered remembered
}

var (
	_ policies.ProviderType     = (*Provider)(nil)
	_ policies.IdentityProvider = (*Provider)(nil)
)

// NewProvider answers a provider at which nobody can sign in yet.
func NewProvider() *Provider {
	return &Provider{
		identities: map[string]policies.Identity{},
		failures:   map[string]error{},
		begun:      map[string]policies.Login{},
		remembered: remembered{subjects: map[string]string{}, dismissed: map[string]bool{}},
	}
}

// Welcome makes a callback with this code sign in as the subject, with an email address and a name made from it, which
// the claims repeat.
func (p *Provider) Welcome(code, subject string) {
	email, name := subject+"@example.com", "Person "+subject
	claims, _ := json.Marshal(map[string]any{ // strings and a bool: it cannot fail
		"iss": ProviderIssuer, "sub": subject, "email": email, "email_verified": true, "name": name,
	})
	p.Answer(code, policies.Identity{
		Issuer: ProviderIssuer, Subject: subject, Email: email, EmailVerified: true, Name: name, Claims: claims,
	})
}

// Answer makes a callback with this code answer the identity as it is.
func (p *Provider) Answer(code string, identity policies.Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.identities[code] = identity
}

// Fail makes a callback with this code fail.
func (p *Provider) Fail(code string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures[code] = err
}

// Begun answers how many logins were sent to the provider.
func (p *Provider) Begun() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.begun)
}

// Completed answers how many callbacks the provider was asked about.
func (p *Provider) Completed() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.completed
}

// Settings answers what the provider was configured with.
func (p *Provider) Settings() policies.ProviderSettings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settings
}

// Describe implements policies.ProviderType.
func (p *Provider) Describe() policies.Description {
	return policies.Description{Type: "test-oauth-inbound", Options: json.RawMessage(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type": "object",
		"additionalProperties": false,
		"required": ["clientId"],
		"properties": {
			"clientId": {"type": "string", "description": "The client id at the provider.", "examples": ["abc"]},
			"clientSecret": {"type": "string", "writeOnly": true, "description": "Its secret.", "examples": ["$env(S)"]}
		}
	}`)}
}

// Validate implements policies.ProviderType: clientId must not be "bad".
func (p *Provider) Validate(options json.RawMessage) policies.ProviderReport {
	var given struct {
		ClientID string `json:"clientId"`
	}
	if err := json.Unmarshal(options, &given); err != nil {
		return policies.ProviderReport{Problems: []policies.Problem{{Text: "options are not an object"}}}
	}
	report := policies.ProviderReport{Facts: []policies.Fact{{Name: "provider", Value: ProviderIssuer}}}
	if given.ClientID == "bad" {
		report.Problems = []policies.Problem{{Pointer: "/clientId", Text: "must not be bad"}}
	}
	return report
}

// Configure implements policies.ProviderType.
func (p *Provider) Configure(
	_ json.RawMessage, settings policies.ProviderSettings,
) (policies.IdentityProvider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = settings
	return p, nil
}

// Issuer implements policies.IdentityProvider.
func (p *Provider) Issuer() string { return ProviderIssuer }

// Begin implements policies.IdentityProvider. A fresh login is sent with prompt=login.
func (p *Provider) Begin(_ context.Context, login policies.Login) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if login.State == "" || login.Nonce == "" || login.Verifier == "" || login.RedirectURI == "" {
		return "", errors.New("begin login: state, nonce, verifier and redirect URI must be set")
	}
	p.begun[login.State] = login
	query := url.Values{"state": {login.State}, "redirect_uri": {login.RedirectURI}, "response_type": {"code"}}
	if login.Fresh {
		query.Set("prompt", "login")
	}
	return ProviderIssuer + "/authorize?" + query.Encode(), nil
}

// Complete implements policies.IdentityProvider. The login must be exactly the one that Begin got.
func (p *Provider) Complete(
	_ context.Context, login policies.Login, callback policies.Callback,
) (policies.Identity, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.completed++
	if p.begun[login.State] != login {
		return policies.Identity{}, &policies.LoginError{Fault: policies.LoginInvalid, Code: "login_mismatch"}
	}
	if code := callback.Query.Get("error"); code != "" {
		return policies.Identity{}, &policies.LoginError{Fault: policies.LoginRefused, Code: code}
	}
	code := callback.Query.Get("code")
	if err, ok := p.failures[code]; ok {
		return policies.Identity{}, err
	}
	identity, ok := p.identities[code]
	if !ok {
		return policies.Identity{}, &policies.LoginError{Fault: policies.LoginInvalid, Code: "invalid_grant"}
	}
	if p.remembered.on && identity.Handle == nil {
		identity.Handle = p.remembered.handle(identity.Subject)
	}
	return identity, nil
}
