package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func redirectRows() []row {
	return []row{
		{
			id: "A28", holds: "a redirect URI is absolute, has no fragment, and is compared byte for byte; its own query stays",
			play: exactRedirects,
		},
		{
			id: "A29", holds: "any port of a loopback address will do, localhost included, and nothing else of it",
			play: loopbackPorts,
			breaks: []edit{{"policies/oauth/internal/redirecturi/match.go", `return isLoopback && known == bare`,
				`return isLoopback && known != ""`}},
		},
		{
			id: "A30", holds: "a redirect URI is https, loopback http, or one of the few of known vendors, to the letter",
			play: allowlist,
		},
		{
			id: "A31", holds: "while client or redirect URI are in doubt the person sees a page and is sent nowhere",
			play: doubtIsAPage,
		},
		{
			id: "A32", holds: "nobody is redirected for a stranger's link: errors go to the client only from a signed-in browser, or when the person presses a button of ours",
			play: noOpenRedirector,
		},
		{
			id: "A33", holds: "after a form the browser is sent on by 303, which sends no form along",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				got := b.press(t, b.asked(t, a), "allow")
				if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), w.provider.URL) {
					t.Errorf("to the provider: %s", got)
				}
				b.answered(t, a, b.get(t, w.provider.signIn(t, got.to(), b.who)))
				b.answered(t, a, b.press(t, b.asked(t, a), "allow"))
			},
		},
		{
			id: "A34", holds: "a client with several redirect URIs says which, one with a single one need not",
			play: oneRedirectIsEnough,
		},
		{
			id: "Q14", holds: "the callback of Claude registers, at either of its hosts, and is answered",
			play: func(t *testing.T, w *world) {
				const callback = "https://claude.ai/api/mcp/auth_callback"
				for _, redirect := range []string{callback, "https://claude.com/api/mcp/auth_callback"} {
					w.browser(t).tokens(t, w.app(t, redirect))
				}
				w.browser(t).get(t, w.app(t, callback).ask("redirect_uri", "https://claude.com/api/mcp/auth_callback")).
					page(t, "the other host unasked", 400)
			},
		},
		{
			id: "Q27", holds: "both redirect URIs of ChatGPT register and are answered",
			play: func(t *testing.T, w *world) {
				for _, redirect := range []string{
					"https://chatgpt.com/connector_platform_oauth_redirect", "https://chatgpt.com/connector/oauth/abc123",
				} {
					w.browser(t).tokens(t, w.app(t, redirect))
				}
			},
		},
		{
			id: "Q32", holds: "Cursor registers its three redirect URIs at once and is answered at each",
			play: func(t *testing.T, w *world) {
				all := []string{
					"cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
					"http://localhost:8787/callback",
				}
				a := w.app(t, all...)
				for _, redirect := range all {
					use := *a
					use.redirect = redirect
					b := w.browser(t)
					b.tokens(t, &use)
					got := b.get(t, use.ask("code_challenge", "", "code_challenge_method", ""))
					got.errorTo(t, "without PKCE", &use, "invalid_request")
				}
			},
		},
		{
			id: "Q37", holds: "VS Code's redirect URIs register, and the loopback ones match whatever port is free, path / included",
			play: func(t *testing.T, w *world) {
				all := []string{
					"https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", "http://127.0.0.1/",
					"http://127.0.0.1:33418/",
				}
				a := w.app(t, all...)
				for _, redirect := range append(all, "http://127.0.0.1:49152/", "http://127.0.0.1:1/") {
					use := *a
					use.redirect = redirect
					w.browser(t).tokens(t, &use)
				}
				w.browser(t).get(t, a.ask("redirect_uri", "http://127.0.0.1:33418")).page(t, "without the slash", 400)
			},
		},
		{
			id: "Q40", holds: "MCP Inspector's callback registers and is answered at any port that it runs on",
			play: func(t *testing.T, w *world) {
				loopbackClient(t, w, "http://localhost:6274/oauth/callback", "http://localhost:6280/oauth/callback")
			},
		},
		{
			id: "Q41", holds: "mcp-remote registers with one port and asks with another after a restart, on localhost",
			play: func(t *testing.T, w *world) {
				loopbackClient(t, w, "http://localhost:3334/oauth/callback", "http://localhost:19876/oauth/callback")
			},
		},
		{
			id: "Q53", holds: "a client that registered one redirect URI and uses another is refused on a page",
			play: func(t *testing.T, w *world) {
				a := w.app(t, "https://n8n.example/rest/oauth2-credential/callback")
				w.browser(t).get(t, a.ask("redirect_uri", "https://n8n.example/rest/oauth1-credential/callback")).page(t, "another", 400)
			},
		},
		{
			id: "S1", holds: "a redirect URI that a client has not registered is a page and no Location, also for who is signed in",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.get(t, a.ask("redirect_uri", "https://evil.example/cb")).page(t, "unregistered", 400)
				b.signIn(t)
				b.get(t, a.ask("redirect_uri", "https://evil.example/cb")).page(t, "unregistered, signed in", 400)
			},
			breaks: []edit{{"policies/oauth/authorize.go", `if !redirecturi.Match(found.Redirects, redirect) {`,
				`if redirect == "" {`}},
		},
		{
			id: "S2", holds: "a client that nobody registered is a page and no Location, whatever it asks for",
			play: func(t *testing.T, w *world) {
				b, a := w.browser(t), w.app(t)
				b.signIn(t)
				for _, id := range []string{"dw-NOBODY", "", strings.ToLower(a.id), a.id + " ", "*", "../" + a.id} {
					got := b.get(t, a.ask("client_id", id, "redirect_uri", "https://evil.example/cb"))
					got.page(t, "client "+id, 400)
					if strings.Contains(got.body, "evil.example") {
						t.Errorf("client %q: the page leads to where it wants", id)
					}
				}
			},
		},
		{
			id: "S3", holds: "nothing that resembles a registered redirect URI is taken for it", play: variants,
			breaks: []edit{{"policies/oauth/internal/redirecturi/match.go", `if slices.Contains(registered, given) {`,
				`if slices.ContainsFunc(registered, func(uri string) bool { return strings.HasPrefix(given, uri) }) {`}},
		},
		{
			id: "S6", holds: "a loopback redirect URI is taken at any port, at each of the three names", play: func(t *testing.T, w *world) {
				for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
					loopbackClient(t, w, "http://"+host+"/cb", "http://"+host+":1/cb", "http://"+host+":65535/cb")
					loopbackClient(t, w, "http://"+host+":8080/cb", "http://"+host+"/cb", "http://"+host+":9/cb")
				}
			},
		},
		{
			id: "S7", holds: "what only looks like a loopback address is none, and one loopback name is not another", play: notLoopback,
		},
		{
			id: "S8", holds: "a stranger's client with a bad request redirects nobody who has not signed in",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t, "https://evil.example/cb"), w.browser(t)
				for _, params := range badRequests() {
					b.get(t, a.ask(params...)).page(t, strings.Join(params, " "), 400)
				}
				b.signIn(t)
				for _, params := range badRequests() {
					if got := b.get(t, a.ask(params...)); got.status != http.StatusSeeOther {
						t.Errorf("%q, signed in: %s", params, got)
					}
				}
			},
			breaks: []edit{{"policies/oauth/authorize.go", `if who == nil || len(asked.State) > maxState {`,
				`if len(asked.State) > maxState {`}},
		},
		{
			id: "S9", holds: "a client is told that the person declined only by the person's press on our page, with state and iss once",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t, "https://unknown.example/cb?own=1"), w.browser(t)
				page := b.asked(t, a)
				if page.to() != nil || page.header.Get("Refresh") != "" || strings.Contains(page.body, `href="https://unknown.example`) {
					t.Errorf("the page leads to the client by itself: %s", page)
				}
				said := b.press(t, page, "deny").errorTo(t, "declined", a, "access_denied")
				for name, want := range map[string]string{"state": "state-of-the-app", "iss": w.issuer(), "own": "1"} {
					if !slices.Equal(said[name], []string{want}) {
						t.Errorf("%s is %q, want %q", name, said[name], want)
					}
				}
			},
		},
		{
			id: "S10", holds: "every answer to a form that leads somewhere is 303 and never 307 or 308", play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				b.signIn(t)
				for _, button := range []string{"allow", "deny", "switch"} {
					if got := b.press(t, b.asked(t, a), button); got.status != http.StatusSeeOther || got.body != "" {
						t.Errorf("%s: %s", button, got)
					}
				}
			},
		},
	}
}

// loopbackClient registers one redirect URI and is answered at others.
func loopbackClient(t *testing.T, w *world, registered string, used ...string) {
	t.Helper()
	a, b := w.app(t, registered), w.browser(t)
	for _, redirect := range append(used, registered) {
		use := *a
		use.redirect = redirect
		b.tokens(t, &use)
	}
}

func exactRedirects(t *testing.T, w *world) {
	const registered = "https://app.example/cb?keep=%7Eone&two=2"
	a, b := w.app(t, registered), w.browser(t)
	said := b.answered(t, a, b.allowed(t, b.asked(t, a)))
	got := b.press(t, b.asked(t, a), "deny")
	if !strings.HasPrefix(got.header.Get("Location"), registered+"&error=") || said.Get("keep") != "~one" || said.Get("two") != "2" {
		t.Errorf("its own query is gone: %v, %s", said, got.header.Get("Location"))
	}
	for _, other := range []string{
		"https://app.example/cb", "https://app.example/cb?keep=~one&two=2", "https://app.example/cb?two=2&keep=%7Eone",
		"https://app.example/cb?keep=%7eone&two=2", registered + "&", registered + "#", "https://app.example:443/cb?keep=%7Eone&two=2",
	} {
		b.get(t, a.ask("redirect_uri", other)).page(t, other, 400)
	}
	for _, bad := range []string{"https://app.example/cb#top", "/cb", "//app.example/cb", "app.example/cb", "https:/cb", "https://"} {
		w.registration(t, metadata{"redirect_uris": []string{bad}}).refused(t, bad, 400, "invalid_redirect_uri")
	}
}

func loopbackPorts(t *testing.T, w *world) {
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		a, b := w.app(t, "http://"+host+":4000/cb?x=1"), w.browser(t)
		for _, good := range []string{":4000", ":5000", ""} {
			use := *a
			use.redirect = "http://" + host + good + "/cb?x=1"
			b.tokens(t, &use)
		}
		for _, bad := range []string{
			"http://" + host + ":5000/cb", "http://" + host + ":5000/cb?x=2", "http://" + host + ":5000/other?x=1",
			"https://" + host + ":4000/cb?x=1", "http://" + host + ":0/cb?x=1", "http://" + host + ":65536/cb?x=1",
			"http://" + host + ":/cb?x=1", "http://" + host + ":+1/cb?x=1", "http://" + strings.ToUpper(host) + "x:1/cb?x=1",
		} {
			b.get(t, a.ask("redirect_uri", bad)).page(t, bad, 400)
		}
	}
}

func allowlist(t *testing.T, w *world) {
	for _, good := range []string{
		"https://app.example/cb", "http://localhost/cb", "http://127.0.0.1:1/cb", "cursor://anysphere.cursor-mcp/oauth/callback",
	} {
		w.registration(t, metadata{"redirect_uris": []string{good}}).object(t, 201)
	}
	for _, bad := range []string{
		"http://app.example/cb", "cursor://anysphere.cursor-mcp/oauth/callback/", "cursor://anysphere.cursor-mcp/oauth/callback?x=1",
		"Cursor://anysphere.cursor-mcp/oauth/callback", "cursor://evil/oauth/callback", "com.example.app:/cb", "myapp://cb", "vscode://x/cb",
		"http://192.168.0.1/cb", "ws://localhost/cb", "ftp://app.example/cb",
	} {
		w.registration(t, metadata{"redirect_uris": []string{bad}}).refused(t, bad, 400, "invalid_redirect_uri")
		w.registration(t, metadata{"redirect_uris": []string{"https://app.example/cb", bad}}).refused(t, "beside a good one, "+bad, 400, "invalid_redirect_uri")
	}
}

func doubtIsAPage(t *testing.T, w *world) {
	a, b := w.app(t, "https://app.example/one", "https://app.example/two"), w.browser(t)
	for _, signedIn := range []bool{false, true} {
		if signedIn {
			b.signIn(t)
		}
		for what, params := range map[string][]string{
			"no client": {"client_id", ""}, "an unknown client": {"client_id", "dw-NOBODY"}, "no redirect URI": {"redirect_uri", ""},
			"another redirect URI": {"redirect_uri", "https://evil.example/"}, "a relative one": {"redirect_uri", "/one"},
		} {
			// Whatever else is wrong with it: this comes first.
			b.get(t, a.ask(params...)).page(t, what, 400)
			b.get(t, a.ask(append([]string{"response_type", "token", "prompt", "none"}, params...)...)).page(t, what+", and more", 400)
		}
		for _, twice := range []string{"client_id=" + a.id, "redirect_uri=" + url.QueryEscape(a.redirect)} {
			b.get(t, a.ask()+"&"+twice).page(t, twice+" twice", 400)
		}
	}
}

// badRequests are changes of an authorization request that make it one that cannot be.
func badRequests() [][]string {
	return [][]string{
		{"response_type", "token"}, {"prompt", "none"}, {"code_challenge", ""}, {"resource", "https://evil.example/"},
		{"code_challenge_method", "plain"}, {"response_mode", "fragment"}, {"response_type", ""},
	}
}

func noOpenRedirector(t *testing.T, w *world) {
	a, b := w.app(t, "https://evil.example/landing"), w.browser(t)
	for _, params := range badRequests() {
		b.get(t, a.ask(params...)).page(t, strings.Join(params, " "), 400)
	}
	page := b.get(t, a.ask("scope", "no such scope"))
	page.page(t, "unknown scopes", 200)
	page.form(t, "allow")
	b.press(t, page, "deny").errorTo(t, "declined by a press on our page", a, "access_denied")
	b.signIn(t)
	b.get(t, a.ask("prompt", "none")).errorTo(t, "prompt=none, signed in", a, "interaction_required")
	b.get(t, a.ask("response_type", "token")).errorTo(t, "response_type, signed in", a, "unsupported_response_type")
	b.get(t, a.ask("resource", "https://evil.example/")).errorTo(t, "resource, signed in", a, "invalid_target")
}

func oneRedirectIsEnough(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	said := b.answered(t, a, b.allowed(t, b.asked(t, a, "redirect_uri", "")))
	a.redeem(t, said.Get("code"), "redirect_uri", "").tokens(t)
	code := b.code(t, a, "redirect_uri", "")
	a.redeem(t, code).tokens(t) // saying it then does no harm
	several := w.app(t, "https://app.example/one", "https://app.example/two")
	b.get(t, several.ask("redirect_uri", "")).page(t, "of several none", 400)
	for _, redirect := range []string{"https://app.example/one", "https://app.example/two"} {
		use := *several
		use.redirect = redirect
		b.tokens(t, &use)
	}
}

func variants(t *testing.T, w *world) {
	const registered = "https://good.example/app/cb"
	a, b := w.app(t, registered), w.browser(t)
	b.signIn(t)
	for _, other := range []string{
		registered + "/extra", registered + "/../evil", "https://good.example/app/../app/cb", "https://good.example/app/..;/cb",
		registered + "?next=https://evil.example", registered + "?", "https://good.example/app/CB", "https://GOOD.example/app/cb",
		"HTTPS://good.example/app/cb", registered + "/", "https://good.example/app/%2e/cb", "https://good.example/app/%63b",
		"https://good.example@evil.example/app/cb", "https://user:pw@good.example/app/cb", registered + "#", registered + "#x",
		`https://good.example\@evil.example/app/cb`, `https://good.example\app\cb`, "https://good.example.evil.example/app/cb",
		"https://good.example:443/app/cb", "https://good.example:8443/app/cb", "http://good.example/app/cb", "//good.example/app/cb",
		"https://good.example./app/cb", "https://good.example//app/cb", " " + registered, registered + " ", registered + "\t",
		registered + "%20", registered + "\r\nX: y", registered + "\x00", "https://xn--good.example/app/cb", "https://good.exаmple/app/cb",
		"javascript:alert(1)", "https://good.example/app/cb,https://evil.example/", "https://evil.example/?" + registered,
	} {
		b.get(t, a.ask("redirect_uri", other)).page(t, other, 400)
	}
	b.answered(t, a, b.allowed(t, b.asked(t, a)))
}

func notLoopback(t *testing.T, w *world) {
	a, b := w.app(t, "http://127.0.0.1/cb", "http://localhost/cb"), w.browser(t)
	only := w.app(t, "http://127.0.0.1/cb")
	for _, other := range []string{
		"http://127.0.0.1.evil.com/cb", "http://localhost.evil.com/cb", "http://2130706433/cb", "http://0x7f000001/cb",
		"http://0177.0.0.1/cb", "http://127.1/cb", "http://127.0.0.2/cb", "https://127.0.0.1/cb", "https://localhost/cb",
		"http://127.0.0.1/other", "http://127.0.0.1/cb/", "http://127.0.0.1:80@evil.com/cb", "http://localhost:80@evil.com/cb",
		"http://localhost./cb", "http://LOCALHOST/cb", "http://[::1]/cb", "http://[::ffff:127.0.0.1]/cb", "http://0.0.0.0/cb",
		"http://127.0.0.1:80:80/cb", "http://127.0.0.1:8o/cb", "http://127.0.0.1#@evil.com/cb", `http://127.0.0.1\.evil.com/cb`,
		"http://127.0.0.1%2eevil.com/cb", "http://localhost%00.evil.com/cb",
	} {
		b.get(t, a.ask("redirect_uri", other)).page(t, other, 400)
	}
	b.get(t, only.ask("redirect_uri", "http://localhost/cb")).page(t, "another name of this machine", 400)
	for _, bad := range []string{"http://127.0.0.1.evil.com/cb", "http://localhost.evil.com/cb", "http://2130706433/cb", "http://0.0.0.0/cb"} {
		w.registration(t, metadata{"redirect_uris": []string{bad}}).refused(t, bad, 400, "invalid_redirect_uri")
	}
}
