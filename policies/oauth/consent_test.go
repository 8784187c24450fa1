package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/policytest"
)

func TestA42_S19_S25_ConsentComesFirst(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	page := w.authorize(ask(client))
	w.formOf(page)
	if w.provider.Begun() != 0 {
		t.Fatal("the provider was asked before consent")
	}
	for _, cookie := range page.Cookies() {
		if !strings.HasPrefix(cookie.Name, "__Host-dw-clerk-consent-") {
			t.Errorf("S25: cookie %s before approval", cookie.Name)
		}
	}
	sent := w.consent(page, "allow")
	if w.provider.Begun() != 1 || sent.StatusCode != http.StatusSeeOther { // A33, S10
		t.Errorf("begun %d, status %d", w.provider.Begun(), sent.StatusCode)
	}
	// With a live session consent is still shown, to another client as to the same.
	w.callback(sent.location(t), "alice").location(t)
	again := w.authorize(ask(w.client()))
	w.formOf(again)
	if !strings.Contains(again.body, "alice@example.com") {
		t.Error("the page does not say who is signed in")
	}
}

func TestA44_S27_Cookies(t *testing.T) {
	w := newWorld(t)
	client := w.client("http://127.0.0.1/cb")
	for base, want := range map[string]struct {
		prefix string
		secure bool
	}{
		origin:                  {"__Host-dw-clerk-", true},
		"http://127.0.0.1:9000": {"dw-clerk-", false},
	} {
		w.browser = w.gateway.Client()
		query := ask(client, "redirect_uri", "")
		page := w.get(base + "/oauth/authorize?" + query.Encode())
		form := change(w.formOf(page), "answer", "allow")
		sent := w.do(w.browser, w.request(http.MethodPost, base+"/oauth/consent", form.Encode(),
			"Content-Type", "application/x-www-form-urlencoded", "Origin", base))
		state := sent.location(t).Query().Get("state")
		back := w.get(base + "/oauth/callback?code=alice&state=" + url.QueryEscape(state))
		back.location(t)
		set := map[string]bool{}
		for _, cookie := range append(append(page.Cookies(), sent.Cookies()...), back.Cookies()...) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(cookie.Name, want.prefix), "-")
			set[kind] = true
			if !strings.HasPrefix(cookie.Name, want.prefix) || cookie.Secure != want.secure || !cookie.HttpOnly ||
				cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
				t.Errorf("at %s: %s", base, cookie)
			}
		}
		if !set["consent"] || !set["login"] || !set["session"] {
			t.Errorf("at %s: cookies %v", base, set)
		}
	}
}

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
	if failed := w.host.Audit.Named("login.failed"); len(failed) != 3 || failed[0].Reason != "other_browser" {
		t.Errorf("audit: %v", failed)
	}
	w.browser = attacker // and the visit used nothing up
	w.callback(provider, "alice").location(t)
}

func TestS22_ForgedConsent(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	page := w.authorize(ask(client))
	form := change(w.formOf(page), "answer", "allow")
	other := change(w.formOf(w.authorize(ask(client))), "answer", "allow")
	with := func(name, value string) url.Values {
		copied := url.Values{}
		for field, values := range form {
			copied[field] = values
		}
		return change(copied, name, value)
	}
	tests := map[string]struct {
		client *http.Client
		form   url.Values
		header []string
	}{
		"no CSRF token":         {w.browser, with("csrf", ""), nil},
		"foreign CSRF token":    {w.browser, with("csrf", other.Get("csrf")), nil},
		"request of another":    {w.browser, with("request", other.Get("request")), nil},
		"no request":            {w.browser, with("request", ""), nil},
		"odd request":           {w.browser, with("request", "; x=y"), nil},
		"another browser":       {w.gateway.Client(), form, nil},
		"cross-site":            {w.browser, form, []string{"Sec-Fetch-Site", "cross-site"}},
		"same site, not origin": {w.browser, form, []string{"Sec-Fetch-Site", "same-site"}},
		"foreign origin":        {w.browser, form, []string{"Origin", "https://evil.example"}},
		"null origin":           {w.browser, form, []string{"Origin", "null"}},
		"other port":            {w.browser, form, []string{"Origin", origin + ":8443"}},
	}
	for name, test := range tests {
		w.wantPage(name, w.submit(test.client, test.form, test.header...), http.StatusForbidden)
	}
	w.wantPage("no answer", w.submit(w.browser, with("answer", "")), http.StatusBadRequest)
	if w.provider.Begun() != 0 {
		t.Fatal("a forged consent went to the provider")
	}
	kept := page.Cookies()[0]
	w.submit(w.browser, form).location(t)
	w.wantPage("replayed after use", w.submit(w.browser, form), http.StatusForbidden)
	got := w.submit(w.gateway.Client(), form, "Cookie", kept.Name+"="+kept.Value)
	w.wantPage("replayed with the cookie kept", got, http.StatusForbidden)
}

func TestS22_TamperedCookie(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(ask(w.client()))
	form := change(w.formOf(page), "answer", "allow")
	cookie := page.Cookies()[0]
	for name, header := range map[string]string{
		"changed":       cookie.Name + "=" + flip(cookie.Value),
		"empty":         cookie.Name + "=",
		"two of a name": cookie.Name + "=" + cookie.Value + "; " + cookie.Name + "=" + cookie.Value,
		"other policy":  strings.Replace(cookie.Name, "clerk", "other", 1) + "=" + cookie.Value,
	} {
		got := w.submit(&http.Client{Transport: w.gateway}, form, "Cookie", header)
		w.wantPage(name, got, http.StatusForbidden)
	}
}

func TestS23_TwoTabs(t *testing.T) {
	w := newWorld(t)
	one, two := w.client("https://one.example/cb"), w.client("https://two.example/cb")
	first := w.authorize(ask(one, "redirect_uri", "", "state", "1"))
	second := w.authorize(ask(two, "redirect_uri", "", "state", "2"))
	again := w.authorize(ask(one, "redirect_uri", "", "state", "3"))
	atSecond := w.consent(second, "allow").location(t)
	atFirst := w.consent(first, "allow").location(t)
	atAgain := w.consent(again, "allow").location(t)
	for _, tab := range []struct {
		at     *url.URL
		person string
		host   string
		state  string
	}{
		{atFirst, "alice", "one.example", "1"},
		{atAgain, "alice", "one.example", "3"},
		{atSecond, "bob", "two.example", "2"},
	} {
		back := w.callback(tab.at, tab.person).location(t)
		if back.Host != tab.host || back.Query().Get("state") != tab.state || back.Query().Get("code") == "" {
			t.Errorf("tab %s ended at %s", tab.state, back)
		}
	}
}

// Two tabs that answer one page at once: the store lets one through.
func TestS22_ConsentCountsOnce(t *testing.T) {
	w := newWorld(t)
	page := w.authorize(ask(w.client()))
	form, cookie := change(w.formOf(page), "answer", "allow"), page.Cookies()[0]
	statuses := make(chan int, 8)
	w.host.Store.Intercept(together("consent/", cap(statuses)))
	var wg sync.WaitGroup
	for range cap(statuses) {
		wg.Go(func() {
			got := w.submit(w.gateway.Client(), form, "Cookie", cookie.Name+"="+cookie.Value)
			statuses <- got.StatusCode
		})
	}
	wg.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if count[http.StatusSeeOther] != 1 || count[http.StatusForbidden] != 7 {
		t.Errorf("statuses %v", count)
	}
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
	provider := w.consent(page, "allow").location(t)
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

func TestS9_Declined(t *testing.T) {
	w := newWorld(t)
	back := w.consent(w.authorize(ask(w.client())), "deny").location(t)
	want := url.Values{
		"error": {"access_denied"}, "state": {"st/+ &=é"}, "iss": {origin},
		"error_description": {"the person did not allow it"},
	}
	if back.Host != "app.example" || back.Query().Encode() != want.Encode() {
		t.Errorf("declined: %s", back)
	}
	if w.provider.Begun() != 0 || len(w.host.Audit.Named("consent.refused")) != 1 {
		t.Error("a refusal went on, or was not recorded")
	}
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

func TestA43_S16_S46_ConsentPage(t *testing.T) {
	w := newWorld(t)
	register := func(name, redirect string) string {
		body, _ := json.Marshal(map[string]any{"client_name": name, "redirect_uris": []string{redirect}})
		return w.register(string(body)).json(t)["client_id"].(string)
	}
	page := func(name, redirect string) answer {
		return w.authorize(ask(register(name, redirect), "redirect_uri", ""))
	}
	hostile := page(`<script>alert(1)</script>"'`, "https://evil.example/cb")
	if strings.Contains(hostile.body, "<script") || !strings.Contains(hostile.body, "&lt;script&gt;") {
		t.Error("a client's name is not escaped")
	}
	long := page(strings.Repeat("x", 10_000), "https://evil.example/cb")
	if strings.Contains(long.body, strings.Repeat("x", 61)) {
		t.Error("a client's name is not cut")
	}
	turned := page("gpj\u202e\u0000\u200b.exe\n", "https://evil.example/cb")
	if strings.ContainsAny(turned.body, "\u202e\u200b\u0000") {
		t.Error("formatting characters reach the page")
	}
	claude := page("Claude", "https://evil.example/cb")
	for _, part := range []string{
		"Claude", "<strong>evil.example</strong>", "https://evil.example/cb", origin + "/mcp/demo", "nobody has checked it",
	} {
		if !strings.Contains(claude.body, part) {
			t.Errorf("the page does not show %q", part)
		}
	}
	if local := page("CLI", "http://127.0.0.1:1/cb"); !strings.Contains(local.body, "an app on this device") {
		t.Error("the page does not say that the app is on this device")
	}
	if nameless := page("", "https://a.example/cb"); !strings.Contains(nameless.body, "An app without a name") {
		t.Error("the page has no name for a nameless app")
	}
}

func TestA38_S15_PageHeaders(t *testing.T) {
	w := newWorld(t)
	for redirect, targets := range map[string]string{
		"https://a.example/cb":                         "'self' https:;",
		"http://127.0.0.1:1/cb":                        "'self' https: http://127.0.0.1:1;",
		"http://[::1]:1/cb":                            "'self' https: http:;",
		"cursor://anysphere.cursor-mcp/oauth/callback": "'self' https: cursor:;",
	} {
		page := w.authorize(ask(w.client(redirect), "redirect_uri", ""))
		policy := page.Header.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none';", "form-action " + targets, "frame-ancestors 'none'", "style-src 'sha256-",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: %q lacks %q", redirect, policy, part)
			}
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
		} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
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

// A style whose digest is not the one in the policy would be dropped by browsers without a word.
func TestPageStyleIsTheOneThatThePolicyAllows(t *testing.T) {
	w := newWorld(t)
	for name, page := range map[string]answer{
		"consent": w.authorize(ask(w.client())), "message": w.get("/oauth/callback"),
	} {
		_, rest, _ := strings.Cut(page.body, "<style>")
		style, _, ok := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		source := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !ok || style == "" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "style-src "+source+";") {
			t.Errorf("%s page: its style has the digest %s, the policy is %s",
				name, source, page.Header.Get("Content-Security-Policy"))
		}
	}
}
