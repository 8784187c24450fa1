package oauth_test

import (
	"encoding/json"
	"errors"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// wantMessage checks that a person is shown the error page of that name, with the request's id.
func (w *world) wantMessage(what string, got answer, status int, name string) {
	w.Helper()
	w.wantPage(what, got, status)
	file, err := os.ReadFile(filepath.Join("internal", "page", "texts.en.json"))
	if err != nil {
		w.Fatal(err)
	}
	var texts struct {
		Messages map[string]struct{ Heading string } `json:"messages"`
	}
	if err := json.Unmarshal(file, &texts); err != nil {
		w.Fatal(err)
	}
	heading := texts.Messages[name].Heading
	if heading == "" || !strings.Contains(html.UnescapeString(got.body), ">"+heading+"<") || !strings.Contains(got.body, "req-") {
		w.Errorf("%s: not the page %q (%s): %s", what, name, heading, got.body)
	}
}

func TestEveryRefusalSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	authorize := func(changes ...string) answer { return w.authorize(ask(client, changes...)) }
	w.wantMessage("no client", authorize("client_id", ""), http.StatusBadRequest, "bad_request")
	w.wantMessage("S2 unknown client", authorize("client_id", "dw-gone"), http.StatusBadRequest, "unknown_app")
	w.wantMessage("S1 redirect", authorize("redirect_uri", "https://evil.example/cb"), http.StatusBadRequest, "bad_redirect")
	w.wantMessage("S13 response type", authorize("response_type", "token"), http.StatusBadRequest, "bad_request")
	w.wantMessage("A8 plain http", w.get("http://mcp.example.com/oauth/authorize"), http.StatusBadRequest, "insecure")

	page := w.authorize(ask(client))
	form := change(w.formOf(page), "answer", "allow")
	w.wantMessage("S22 another site", w.submit(w.browser, form, "Sec-Fetch-Site", "cross-site"), http.StatusForbidden, "foreign_form")
	w.wantMessage("S22 another browser", w.submit(w.gateway.Client(), form), http.StatusForbidden, "other_page")
	at := w.submit(w.browser, form).location(t)
	w.host.Clock.Advance(30 * time.Second)
	w.wantMessage("back button", w.submit(w.browser, form), http.StatusForbidden, "answered")

	w.wantMessage("S24 no state", w.get("/oauth/callback"), http.StatusBadRequest, "incomplete")
	w.wantMessage("S24 unknown state", w.get("/oauth/callback?state=x&code=y"), http.StatusBadRequest, "stale_login")
	mine := w.browser
	w.browser = w.gateway.Client()
	w.wantMessage("S20 another browser", w.callback(at, "alice"), http.StatusForbidden, "other_browser")
	w.browser = mine
	w.callback(at, "alice").location(t)
	w.wantMessage("S24 used state", w.callback(at, "alice"), http.StatusBadRequest, "stale_login")

	waited := w.authorize(ask(client))
	w.host.Clock.Advance(900 * time.Second)
	w.wantMessage("a page that waited too long", w.submitKeeping(waited, "allow"), http.StatusForbidden, "answered")
	w.host.Store.Intercept(func(string, []string, func() error) error { return errors.New("disk on fire") })
	fault := w.authorize(ask(client))
	w.wantMessage("a fault of ours", fault, http.StatusServiceUnavailable, "unavailable")
	if fault.Header.Get("Retry-After") != "2" || w.post("/oauth/token", renewal(client, "x")).Header.Get("Retry-After") != "2" {
		t.Error("a fault does not say when to try again")
	}
}

// submitKeeping answers a page with the cookie that came with it, whatever the browser has made of it.
func (w *world) submitKeeping(page answer, reply string) answer {
	w.Helper()
	cookie := page.Cookies()[0]
	return w.submit(&http.Client{Transport: w.gateway}, change(w.formOf(page), "answer", reply),
		"Cookie", cookie.Name+"="+cookie.Value)
}

func TestLoginFaultsAndWhatBecomesOfThem(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	fault := func(fault policies.LoginFault, wait time.Duration) error {
		return &policies.LoginError{Fault: fault, Code: "some_code", Hint: "canary-hint", Trace: "trace-7", RetryAfter: wait}
	}
	tests := map[string]struct {
		err    error
		status int
		page   string
		retry  string
	}{
		"misconfigured":         {fault(policies.LoginMisconfigured, 0), 500, "setup", ""},
		"unreachable":           {fault(policies.LoginUnreachable, 0), 502, "unreachable", ""},
		"unreachable for a bit": {fault(policies.LoginUnreachable, 1500*time.Millisecond), 503, "unreachable", "2"},
		"invalid":               {fault(policies.LoginInvalid, 0), 400, "unverified", ""},
		"of no kind":            {fault(0, 0), 400, "unverified", ""},
		"of an unknown kind":    {fault(99, 0), 400, "unverified", ""},
		"none of the contract":  {errors.New("surprise"), 502, "unreachable", ""},
	}
	for name, test := range tests {
		w.provider.Fail(name, test.err)
		got := w.callback(w.atProvider(client), name)
		w.wantMessage(name, got, test.status, test.page)
		if got.Header.Get("Retry-After") != test.retry || strings.Contains(got.body, "canary") {
			t.Errorf("%s: Retry-After %q, page %s", name, got.Header.Get("Retry-After"), got.body)
		}
	}
	if failed := w.host.Audit.Named("login.failed"); len(failed) != len(tests) || failed[0].Client != client {
		t.Errorf("audit: %+v", failed)
	}
	for _, part := range []string{"canary-hint", "trace-7", "code=some_code", "retry_after=1.5s", "request_id=req-", "level=ERROR"} {
		if !strings.Contains(w.host.Log.String(), part) {
			t.Errorf("the log holds no %s", part)
		}
	}
	if w.atProvider(client).Host != "idp.example" {
		t.Error("a failed login left a session")
	}
}

// A consent page that named one person and is answered while another is signed in is shown anew, and says so.
func TestA46_WrongPerson(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.code(client, "alice")
	page := w.authorize(ask(client)) // names Alice
	w.callback(w.atProviderBy(client, "switch"), "bob").location(t)

	for range 2 { // asking again uses nothing up
		again := w.consent(page, "allow")
		if !strings.Contains(again.body, "alice@example.com") || !strings.Contains(again.body, "bob@example.com") {
			t.Fatalf("the page does not say whose it was and whose it is: %s", again.body)
		}
		back := w.consent(again, "allow").location(t)
		held := w.tokensOf(client, w.post("/oauth/token", redemption(client, back.Query().Get("code"))))
		if got := w.call("/mcp/demo", held.access); !strings.Contains(got.body, `"bob"`) {
			t.Errorf("allowed by Bob, and not for him: %s", got.body)
		}
	}
	if w.provider.Completed() != 2 {
		t.Errorf("%d logins", w.provider.Completed())
	}
}

// The same, if the session has ended meanwhile and another signs in at the provider.
func TestA46_WrongPersonAtTheProvider(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","browserLoginOverrides":{"sessionTtlSeconds":100}}`)
	client := w.client()
	w.code(client, "alice")
	page := w.authorize(ask(client))
	w.host.Clock.Advance(100 * time.Second)
	at := w.consent(page, "allow").location(t)
	if at.Host != "idp.example" {
		t.Fatalf("the session had ended: %s", at)
	}
	again := w.callback(at, "bob")
	if !strings.Contains(again.body, "alice@example.com") || !strings.Contains(again.body, "bob@example.com") {
		t.Fatalf("Bob was not asked: %d %s", again.StatusCode, again.body)
	}
	if w.consent(again, "allow").location(t).Query().Get("code") == "" || w.provider.Begun() != 2 {
		t.Error("Bob could not go on with the session that he has now")
	}

	page = w.authorize(ask(client)) // names Bob
	w.host.Clock.Advance(100 * time.Second)
	if back := w.callback(w.consent(page, "allow").location(t), "bob").location(t); back.Query().Get("code") == "" {
		t.Errorf("the one whom the page named was asked again: %s", back)
	}
}

// The provider is asked to let the person say anew who they are when the client or the person wants it, and only then.
func TestFreshLogin(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	for name, test := range map[string]struct {
		prompt, reply string
		want          string
	}{
		"usual":                       {"", "allow", ""},
		"prompt=consent":              {"consent", "allow", ""},
		"prompt=login":                {"login", "allow", "login"},
		"prompt=select_account":       {"select_account", "allow", "login"},
		"prompt=consent login":        {"consent login", "allow", "login"},
		"the person wants to":         {"", "switch", "login"},
		"prompt=login and the person": {"login", "switch", "login"},
	} {
		w.browser = w.gateway.Client()
		at := w.atProviderBy(client, test.reply, "prompt", test.prompt)
		if got := at.Query().Get("prompt"); got != test.want {
			t.Errorf("%s: prompt %q, want %q", name, got, test.want)
		}
		w.callback(at, "alice").location(t)
	}
}

// What somebody allowed for one server says nothing about another.
func TestS26_AllowedBeforeForAnotherServer(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	client := w.client()
	w.code(client, "alice", "resource", origin+"/mcp/a")
	for path, want := range map[string]bool{"/mcp/a": true, "/mcp/b": false} {
		page := w.authorize(ask(client, "resource", origin+path))
		w.formOf(page)
		if strings.Contains(page.body, "<time ") != want {
			t.Errorf("%s: the page says that it was allowed before: %v", path, !want)
		}
	}
}

// S26, A44: the page says when the same person last allowed the same client the same at the same address, where the
// port of a loopback address does not count. It asks in any case.
func TestS26_AllowedBefore(t *testing.T) {
	w := newWorld(t)
	client := w.client("http://127.0.0.1/cb", "https://app.example/cb")
	const date = `<time datetime="2027-03-01T12:00:00Z">`
	says := func(what string, want bool, changes ...string) {
		t.Helper()
		page := w.authorize(ask(client, changes...))
		w.formOf(page)
		if strings.Contains(page.body, date) != want {
			t.Errorf("%s: says so: %v", what, !want)
		}
	}
	code := w.code(client, "alice", "redirect_uri", "http://127.0.0.1:1/cb")
	w.tokensOf(client, w.post("/oauth/token", redemption(client, code, "redirect_uri", "")))
	w.host.Clock.Advance(time.Hour)
	says("the same", true, "redirect_uri", "http://127.0.0.1:1/cb")
	says("another loopback port", true, "redirect_uri", "http://127.0.0.1:2/cb")
	says("another address", false, "redirect_uri", "https://app.example/cb")
	says("more than before", false, "redirect_uri", "http://127.0.0.1:1/cb", "scope", "offline_access")
	says("nobody is named", false, "redirect_uri", "http://127.0.0.1:1/cb", "prompt", "login")
	alice := client
	client = w.client("http://127.0.0.1/cb")
	says("another client", false, "redirect_uri", "http://127.0.0.1:1/cb")
	client = alice
	w.signInForGrants("bob")
	says("another person", false, "redirect_uri", "http://127.0.0.1:1/cb")
	w.signInForGrants("alice")
	says("herself again", true, "redirect_uri", "http://127.0.0.1:1/cb")
	page := w.grants()
	w.onGrants(w.browser, url.Values{"answer": {"revoke-all"}, "csrf": {page.csrf}})
	says("taken back", false, "redirect_uri", "http://127.0.0.1:1/cb")
}
