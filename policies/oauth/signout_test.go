package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"durward/policies"
	"durward/policies/policytest"
)

func TestSignOut(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	page := w.grants()
	w.wantRedirect("signed-out, while signed in", w.get("/oauth/signed-out"), "/oauth/grants")
	kept := sessionOf(t, w)

	out := w.onGrants(w.browser, url.Values{"answer": {"sign-out"}, "csrf": {page.csrf}})
	w.wantRedirect("sign out", out, "/oauth/signed-out")
	if cookie := out.Cookies()[0]; cookie.Name != "__Host-dw-clerk-session" || cookie.MaxAge >= 0 {
		t.Errorf("cookie: %s", cookie)
	}
	if got := w.get("/oauth/signed-out"); got.StatusCode != http.StatusOK {
		t.Errorf("signed-out: %d", got.StatusCode)
	}
	ended := w.host.Audit.Named("session.ended")
	want := policies.Event{
		Name: "session.ended", Outcome: "success", Issuer: policytest.ProviderIssuer, Subject: "alice",
		Address: policytest.ClientAddress, Reason: "person",
	}
	if len(ended) != 1 || ended[0] != want {
		t.Errorf("audit: %+v", ended)
	}
	// The session is gone, not just its cookie.
	stale := w.do(&http.Client{Transport: w.gateway}, w.request(http.MethodGet, "/oauth/grants", "",
		"Cookie", "__Host-dw-clerk-session="+kept))
	if strings.Contains(stale.body, "alice") {
		t.Error("the session lives on")
	}
	w.wantRedirect("a form of the session that was", w.onGrants(w.browser, url.Values{
		"answer": {"revoke-all"}, "csrf": {page.csrf},
	}), "/oauth/grants")
	w.wantPage("no token and no session", w.onGrants(w.browser, url.Values{"answer": {"revoke-all"}}), http.StatusForbidden)
	w.wantCall("what was allowed stays", "/mcp/demo", held.access, http.StatusOK)
}

// S32, C6: a login from the page ends at the page, whatever the address says, in a session of its own.
func TestS32_C6_SignInForGrants(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	w.browser = w.gateway.Client()
	if page := w.grants(); len(page.ids) != 0 || strings.Contains(page.body, "alice") {
		t.Error("grants without a session")
	}
	for _, target := range []string{"https://evil.example", "//evil.example", `/\evil.example`} {
		sent := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}, "return_to": {target}, "next": {target}})
		at := sent.location(t)
		if at.Query().Get("prompt") != "" {
			t.Error("the person is asked anew")
		}
		back := w.get("/oauth/callback?" + url.Values{
			"state": {at.Query().Get("state")}, "code": {"alice"}, "return_to": {target},
		}.Encode())
		w.wantRedirect(target, back, "/oauth/grants")
	}
	before := sessionOf(t, w)
	if page := w.grants(); len(page.ids) != 1 {
		t.Errorf("grants: %v", page.ids)
	}
	w.wantRedirect("again", w.signInForGrants("bob"), "/oauth/grants")
	if sessionOf(t, w) == before || len(w.grants().ids) != 0 {
		t.Error("the session kept its name or its person")
	}
	w.wantCall("hers", "/mcp/demo", held.access, http.StatusOK)
	state := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}}).location(t).Query().Get("state")
	w.wantPage("refused at the provider, with no client to tell",
		w.get("/oauth/callback?error=access_denied&state="+url.QueryEscape(state)), http.StatusForbidden)
}

func TestAccessRefused_ForGrants(t *testing.T) {
	w := newStaffWorld(t)
	w.signIn("alice")
	denied := w.signInForGrants("mallory")
	w.wantPage("denied", denied, http.StatusForbidden)
	if strings.Contains(denied.body, `value="deny"`) {
		t.Error("the page offers to go back to an app that there is not")
	}
	if policy := denied.Header.Get("Content-Security-Policy"); !strings.HasSuffix(policy, "form-action 'self' https:") {
		t.Errorf("policy: %s", policy)
	}
	form := w.hiddenOf(denied)
	for _, reply := range []string{"deny", "allow"} { // there is no client
		w.wantPage(reply, w.submit(w.browser, change(form, "answer", reply)), http.StatusBadRequest)
	}
	at := w.submit(w.browser, change(form, "answer", "switch")).location(t)
	w.wantRedirect("as somebody else", w.callback(at, "alice"), "/oauth/grants")
	if at.Query().Get("prompt") != "login" || len(w.grants().ids) != 1 {
		t.Error("nobody else could sign in")
	}
	if n := len(w.host.Audit.Named("consent.given")); n != 1 { // her own
		t.Errorf("consent was given %d times", n)
	}
}
