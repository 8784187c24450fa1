package oauth_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

const staffOnly = `{"clientId":"c","access":{"emailDomains":["example.com"],"requiredClaims":{"staff":true}}}`

// newStaffWorld is a world that lets in whoever is staff: alice is, mallory is not.
func newStaffWorld(t *testing.T) *world {
	t.Helper()
	w := newWorldWith(t, staffOnly)
	for subject, claims := range map[string]string{
		"alice": `{"staff":true,"salary":"canary-claim"}`, "mallory": `{"staff":"canary-claim"}`,
	} {
		w.provider.Answer(subject, policies.Identity{
			Issuer: policytest.ProviderIssuer, Subject: subject, Email: subject + "@example.com", EmailVerified: true,
			Claims: json.RawMessage(claims),
		})
	}
	return w
}

// options changes the options of the running policy, as a reload does.
func (w *world) options(options string) {
	w.Helper()
	input := w.gateway.Input
	input.Options = json.RawMessage(options)
	w.reload(input)
}

// routes changes the routes of the running policy.
func (w *world) routes(paths ...string) {
	w.Helper()
	w.reload(inputOf(string(w.gateway.Input.Options), paths...))
}

func (w *world) reload(input policies.Input) {
	w.Helper()
	next, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), input)
	if err != nil {
		w.Fatal(err)
	}
	w.gateway.Policy = next.Policy
}

// A person whom the rules keep out gets a page, no session and no code; the operator an event and what to do; the client
// access_denied, once the person says so.
func TestAccessRefused(t *testing.T) {
	w := newStaffWorld(t)
	client := w.client()
	denied := w.callback(w.atProvider(client), "mallory")
	w.wantPage("denied", denied, http.StatusForbidden)
	if len(w.host.Audit.Named("login.succeeded")) != 0 {
		t.Error("a refused person was signed in")
	}
	refused := w.host.Audit.Named("access.refused")
	want := policies.Event{
		Name: "access.refused", Outcome: "refused", Issuer: policytest.ProviderIssuer, Subject: "mallory",
		Client: client, ClientHost: "app.example", Resource: origin + "/mcp/demo", Scope: "mcp:tools",
		Address: policytest.ClientAddress, Reason: "claim_missing",
	}
	if len(refused) != 1 || refused[0] != want {
		t.Errorf("audit: %+v", refused)
	}
	log := w.host.Log.String()
	if !strings.Contains(log, `\"staff\"`) || !strings.Contains(log, "req-") || strings.Contains(log, "canary-claim") {
		t.Errorf("log: %s", log)
	}
	if w.atProvider(client); strings.Contains(w.authorize(ask(client)).body, "mallory@") {
		t.Error("the refused person has a session")
	}

	form := w.hiddenOf(denied)
	w.wantPage("allow on the page", w.submit(w.browser, change(form, "answer", "allow")), http.StatusBadRequest)
	begun := w.provider.Begun()
	back := w.submit(w.browser, change(form, "answer", "deny")).location(t)
	if back.Host != "app.example" || back.Query().Get("error") != "access_denied" ||
		back.Query().Get("state") != "st/+ &=é" || back.Query().Get("iss") != origin || w.provider.Begun() != begun {
		t.Errorf("back to the app: %s", back)
	}
}

func TestAccessRefused_SignInAsSomebodyElse(t *testing.T) {
	w := newStaffWorld(t)
	client := w.client()
	form := w.hiddenOf(w.callback(w.atProvider(client), "mallory"))
	at := w.submit(w.browser, change(form, "answer", "switch")).location(t)
	if at.Query().Get("prompt") != "login" {
		t.Errorf("the provider is not asked for another person: %s", at)
	}
	w.tokensOf(client, w.post("/oauth/token", redemption(client, w.callback(at, "alice").location(t).Query().Get("code"))))
	if given := w.host.Audit.Named("consent.given"); len(given) != 1 {
		t.Errorf("consent was given %d times, want once", len(given))
	}
}

// A login that is refused takes away the session that the browser had: whoever uses it now is not that person (C6).
func TestC6_RefusedLoginEndsTheSession(t *testing.T) {
	w := newStaffWorld(t)
	client := w.client()
	w.code(client, "alice")
	denied := w.callback(w.atProviderBy(client, "switch"), "mallory")
	w.wantPage("denied", denied, http.StatusForbidden)
	cleared := func(c *http.Cookie) bool { return c.Name == "__Host-dw-clerk-session" && c.MaxAge < 0 }
	if !slices.ContainsFunc(denied.Cookies(), cleared) {
		t.Errorf("the browser keeps the cookie: %v", denied.Header["Set-Cookie"])
	}
	w.atProvider(client) // the browser is sent to sign in
}

// A changed rule takes hold at once for those who are in: session, code, refresh token and access token. What was
// granted stays, for the rule may change back.
func TestAccessRulesHoldForThoseWhoAreIn(t *testing.T) {
	w := newStaffWorld(t)
	held := w.signIn("alice")
	code := w.consent(w.authorize(ask(held.client)), "allow").location(t).Query().Get("code")
	w.wantCall("before", "/mcp/demo", held.access, http.StatusOK)

	for name, options := range map[string]string{
		"another value":          strings.Replace(staffOnly, "true", "false", 1),
		"a claim that is new":    strings.Replace(staffOnly, `"staff"`, `"salary"`, 1),
		"another domain":         strings.Replace(staffOnly, "example.com", "example.org", 1),
		"an organization needed": strings.Replace(staffOnly, `"access":{`, `"access":{"organizations":["org_a"],`, 1),
	} {
		w.options(options)
		w.wantCall(name, "/mcp/demo", held.access, http.StatusUnauthorized)
		w.wantError(name+", refresh", w.post("/oauth/token", renewal(held.client, held.refresh)),
			http.StatusBadRequest, "invalid_grant")
		w.wantError(name+", code", w.post("/oauth/token", redemption(held.client, code)),
			http.StatusBadRequest, "invalid_grant")
		w.atProvider(held.client) // the session does not count
		w.wantPage(name+", signing in anew", w.callback(w.atProvider(held.client), "mallory"), http.StatusForbidden)
	}
	if refused := w.host.Audit.Named("access.refused"); len(refused) != 3*4 {
		t.Errorf("%d events, want 12: %+v", len(refused), refused)
	}
	w.options(staffOnly)
	w.wantCall("the rule is back", "/mcp/demo", held.access, http.StatusOK)
	w.tokensOf(held.client, w.post("/oauth/token", redemption(held.client, code)))
	w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
}

// G10, C7: what nobody asked about is not kept, and claims are nowhere but in the sealed records.
func TestClaimsAreNotKept(t *testing.T) {
	w := newStaffWorld(t)
	w.signIn("alice")
	for _, record := range w.host.Store.Records() {
		if strings.Contains(string(record.Value), "canary-claim") {
			t.Errorf("%s holds a claim that no rule names", record.Key)
		}
	}
}
