package oauth_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Each endpoint answers the methods that it has, and no other does anything. Pages are for no script of another origin.
func TestMethods(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.signIn("alice")
	before := len(w.host.Store.Records())
	for path, at := range map[string]struct {
		allow  string
		shared bool
	}{
		"/oauth/authorize?" + ask(client).Encode(): {"GET", false},
		"/oauth/consent":    {"POST", false},
		"/oauth/callback":   {"GET", false},
		"/oauth/grants":     {"GET, POST", false},
		"/oauth/introspect": {"POST", false},
		"/oauth/token":      {"POST", true},
		"/oauth/revoke":     {"POST", true},
		"/oauth/register":   {"POST", true},
		"/.well-known/oauth-authorization-server": {"GET, HEAD", true},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get"} {
			if strings.Contains(at.allow, method) {
				continue
			}
			got := w.do(w.browser, w.request(method, path, "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST"))
			want := http.StatusMethodNotAllowed
			if at.shared && method == http.MethodOptions {
				want = http.StatusNoContent
			}
			if got.StatusCode != want || want == http.StatusMethodNotAllowed && got.Header.Get("Allow") != at.allow {
				t.Errorf("%s %.40s: %d, Allow %q", method, path, got.StatusCode, got.Header.Get("Allow"))
			}
			if open := got.Header.Get("Access-Control-Allow-Origin"); (open == "*") != at.shared {
				t.Errorf("%s %.40s: open to %q", method, path, open)
			}
		}
	}
	if after := len(w.host.Store.Records()); after != before {
		t.Errorf("%d records more", after-before)
	}
}

// RFC 6749 section 3.1: a parameter without a value counts as left out.
func TestEmptyParameters(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	empty := url.Values{}
	for _, name := range []string{
		"scope", "resource", "state", "prompt", "redirect_uri", "response_mode", "request", "request_uri", "nonce", "audience",
	} {
		empty.Set(name, "")
	}
	page := w.authorize(change(ask(client, "redirect_uri", "", "state", ""), "x", "y"))
	w.formOf(page)
	query := ask(client)
	for name := range empty {
		query.Set(name, "")
	}
	page = w.authorize(query)
	back := w.callback(w.consent(page, "allow").location(t), "alice").location(t)
	if back.Query().Has("state") || !strings.HasPrefix(back.String(), redirect+"?code=") {
		t.Errorf("answered %s", back)
	}
	form := redemption(client, back.Query().Get("code"))
	for _, name := range []string{"redirect_uri", "resource", "scope", "client_secret", "client_assertion", "client_assertion_type"} {
		form.Set(name, "")
	}
	held := w.tokensOf(client, w.post("/oauth/token", form))
	form = renewal(client, held.refresh)
	for _, name := range []string{"resource", "scope", "client_secret", "redirect_uri", "code"} {
		form.Set(name, "")
	}
	w.tokensOf(client, w.post("/oauth/token", form))
	for _, name := range []string{"grant_type", "refresh_token", "client_id"} {
		form := renewal(client, held.refresh)
		form.Set(name, "")
		w.wantError("empty "+name, w.post("/oauth/token", form), http.StatusBadRequest, "invalid_request")
	}
	query = ask(client)
	query["resource"] = []string{"", origin + "/mcp/demo"} // one, then
	w.formOf(w.authorize(query))
}

// What is not UTF-8 could not be kept as it came, and so not be echoed (A37).
func TestParametersAreUTF8(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.code(client, "alice")
	good := ask(client, "state", "").Encode()
	for _, odd := range []string{"&state=%ff", "&state=a%c3", "&x=%ff", "&%ff=x", "&scope=mcp:tools%fe"} {
		w.wantPage(odd, w.get("/oauth/authorize?"+good+odd), http.StatusBadRequest)
		got := w.do(w.browser, w.request(http.MethodPost, "/oauth/token", renewal(client, "x").Encode()+odd,
			"Content-Type", "application/x-www-form-urlencoded"))
		w.wantError(odd, got, http.StatusBadRequest, "invalid_request")
	}
	for _, state := range []string{"%EF%BF%BD", "%00", "%0d%0a", "%7f"} {
		back := w.consent(w.get("/oauth/authorize?"+good+"&state="+state), "allow").location(t)
		if want, _ := url.QueryUnescape(state); back.Query().Get("state") != want {
			t.Errorf("state %s came back as %q", state, back.Query().Get("state"))
		}
	}
}

// A client that does not wait for the answer is no fault of the gateway's.
func TestWhoeverHasGoneIsNoFault(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	form := renewal(held.client, held.refresh).Encode()
	r := w.request(http.MethodPost, "/oauth/token", form, "Content-Type", "application/x-www-form-urlencoded").WithContext(gone)
	if answer, err := w.gateway.RoundTrip(r); err != nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("answered %v %v", answer, err)
	}
	if log := w.host.Log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "cannot answer") {
		t.Errorf("log: %s", log)
	}
}
