package signin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	matchFile     = "policies/oauth/internal/redirecturi/match.go"
	answerFile    = "policies/oauth/internal/redirecturi/answer.go"
	authorizeFile = "policies/oauth/authorize.go"
	callbackFile  = "policies/oauth/callback.go"
)

func requestRows() []row {
	return []row{
		{
			id:    "A39",
			holds: "what a stranger writes into an authorization request stays out of pages and headers, and leads nowhere",
			play:  hostileRequests,
			breaks: []edit{{
				matchFile, `if slices.Contains(registered, given) {`,
				`if slices.ContainsFunc(registered, func(uri string) bool { return strings.HasPrefix(given, uri) }) {`,
			}},
		},
		{
			id: "S17", holds: "a state comes back exactly as it was, or is refused for its length",
			play: hostileStates,
			breaks: []edit{{
				answerFile, `strings.ReplaceAll(url.QueryEscape(param.Value), "+", "%20")`, `url.PathEscape(param.Value)`,
			}},
		},
		{
			id: "S18", holds: "an error answer carries state and iss, each once, whatever the redirect URI's own query says",
			play:   errorAnswers,
			breaks: []edit{{answerFile, `[]string{"code", "state", "iss", `, `[]string{"code", "state", `}},
		},
		{
			id: "S32", holds: "no parameter of a browser's request says where it is sent afterwards",
			play: noReturnTo,
			breaks: []edit{
				{authorizeFile, `	w.Header().Set("Location", location)
`, `
	if at, err := url.Parse(location); err == nil && strings.HasPrefix(at.Query().Get("state"), "https://") {
		location = at.Query().Get("state")
	}
	w.Header().Set("Location", location)
`},
				{authorizeFile, `	"net/http"
`, `
	"net/http"
	"net/url"
`},
			},
		},
	}
}

// evil are values that do harm where they are not expected.
func evil() []string {
	return []string{
		`"><script>alert(1)</script>`, "x\r\nSet-Cookie: a=b", "https://evil.example/", "//evil.example", `/\evil.example`,
		"javascript:alert(1)", "x\x00y", "%0d%0aSet-Cookie:%20a=b", "{{.CSRF}}", strings.Repeat("é", 2000),
	}
}

func hostileRequests(t *testing.T, w *world) {
	a := w.register(t, "Victim", "https://app.example/cb")
	b := w.browser(t)
	b.signedIn(t, a, ada()) // where anything is to be had, a session has it
	for _, param := range []string{
		"client_id", "redirect_uri", "response_type", "response_mode", "code_challenge", "code_challenge_method", "resource",
		"prompt",
	} {
		values := evil()
		if param == "redirect_uri" {
			for _, v := range evil() {
				values = append(values, a.redirect+v, a.redirect+"?next="+v, a.redirect+"/"+v)
			}
			values = append(values, "https://app.example@evil.example/cb", "https://app.example.evil.example/cb",
				`https://app.example\@evil.example/cb`, "https://APP.example/cb", a.redirect+"#x")
		}
		for _, value := range values {
			got := b.get(a.ask(param, value))
			if param == "client_id" || param == "redirect_uri" {
				wantPage(t, param+" "+value, got, http.StatusBadRequest)
			}
			if to := got.to(); to != nil && (to.Host != "app.example" || to.Query().Get("code") != "") {
				t.Errorf("%s %.40q: the browser is sent to %s", param, value, to)
			}
			for _, odd := range []string{"<script", "javascript:", "evil.example"} {
				if strings.Contains(got.body, odd) {
					t.Errorf("%s %.40q: the page holds %q", param, value, odd)
				}
			}
			for _, c := range got.header.Values("Set-Cookie") {
				if !strings.HasPrefix(c, "__Host-dw-clerk-") {
					t.Errorf("%s %.40q sets the cookie %s", param, value, c)
				}
			}
		}
	}
}

func hostileStates(t *testing.T, w *world) {
	a := w.register(t, "States")
	b := w.browser(t)
	b.signedIn(t, a, ada())
	for _, state := range append(evil(), "plain", "a b+c&d=e;f#g%20", `"'<>\`, strings.Repeat("s", 4096), "\u202eé") {
		got := b.press(b.asked(a, "state", state), "allow")
		if query := b.answered(a, got); !slices.Equal(query["state"], []string{state}) {
			t.Errorf("state %.40q came back as %.40q", state, query["state"])
		}
		if raw := got.header.Get("Location"); strings.ContainsAny(raw, "\r\n\"<>+ ") {
			t.Errorf("state %.40q: the Location is %s", state, raw)
		}
		if got.header.Get("Set-Cookie") == "a=b" {
			t.Errorf("state %.40q sets a cookie", state)
		}
	}
	wantPage(t, "8 kB", b.get(a.ask("state", strings.Repeat("s", 8<<10))), http.StatusBadRequest)
}

func errorAnswers(t *testing.T, w *world) {
	const redirect = "https://app.example/cb?keep=%7E&iss=evil&%73tate=evil&error=none&code=evil"
	a := w.register(t, "Errors", redirect)
	b := w.browser(t)
	want := func(what, code string, got *answer) {
		t.Helper()
		query := got.query()
		for name, value := range map[string]string{
			"keep": "~", "state": "state-of-the-app", "iss": w.origin, "error": code,
		} {
			if !slices.Equal(query[name], []string{value}) {
				t.Errorf("%s: %s is %q, want %q once", what, name, query[name], value)
			}
		}
		if to := got.to(); got.status != http.StatusSeeOther || query.Has("code") || to == nil || to.Host != "app.example" {
			t.Errorf("%s: %d %s", what, got.status, got.header.Get("Location"))
		}
	}
	want("the person says no", "access_denied", b.press(b.asked(a), "deny"))
	back, _ := w.provider.signIn(t, b.approved(a), ada())
	back.RawQuery = url.Values{"error": {"access_denied"}, "state": back.Query()["state"]}.Encode()
	want("the provider says no", "access_denied", b.get(back.String()))

	back, _ = w.provider.signIn(t, b.approved(a), ada())
	b.get(back.String())
	want("a bad request", "unsupported_response_type", b.get(a.ask("response_type", "token")))
	want("another resource", "invalid_target", b.get(a.ask("resource", w.origin+"/mcp/other")))
	want("a silent request", "interaction_required", b.get(a.ask("prompt", "none")))
	want("the signed-in person says no", "access_denied", b.press(b.asked(a), "deny"))
}

func noReturnTo(t *testing.T, w *world) {
	a := w.register(t, "Return")
	for _, evil := range []string{"https://evil.example/", "//evil.example/", `/\evil.example/`, "https:evil.example"} {
		b := w.browser(t)
		extra := url.Values{"return_to": {evil}, "next": {evil}, "redirect": {evil}, "rd": {evil}}.Encode()
		// The client's own state is a URL, and is no more than a parameter of the answer.
		page := b.get(a.ask("state", evil) + "&" + extra)
		at := b.sentToProvider(b.press(page, "allow", "return_to", evil, "next", evil))
		if strings.Contains(at.String(), "evil.example") {
			t.Errorf("the provider is told of %q: %s", evil, at)
		}
		back, _ := w.provider.signIn(t, at, ada())
		if query := b.answered(a, b.get(back.String()+"&"+extra)); query.Get("state") != evil {
			t.Errorf("state %q came back as %q", evil, query.Get("state"))
		}
		wantPage(t, "a state of the callback that is a URL",
			b.get("/oauth/callback?code=x&state="+url.QueryEscape(evil)), http.StatusBadRequest)

		// A login from the grants page ends there and nowhere else, and so does every form of it.
		b = w.browser(t)
		at = b.sentToProvider(b.press(b.get("/oauth/grants?"+extra), "sign-in", "return_to", evil, "next", evil))
		back, _ = w.provider.signIn(t, at, ada())
		got := b.get(back.String() + "&" + extra)
		if to := got.to(); got.status != http.StatusSeeOther || to == nil || to.String() != w.origin+grantsPath {
			t.Errorf("the login from the grants page ends at %d %s", got.status, got.header.Get("Location"))
		}
		got = b.press(b.get("/oauth/grants?"+extra), "sign-out", "return_to", evil, "next", evil)
		if to := got.to(); got.status != http.StatusSeeOther || to == nil || to.String() != w.origin+"/oauth/signed-out" {
			t.Errorf("signing out ends at %d %s", got.status, got.header.Get("Location"))
		}
		wantPage(t, "signed out", b.get("/oauth/signed-out?"+extra), http.StatusOK)
	}
}
