package oauth_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

func TestSuite(t *testing.T) {
	for _, base := range []string{"", "/team-a"} {
		t.Run("at "+base, func(t *testing.T) { runSuite(t, base) })
	}
}

func runSuite(t *testing.T, base string) {
	provider := newWorld(t).provider
	request := func(header http.Header) policies.Request {
		return policies.Request{Route: "r-mcp-demo", Origin: origin, Header: header}
	}
	live := http.Header{}
	policytest.Test(t, policytest.Case{
		Type: oauth.Policy(provider),
		Input: func(string) policies.Input {
			return inputOf(optionsAt(base), "/mcp/demo")
		},
		Requests: []policies.Request{
			request(nil),
			request(http.Header{"Authorization": {"Bearer nonsense"}}),
			request(live),
		},
		Prepare: func(t *testing.T, gateway *policytest.Gateway) {
			w := &world{T: t, host: gateway.Host, provider: provider, gateway: gateway, browser: gateway.Client(), base: base}
			client := w.client()
			held := w.tokensOf(client, w.post("/oauth/token", redemption(client, w.code(client, "alice"))))
			live.Set("Authorization", "Bearer "+held.access)
		},
	})
}

func TestSignIn(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice", "scope", "mcp:tools offline_access unknown", "resource", origin+"/mcp/demo")

	got := w.call("/mcp/demo", held.access)
	if got.StatusCode != http.StatusOK {
		t.Fatalf("call: %d %s", got.StatusCode, got.body)
	}
	var decision policies.Decision
	if err := json.Unmarshal([]byte(got.body), &decision); err != nil {
		t.Fatal(err)
	}
	who := decision.Principal
	if who.Issuer != policytest.ProviderIssuer || who.Subject != "alice" || who.Email != "alice@example.com" ||
		who.Client != held.client || strings.Join(who.Scopes, " ") != "mcp:tools offline_access" {
		t.Errorf("principal: %+v", who)
	}
	if decision.TTL != 900*time.Second || !who.Expires.Equal(w.host.Clock.Now().Add(decision.TTL)) {
		t.Errorf("the decision holds %v, the token until %v", decision.TTL, who.Expires)
	}
	if len(decision.Tags) != 2 || decision.Tags[0] != "grant:"+who.Grant || !strings.HasPrefix(decision.Tags[1], "person:") {
		t.Errorf("tags: %v", decision.Tags)
	}

	w.host.Clock.Advance(899 * time.Second)
	w.wantCall("just before its end", "/mcp/demo", held.access, http.StatusOK)
	w.host.Clock.Advance(time.Second)
	w.wantCall("at its end", "/mcp/demo", held.access, http.StatusUnauthorized)

	next := w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
	w.wantCall("after refresh", "/mcp/demo", next.access, http.StatusOK)
}

// The process may be replaced between any two steps: everything lies in the store.
func TestSignInAcrossInstances(t *testing.T) {
	w := newWorld(t)
	swap := func() {
		t.Helper()
		next, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), w.gateway.Input)
		if err != nil {
			t.Fatal(err)
		}
		w.gateway.Policy = next.Policy
	}
	client := w.client()
	swap()
	page := w.authorize(ask(client))
	swap()
	provider := w.consent(page, "allow").location(t)
	swap()
	code := w.callback(provider, "alice").location(t).Query().Get("code")
	swap()
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code)))
	swap()
	w.wantCall("fresh token", "/mcp/demo", held.access, http.StatusOK)
	held = w.tokensOf(client, w.post("/oauth/token", renewal(client, held.refresh)))
	swap()
	w.wantCall("refreshed token", "/mcp/demo", held.access, http.StatusOK)
}

// G10: what must not be known is neither in the store nor in the log.
func TestSecretsAreNowhere(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code)))
	next := w.tokensOf(client, w.post("/oauth/token", renewal(client, held.refresh)))
	var everything strings.Builder
	for _, record := range w.host.Store.Records() {
		everything.WriteString(record.Key + string(record.Value) + "\n")
	}
	everything.WriteString(w.host.Log.String())
	for _, event := range w.host.Audit.Events() {
		text, _ := json.Marshal(event)
		everything.Write(text)
	}
	for _, secret := range []string{code, held.access, held.refresh, next.access, next.refresh, "canary-secret"} {
		if strings.Contains(everything.String(), secret) {
			t.Errorf("a %.4s… secret lies open", secret)
		}
	}
	for _, event := range []string{
		"client.registered", "consent.given", "login.succeeded", "code.redeemed", "grant.created", "token.refreshed",
	} {
		if len(w.host.Audit.Named(event)) != 1 {
			t.Errorf("audit event %s: %d times, want once", event, len(w.host.Audit.Named(event)))
		}
	}
}
