package browser

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/proto"
)

// lookAtConsent looks at the page in all its forms.
func lookAtConsent(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for everybody")
	web := w.newAppAt(t, "Claude", "app."+site)
	odd := w.newApp(t, strings.Repeat("Supercalifragilisticexpialidocious", 4)+"\u202egnp.exe")
	v := w.visitor(t, a.origin, web.origin)
	tb := v.tab()
	r := a.ask("scope", "mcp:tools offline_access")
	tb.open(r.url)
	tb.look("consent-first")
	tb.open(web.ask().url)
	tb.look("consent-web")
	tb.open(odd.ask().url)
	tb.look("consent-odd-name")

	tb.open(r.url)
	tb.answer("allow")
	tb.signIn("ada")
	tb.inApp()
	a.tokens(r)
	tb.open(a.ask().url)
	tb.look("consent-again")

	r = web.ask()
	tb.open(r.url)
	other := v.tab()
	other.open(a.ask().url)
	other.answer("switch")
	other.signIn("grace")
	other.inApp()
	tb.answer("allow")
	tb.at("/oauth/consent")
	tb.look("consent-former")
	tb.answer("allow")
	tb.inApp() // the way to a web app leads through the form, too
	web.works(web.tokens(r).AccessToken)
}

// lookAtScopes looks at how a person is told what an app may do, when it asks for more than usual.
func lookAtScopes(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for everybody")
	v := w.visitor(t, a.origin)
	tb, r := v.login(a, "ada")
	a.tokens(r)
	r = a.ask("scope", "mcp:tools offline_access crm:read crm:write crm:export")
	tb.open(r.url)
	tb.shows("See contacts in the CRM")
	tb.shows("more than usual")
	tb.shows("Change and delete contacts in the CRM")
	tb.look("consent-more")
	tb.answer("allow")
	tb.inApp()
	a.tokens(r)
	tb.open(w.issuer + "/oauth/grants")
	tb.shows("crm:export")
	tb.look("grants-more")
}

// lookAtGrants looks at what people see who come to take something back.
func lookAtGrants(t *testing.T, w *world) {
	one, two := w.newApp(t, "Notes for everybody"), w.newAppAt(t, "Claude", "app."+site)
	v := w.visitor(t, one.origin, two.origin)
	tb := v.tab()
	tb.open(w.issuer + "/oauth/grants")
	tb.look("sign-in")
	tb.answer("sign-in")
	tb.signIn("")
	tb.message("sign_in_failed", http.StatusForbidden)
	tb.look("message-sign-in-failed")
	tb, r := v.login(one, "grace")
	one.tokens(r)
	r = two.ask("scope", "mcp:tools offline_access")
	tb.open(r.url)
	tb.answer("allow")
	tb.inApp()
	two.tokens(r)
	tb.open(w.issuer + "/oauth/grants")
	tb.look("grants")
	tb.answer("revoke")
	tb.look("grants-one-ended")
	tb.answer("revoke-all")
	tb.look("grants-none-left")
	tb.answer("sign-out")
	tb.look("signed-out")
}

// lookAtDenied looks at the page of somebody who may not come in.
func lookAtDenied(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for everybody")
	v := w.visitor(t, a.origin)
	tb := v.tab()
	tb.open(a.ask().url)
	tb.look("consent-unbranded")
	tb.answer("allow")
	tb.signIn("grace")
	tb.at("/oauth/callback")
	tb.look("denied")
	tb.open(w.issuer + "/oauth/grants")
	tb.answer("sign-in")
	tb.signIn("grace")
	tb.look("denied-grants")
	tb.answer("switch")
	tb.signIn("ada")
	tb.at("/oauth/grants")
	tb.shows("ada@example.com")
}

// lookAtMessages looks at the pages that say what went wrong on our side of the provider.
func lookAtMessages(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for everybody")
	v := w.visitor(t, a.origin)
	tb := v.tab()
	see := func(name string, status int) {
		t.Helper()
		tb.message(name, status)
		tb.look("message-" + strings.ReplaceAll(name, "_", "-"))
	}
	with := func(name, value string) string {
		u, err := url.Parse(a.ask().url)
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		query.Set(name, value)
		return w.origin + u.Path + "?" + query.Encode()
	}
	tb.open(with("response_type", "token"))
	see("bad_request", http.StatusBadRequest)
	tb.open(with("client_id", "nobody"))
	see("unknown_app", http.StatusBadRequest)
	tb.open(with("redirect_uri", "https://evil.example.net/callback"))
	see("bad_redirect", http.StatusBadRequest)
	tb.open(w.issuer + "/oauth/callback")
	see("incomplete", http.StatusBadRequest)
	tb.open(w.issuer + "/oauth/callback?code=x&state=never-was")
	see("stale_login", http.StatusBadRequest)

	tb.open(a.ask().url)
	if err := (proto.StorageClearCookies{BrowserContextID: v.browser.BrowserContextID}).Call(v.browser); err != nil {
		t.Fatal(err)
	}
	tb.answer("allow")
	see("other_page", http.StatusForbidden)

	tb.open(a.ask().url)
	tb.answer("allow")
	there := tb.address()
	tb = w.visitor(t).tab()
	tb.open(there)
	tb.signIn("ada")
	see("other_browser", http.StatusForbidden)
	a.unanswered()
}

// lookAtFaults looks at the pages that say what went wrong at the provider.
func lookAtFaults(t *testing.T, w *world) {
	a := w.newApp(t, "Notes for everybody")
	for _, fault := range []struct {
		name, answer string
		status       int // the provider's
		page         int // ours
	}{
		{"setup", `{"error":"invalid_client"}`, http.StatusUnauthorized, http.StatusInternalServerError},
		{"unreachable", `{}`, http.StatusTooManyRequests, http.StatusServiceUnavailable},
		{"unverified", `{"access_token":"a","token_type":"bearer","id_token":"e30.e30.e30"}`, http.StatusOK, http.StatusBadRequest},
	} {
		t.Run(fault.name, func(t *testing.T) {
			w.provider.fail(t, func(answer http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/oauth/token" {
					return false
				}
				answer.Header().Set("Content-Type", "application/json")
				answer.Header().Set("Retry-After", "30")
				answer.WriteHeader(fault.status)
				_, _ = answer.Write([]byte(fault.answer))
				return true
			})
			tb := w.visitor(t).tab()
			tb.open(a.ask().url)
			tb.answer("allow")
			tb.signIn("ada")
			tb.message(fault.name, fault.page)
			tb.look("message-" + fault.name)
		})
	}
}
