package oauth_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// successor is the type of a provider that took another one's place in the options.
type successor struct{ *policytest.Provider }

func (s successor) Configure(options json.RawMessage, settings policies.ProviderSettings) (policies.IdentityProvider, error) {
	_, err := s.Provider.Configure(options, settings)
	return renamed(s), err
}

type renamed struct{ *policytest.Provider }

func (renamed) Issuer() string { return "https://successor.example" }

// C4, C5: once the options name another provider, nobody whom the former one vouched for gets in: not with a token, not
// with a code on its way, not with a login under way, and not with the browser's session.
func TestC4_AnotherProviderTakesNobodyOver(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	code := w.consent(w.authorize(ask(held.client)), "allow").location(t).Query().Get("code")
	w.wantCall("before", "/mcp/demo", held.access, http.StatusOK)

	underWay := w.atProviderBy(held.client, "switch")
	asked := w.provider.Completed()

	after, err := policytest.NewGateway(w.host, oauth.Policy(successor{w.provider}), w.gateway.Input)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway.Policy = after.Policy

	w.wantCall("the former provider's person", "/mcp/demo", held.access, http.StatusUnauthorized)
	w.wantError("refresh", w.post("/oauth/token", renewal(held.client, held.refresh)), http.StatusBadRequest, "invalid_grant")
	w.wantError("code", w.post("/oauth/token", redemption(held.client, code)), http.StatusBadRequest, "invalid_grant")
	w.wantMessage("a login under way", w.callback(underWay, "alice"), http.StatusBadRequest, "stale_login")
	if w.provider.Completed() != asked {
		t.Error("a code of the former provider went to its successor")
	}
	w.atProvider(held.client) // the session does not count: the browser is sent to sign in
}

// plain is the type of a provider whose sign-in page is on plain http.
type plain struct{ *policytest.Provider }

func (p plain) Configure(options json.RawMessage, settings policies.ProviderSettings) (policies.IdentityProvider, error) {
	_, err := p.Provider.Configure(options, settings)
	return onHTTP(p), err
}

type onHTTP struct{ *policytest.Provider }

func (onHTTP) Begin(context.Context, policies.Login) (string, error) {
	return "http://idp.example/authorize", nil
}

// C2: state and nonce travel over https only, whatever a provider says.
func TestC2_NobodyIsSentToPlainHTTP(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(ask(w.client()))
	next, err := policytest.NewGateway(w.host, oauth.Policy(plain{w.provider}), w.gateway.Input)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway.Policy = next.Policy
	w.wantMessage("plain http", w.consent(page, "allow"), http.StatusInternalServerError, "setup")
	if !strings.Contains(w.host.Log.String(), "insecure_provider") {
		t.Errorf("log: %s", w.host.Log)
	}
}
