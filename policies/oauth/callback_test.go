package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/policytest"
)

func TestS20_S28_CallbackInAnotherBrowser(t *testing.T) {
	w := newWorld(t)
	provider := w.atProvider(w.client()) // the attacker approves, and sends on the provider's URL
	attacker := w.browser
	w.browser = w.gateway.Client()
	got := w.callback(provider, "alice")
	w.wantPage("victim without any cookie", got, http.StatusForbidden)

	own := w.atProvider(w.client()) // a victim with a login of their own under way
	w.wantPage("victim in the middle of a login", w.callback(provider, "alice"), http.StatusForbidden)
	if w.provider.Completed() != 0 {
		t.Error("the provider was asked about somebody else's login")
	}
	// Not even with a cookie of the right name: what counts is what is in it.
	name := func(at *url.URL) string { return "__Host-dw-clerk-login-" + handleOf(at.Query().Get("state")) }
	at, _ := url.Parse(origin)
	for _, cookie := range w.browser.Jar.Cookies(at) {
		if cookie.Name == name(own) {
			cookie.Name = name(provider)
			forged := w.request(http.MethodGet, "/oauth/callback?code=alice&state="+provider.Query().Get("state"), "",
				"Cookie", cookie.Name+"="+cookie.Value)
			got := w.do(&http.Client{Transport: w.gateway}, forged)
			w.wantPage("victim's own cookie renamed", got, http.StatusForbidden)
		}
	}
	for _, cookie := range attacker.Jar.Cookies(at) { // nor with the right cookie at another origin of the gateway
		if cookie.Name == name(provider) {
			elsewhere := w.request(http.MethodGet,
				"https://other.example/oauth/callback?code=alice&state="+provider.Query().Get("state"), "",
				"Cookie", cookie.Name+"="+cookie.Value)
			got := w.do(&http.Client{Transport: w.gateway}, elsewhere)
			w.wantPage("at another origin", got, http.StatusForbidden)
		}
	}
	if failed := w.host.Audit.Named("login.failed"); len(failed) != 4 || failed[0].Reason != "other_browser" {
		t.Errorf("audit: %v", failed)
	}
	w.browser = attacker // and the visit used nothing up
	w.callback(provider, "alice").location(t)
}

func TestA45_S24_StateIsSingleUse(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	provider := w.atProvider(client)
	w.callback(provider, "alice").location(t)
	asked := w.provider.Completed()
	w.wantPage("reused", w.callback(provider, "alice"), http.StatusBadRequest)
	w.wantPage("unknown", w.get("/oauth/callback?code=alice&state=unknown"), http.StatusBadRequest)
	w.wantPage("missing", w.get("/oauth/callback?code=alice"), http.StatusBadRequest)
	w.wantPage("twice", w.get("/oauth/callback?code=alice&state=a&state=b"), http.StatusBadRequest)

	w.browser = w.gateway.Client()
	late := w.atProvider(client)
	w.host.Clock.Advance(900 * time.Second)
	w.wantPage("expired", w.callback(late, "alice"), http.StatusBadRequest)
	if w.provider.Completed() != asked {
		t.Error("a dead state reached the provider")
	}
}

// stateTtlSeconds counts from /oauth/authorize: a long look at the consent page leaves less for the sign-in.
func TestStateTTLCountsFromAuthorize(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","browserLoginOverrides":{"stateTtlSeconds":100}}`)
	client := w.client()
	page := w.authorize(ask(client))
	w.host.Clock.Advance(60 * time.Second)
	sent := w.consent(page, "allow")
	provider := sent.location(t)
	if cookie := sent.Cookies()[0]; cookie.MaxAge != 40 {
		t.Errorf("the cookie outlives the request: %s for %d s", cookie.Name, cookie.MaxAge)
	}
	w.host.Clock.Advance(40 * time.Second)
	w.wantPage("after 100 s", w.callback(provider, "alice"), http.StatusBadRequest)

	page = w.authorize(ask(client))
	w.host.Clock.Advance(100 * time.Second)
	w.wantPage("consent after 100 s", w.consent(page, "allow"), http.StatusForbidden)
}

func TestSession(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","browserLoginOverrides":{"sessionTtlSeconds":1000}}`)
	client := w.client()
	straight := func() *url.URL {
		t.Helper()
		return w.consent(w.authorize(ask(client)), "allow").location(t)
	}
	w.code(client, "alice")
	back := straight()
	if back.Host != "app.example" || w.provider.Begun() != 1 {
		t.Fatalf("within the session the provider was asked again: %s", back)
	}
	if back.Query().Get("iss") != origin || back.Query().Get("state") != "st/+ &=é" {
		t.Errorf("answer %s", back)
	}
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, back.Query().Get("code"))))
	w.wantCall("session's token", "/mcp/demo", held.access, http.StatusOK)

	login := w.authorize(ask(client, "prompt", "login"))
	if strings.Contains(login.body, "alice") || w.consent(login, "allow").location(t).Host != "idp.example" {
		t.Error("prompt=login did not lead to the provider")
	}
	if w.consent(w.authorize(ask(client)), "switch").location(t).Host != "idp.example" {
		t.Error("another person could not sign in")
	}
	// A page that named nobody does not go by a session that came up meanwhile, nor does Alice's page by Bob's.
	fresh := w.gateway.Client()
	w.browser, fresh = fresh, w.browser
	nobody := w.authorize(ask(client))
	w.code(client, "bob")
	if w.consent(nobody, "allow").location(t).Host != "idp.example" {
		t.Error("a page that named nobody used Bob's session")
	}
	w.browser = fresh

	w.host.Clock.Advance(1000 * time.Second)
	if straight().Host != "idp.example" {
		t.Error("the session outlived its time")
	}
}

func TestC6_SessionIsRotatedAtLogin(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.code(client, "alice")
	before := sessionOf(t, w)
	back := w.callback(w.consent(w.authorize(ask(client)), "switch").location(t), "bob")
	back.location(t)
	if sessionOf(t, w) == before {
		t.Fatal("the session kept its name through a login")
	}
	stale := w.request(http.MethodGet, "/oauth/authorize?"+ask(client).Encode(), "",
		"Cookie", "__Host-dw-clerk-session="+before)
	if page := w.do(&http.Client{Transport: w.gateway}, stale); strings.Contains(page.body, "alice") {
		t.Error("the old session lives")
	}
}

func sessionOf(t *testing.T, w *world) string {
	t.Helper()
	at, _ := url.Parse(origin)
	for _, cookie := range w.browser.Jar.Cookies(at) {
		if cookie.Name == "__Host-dw-clerk-session" {
			return cookie.Value
		}
	}
	t.Fatal("no session")
	return ""
}

func TestLoginFailures(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	failures := map[string]struct {
		err    error
		status int
	}{
		"misconfigured": {&policies.LoginError{
			Fault: policies.LoginMisconfigured, Code: "invalid_scope", Hint: "tick openid", Trace: "trace-1",
		}, http.StatusInternalServerError},
		"unreachable": {&policies.LoginError{Fault: policies.LoginUnreachable, Code: "timeout"}, http.StatusBadGateway},
		"invalid":     {&policies.LoginError{Fault: policies.LoginInvalid, Code: "nonce_mismatch"}, http.StatusBadRequest},
		"unnamed":     {errors.New("something"), http.StatusBadGateway},
	}
	for name, failure := range failures {
		w.provider.Fail(name, failure.err)
		got := w.callback(w.atProvider(client), name)
		w.wantPage(name, got, failure.status)
		if !strings.Contains(got.body, "req-") || strings.Contains(got.body, "openid") {
			t.Errorf("%s: the page must name the request and no hint: %s", name, got.body)
		}
	}
	if log := w.host.Log.String(); !strings.Contains(log, "tick openid") || !strings.Contains(log, "trace-1") {
		t.Error("the log holds no hint for the operator")
	}
	state := w.atProvider(client).Query().Get("state")
	back := w.get("/oauth/callback?error=access_denied&state=" + url.QueryEscape(state)).location(t)
	if back.Host != "app.example" || back.Query().Get("error") != "access_denied" || back.Query().Get("iss") != origin {
		t.Errorf("refused at the provider: %s", back)
	}
	w.provider.Answer("nobody", policies.Identity{Issuer: policytest.ProviderIssuer})
	w.wantPage("no subject", w.callback(w.atProvider(client), "nobody"), http.StatusBadRequest)
	w.provider.Answer("foreign", policies.Identity{Issuer: "https://other.example", Subject: "alice"})
	w.wantPage("C4 foreign issuer", w.callback(w.atProvider(client), "foreign"), http.StatusBadRequest)
	if failed := w.host.Audit.Named("login.failed"); len(failed) != 7 {
		t.Errorf("%d audit events, want 7", len(failed))
	}
}

func TestStoreFaultsDuringLogin(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	fire := errors.New("disk on fire")
	fail := func(on string) {
		w.host.Store.Intercept(func(op string, _ []string, do func() error) error {
			if op == on {
				return fire
			}
			return do()
		})
	}
	for _, op := range []string{"get", "commit"} {
		fail(op)
		w.wantPage("authorize, "+op, w.authorize(ask(client)), http.StatusServiceUnavailable)
	}
	w.host.Store.Intercept(nil)
	page := w.authorize(ask(client))
	for _, op := range []string{"get", "commit"} {
		fail(op)
		w.wantPage("consent, "+op, w.consent(page, "allow"), http.StatusServiceUnavailable)
	}
	w.host.Store.Intercept(nil)
	provider := w.consent(page, "allow").location(t) // a fault has used nothing up
	for _, op := range []string{"get", "take"} {
		fail(op)
		w.wantPage("callback, "+op, w.callback(provider, "alice"), http.StatusServiceUnavailable)
	}
	w.host.Store.Intercept(nil)
	w.callback(provider, "alice").location(t)
	if strings.Contains(w.host.Log.String(), "alice") {
		t.Error("the log names a person or a code")
	}
}
