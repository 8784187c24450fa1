package oauth

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
)

func authorizeRows() []row {
	return []row{
		{
			id: "A5", holds: "every answer to a client names the issuer, errors too, and metadata says so",
			play: func(t *testing.T, w *world) {
				if w.get(t, serverDocument).object(t, 200)["authorization_response_iss_parameter_supported"] != true {
					t.Error("metadata does not say so")
				}
				a, b := w.app(t), w.browser(t)
				for what, said := range map[string]url.Values{
					"a code": b.answered(t, a, b.allowed(t, b.asked(t, a))), "declined": b.press(t, b.asked(t, a), "deny").answerTo(t, "declined", a),
					"an error": b.get(t, a.ask("response_type", "token")).answerTo(t, "an error", a),
				} {
					if !slices.Equal(said["iss"], []string{w.issuer()}) {
						t.Errorf("%s: iss is %q", what, said["iss"])
					}
				}
			},
			breaks: []edit{{"policies/oauth/authorize.go", `redirecturi.Param{Name: "state", Value: asked.State}, s.iss(asked))`,
				`redirecturi.Param{Name: "state", Value: asked.State})`}},
		},
		{
			id: "A35", holds: "without an S256 challenge, in its own form, there is no consent page", play: challenges,
		},
		{
			id: "A36", holds: "a code is bound to client, challenge, redirect URI and resource, good once and not for long",
			in: moved, play: boundCodes,
			breaks: []edit{{"policies/oauth/code.go", `case redirect != "" && redirect != asked.Redirect:`,
				`case redirect != "" && asked.Redirect == "":`}},
		},
		{
			id: "A37", holds: "a state comes back byte for byte, on success as on errors, and code is the only response type",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.signIn(t)
				for _, state := range []string{"plain", "a b+c&d=e;f#g%20?/", `"'<>\`, "\r\nX-Evil: 1", "é\u202e\x01", strings.Repeat("s", 4096)} {
					for what, got := range map[string]*answer{
						"allowed": b.allowed(t, b.asked(t, a, "state", state)), "declined": b.press(t, b.asked(t, a, "state", state), "deny"),
						"refused": b.get(t, a.ask("state", state, "response_type", "token")),
					} {
						if what == "refused" {
							got.errorTo(t, what, a, "unsupported_response_type")
						}
						if said := got.answerTo(t, what, a); !slices.Equal(said["state"], []string{state}) {
							t.Errorf("%s: %.40q came back as %.40q", what, state, said["state"])
						}
					}
				}
			},
		},
		{
			id: "A41", holds: "prompt=consent is taken, and an empty scope is none",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.tokens(t, a, "prompt", "consent")
				for _, query := range []string{"&scope=", "&prompt="} {
					page := b.get(t, a.ask("scope", "", "prompt", "")+query)
					if got := a.redeem(t, b.answered(t, a, b.allowed(t, page)).Get("code")).tokens(t); got.Scope != "mcp:tools" {
						t.Errorf("%s: the scope is %q", query, got.Scope)
					}
				}
			},
		},
		{
			id: "Q28", holds: "an empty scope and scopes that were not registered are no fault",
			play: func(t *testing.T, w *world) {
				a := w.register(t, metadata{"scope": "mcp:tools"})
				b := w.browser(t)
				for _, scope := range []string{"", "offline_access", "openid email profile", "mcp:tools offline_access"} {
					page := b.get(t, a.ask("scope", "")+"&scope="+url.QueryEscape(scope))
					got := a.redeem(t, b.answered(t, a, b.allowed(t, page)).Get("code")).tokens(t)
					if !scopesOf(got.Scope)["mcp:tools"] || scopesOf(got.Scope)["openid"] {
						t.Errorf("scope %q comes to %q", scope, got.Scope)
					}
					w.alive(t, "scope "+scope, got.Access)
				}
			},
		},
		{
			id: "Q34", holds: "a request without a state is answered, and without one",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				said := b.answered(t, a, b.allowed(t, b.asked(t, a, "state", "")))
				if said.Has("state") {
					t.Errorf("a state was made up: %v", said)
				}
				a.redeem(t, said.Get("code")).tokens(t)
			},
		},
		{
			id: "Q43", holds: "flows that run side by side, of one client in one browser, each come to their own end",
			play: sideBySide,
		},
		{
			id: "Q48", holds: "iss is sent and advertised unless somebody switches it off, and then neither",
			in: local, play: issSwitchedOff,
		},
		{
			id: "Q52", holds: "an error that a client is told carries its state; a redirect URI that does not match is a page",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.signIn(t)
				for _, params := range badRequests() {
					said := b.get(t, a.ask(params...)).answerTo(t, strings.Join(params, " "), a)
					if !slices.Equal(said["state"], []string{"state-of-the-app"}) || said.Get("error") == "" {
						t.Errorf("%q: the client is told %v", params, said)
					}
				}
				b.get(t, a.ask("redirect_uri", usualRedirect+"/")).page(t, "another path", 400)
			},
		},
		{
			id: "S11", holds: "no challenge, plain, no method and an unknown method are invalid_request",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.signIn(t)
				for _, params := range [][]string{
					{"code_challenge", "", "code_challenge_method", ""}, {"code_challenge", ""}, {"code_challenge_method", "plain"},
					{"code_challenge_method", ""}, {"code_challenge_method", "s256"}, {"code_challenge_method", "S512"},
				} {
					b.get(t, a.ask(params...)).errorTo(t, strings.Join(params, " "), a, "invalid_request")
				}
			},
			breaks: []edit{{"policies/oauth/authorize.go", `if query.get("code_challenge_method") != "S256" {`,
				`if m := query.get("code_challenge_method"); m != "S256" && m != "" {`}},
		},
		{
			id: "S12", holds: "a code without its verifier is refused, and none comes without a challenge",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				code := b.code(t, a)
				a.redeem(t, code, "code_verifier", "").refused(t, "no verifier", 400, "invalid_grant")
				b.get(t, a.ask("code_challenge", "", "code_challenge_method", "")).errorTo(t, "no challenge", a, "invalid_request")
				a.redeem(t, code).tokens(t)
			},
			breaks: []edit{{"policies/oauth/code.go", `!verifies(form.get("code_verifier"), asked.Challenge):`,
				`form.get("code_verifier") != "" && !verifies(form.get("code_verifier"), asked.Challenge):`}},
		},
		{
			id: "S13", holds: "every other response type is unsupported_response_type",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.signIn(t)
				for _, other := range []string{"token", "id_token", "code token", "token code", "code id_token", "none", "CODE", "code code"} {
					b.get(t, a.ask("response_type", other)).errorTo(t, other, a, "unsupported_response_type")
				}
			},
			breaks: []edit{{"policies/oauth/authorize.go", `case responseType != "code":`,
				`case responseType == "token":`}},
		},
		{
			id: "S14", holds: "a parameter that comes twice is invalid_request; of resources one at most is taken",
			play: duplicates,
			breaks: []edit{{"policies/oauth/params.go", `if len(given) > 1 && name != "resource" {`,
				`if len(given) > 1 && name == "client_id" {`}},
		},
	}
}

func challenges(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	b.signIn(t)
	good := s256(a.verifier)
	for _, challenge := range []string{
		"", "short", good[:42], good + "A", good + "=", strings.Repeat("+", 43), strings.Repeat(" ", 43), good[:42] + "/", strings.Repeat("é", 43),
		a.verifier + good,
	} {
		b.get(t, a.ask("code_challenge", challenge)).errorTo(t, "challenge "+challenge, a, "invalid_request")
	}
	for _, method := range []string{"", "plain", "s256", "none", "S256 plain"} {
		b.get(t, a.ask("code_challenge_method", method)).errorTo(t, "method "+method, a, "invalid_request")
	}
	secret := w.register(t, metadata{"token_endpoint_auth_method": "client_secret_basic"})
	b.get(t, secret.ask("code_challenge", "", "code_challenge_method", "")).errorTo(t, "a client with a secret", secret, "invalid_request")
	b.asked(t, a)
}

func boundCodes(t *testing.T, w *world) {
	a, other, b := w.app(t), w.app(t), w.browser(t)
	code := b.code(t, a)
	stolen := *other
	stolen.verifier = a.verifier
	stolen.redeem(t, code).refused(t, "another client", 400, "invalid_grant")
	a.redeem(t, code, "code_verifier", oauth2.GenerateVerifier()).refused(t, "another verifier", 400, "invalid_grant")
	a.redeem(t, code, "redirect_uri", "https://app.example/other").refused(t, "another redirect URI", 400, "invalid_grant")
	a.redeem(t, code, "resource", w.origin+"/mcp/two").refused(t, "another resource", 400, "invalid_target")
	a.redeem(t, code).tokens(t)
	a.redeem(t, code).refused(t, "the second time", 400, "invalid_grant")

	code = b.code(t, a)
	w.forward(30 * time.Second)
	a.redeem(t, code).tokens(t)
	code = b.code(t, a)
	w.forward(10 * time.Minute)
	a.redeem(t, code).refused(t, "after ten minutes", 400, "invalid_grant")
}

func sideBySide(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	var flows []*app
	var pages []*answer
	for i := range 3 {
		flow := *a
		flow.verifier = oauth2.GenerateVerifier()
		flows = append(flows, &flow)
		pages = append(pages, b.asked(t, &flow, "state", string(rune('a'+i))))
	}
	codes := make([]string, len(flows))
	for i, page := range slices.Backward(pages) {
		said := b.answered(t, a, b.allowed(t, page))
		if said.Get("state") != string(rune('a'+i)) {
			t.Errorf("flow %d is answered with the state of another: %v", i, said)
		}
		codes[i] = said.Get("code")
	}
	var got []tokens
	for i, flow := range flows {
		flows[(i+1)%3].redeem(t, codes[i]).refused(t, "by another flow's verifier", 400, "invalid_grant")
		got = append(got, flow.redeem(t, codes[i]).tokens(t))
	}
	for i, flow := range flows {
		w.alive(t, "each flow's token", got[i].Access)
		flow.refresh(t, got[i].Refresh).tokens(t)
	}
}

func issSwitchedOff(t *testing.T, w *world) {
	off := w.at(t, "closed")
	for _, place := range []string{serverDocument + "/closed", openidDocument + "/closed"} {
		if got, has := off.get(t, place).object(t, 200)["authorization_response_iss_parameter_supported"]; has {
			t.Errorf("%s says %v", place, got)
		}
	}
	a, b := off.app(t), off.browser(t)
	for what, said := range map[string]url.Values{
		"a code": b.answered(t, a, b.allowed(t, b.asked(t, a))), "declined": b.press(t, b.asked(t, a), "deny").answerTo(t, "declined", a),
		"an error": b.get(t, a.ask("response_type", "token")).answerTo(t, "an error", a),
	} {
		if said.Has("iss") || said.Get("state") == "" {
			t.Errorf("switched off, %s: %v", what, said)
		}
	}
	on := w.app(t)
	b = w.browser(t)
	if said := b.answered(t, on, b.allowed(t, b.asked(t, on))); said.Get("iss") != w.issuer() {
		t.Errorf("on: %v", said)
	}
}

func duplicates(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	b.signIn(t)
	for _, name := range []string{
		"client_id", "redirect_uri", "state", "scope", "response_type", "code_challenge", "code_challenge_method", "prompt",
	} {
		got := b.get(t, a.ask("prompt", "consent")+"&"+name+"=other")
		got.page(t, name+" twice", 400)
		if !strings.Contains(got.text(), "more than once") {
			t.Errorf("%s twice: %s", name, got.text())
		}
	}
	b.get(t, a.ask()+"&resource="+url.QueryEscape(w.origin+"/mcp/other")).errorTo(t, "two resources", a, "invalid_target")
	b.get(t, a.ask()+"&resource="+url.QueryEscape(w.resource())).errorTo(t, "one resource twice", a, "invalid_target")
	code := b.code(t, a)
	for _, name := range []string{"grant_type", "code", "code_verifier", "client_id", "redirect_uri", "scope"} {
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.verifier},
			"redirect_uri": {a.redirect}, "client_id": {a.id}, "scope": {"mcp:tools"}}
		form.Add(name, form.Get(name))
		a.post(t, "/oauth/token", form).refused(t, name+" twice", 400, "invalid_request")
	}
	a.redeem(t, code).tokens(t)
}
