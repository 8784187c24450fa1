package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// consentPage registers a client and shows the consent page of it.
func (w *world) consentPage(name, redirect string) answer {
	w.Helper()
	body, _ := json.Marshal(map[string]any{"client_name": name, "redirect_uris": []string{redirect}})
	client := w.register(string(body)).json(w.T)["client_id"].(string)
	return w.authorize(ask(client, "redirect_uri", redirect))
}

// everyPage answers each page that there is, as alice and bob see them of whom only alice may come in.
func everyPage(t *testing.T, options string) map[string]answer {
	t.Helper()
	w := newWorldWith(t, `{"clientId":"c","access":{"emails":["alice@example.com"]}`+options+`}`)
	client := w.client()
	pages := map[string]answer{
		"consent":       w.authorize(ask(client)),
		"consent, http": w.consentPage("CLI", "http://127.0.0.1:1/cb"),
		"denied":        w.callback(w.atProvider(client), "bob"),
		"sign-in":       w.get("/oauth/grants"),
		"signed out":    w.get("/oauth/signed-out"),
		"bad request":   w.authorize(ask(client, "code_challenge_method", "plain")),
		"unknown app":   w.authorize(ask("nobody")),
	}
	w.tokensOf(client, w.post("/oauth/token", redemption(client, w.code(client, "alice"))))
	pages["consent, signed in"] = w.authorize(ask(client))
	pages["grants"] = w.get("/oauth/grants")
	return pages
}

func TestA20_A43_S16_S46_ConsentPage(t *testing.T) {
	w := newWorld(t)
	tests := map[string]struct {
		name, redirect string
		shown, hidden  []string
	}{
		"hostile": {
			`<script>alert(1)</script>"'`, "https://evil.example/cb",
			[]string{"&lt;script&gt;"}, []string{"<script"},
		},
		"long": {
			strings.Repeat("x", 10_000), "https://evil.example/cb",
			[]string{strings.Repeat("x", 60) + "…", "<code>evil.example</code>"}, []string{strings.Repeat("x", 61)},
		},
		"turned": {
			"gpj\u202e\u0000\u200b.exe\n", "https://evil.example/cb",
			[]string{"gpj.exe"}, []string{"\u202e", "\u200b", "\u0000"},
		},
		"a known name": {
			"Claude", "https://evil.example/cb",
			[]string{
				"<bdi>Claude</bdi>", "<code>evil.example</code>", "<code>https://evil.example/cb</code>",
				"know <strong><bdi>evil.example</bdi></strong>", "<code>" + origin + "/mcp/demo</code>",
				"Nobody has checked this app", "see the tools of /mcp/demo",
			},
			[]string{"on your device"},
		},
		"a host in capitals, which looks like another": {
			"Claude", "https://cIaude.ai/cb", []string{"<code>ciaude.ai</code>"}, nil,
		},
		"a host in punycode": {
			"Claude", "https://xn--clude-5qa.ai:8443/cb", []string{"<code>xn--clude-5qa.ai:8443</code>"}, []string{"cläude"},
		},
		"on loopback": {
			"CLI", "http://127.0.0.1:1/cb",
			[]string{"an app on this device", "This app runs on your device", "http://127.0.0.1:1/cb"},
			[]string{"Nobody has checked this app"},
		},
		"a vendor's scheme": {
			"Cursor", "cursor://anysphere.cursor-mcp/oauth/callback",
			[]string{"an app on this device", "This app runs on your device", "cursor://anysphere.cursor-mcp/oauth/callback"},
			[]string{"<code>anysphere.cursor-mcp</code>"},
		},
		"nameless":          {"", "https://a.example/cb", []string{"An app without a name", "<code>a.example</code>"}, nil},
		"a name of no ink":  {"\u3164\u2800\u115f\ufe0f ", "https://a.example/cb", []string{"An app without a name"}, nil},
		"an address of 2kB": {"A", "https://a.example/" + strings.Repeat("y", 2000), nil, []string{strings.Repeat("y", 161)}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			page := w.consentPage(test.name, test.redirect)
			if page.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", page.StatusCode, page.body)
			}
			for _, part := range test.shown {
				if !strings.Contains(page.body, part) {
					t.Errorf("the page does not show %q", part)
				}
			}
			for _, part := range test.hidden {
				if strings.Contains(page.body, part) {
					t.Errorf("the page shows %q", part)
				}
			}
		})
	}
}

func TestConsentPageSaysWhoIsSignedInAndWhatLasts(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	stranger := w.authorize(ask(client))
	if !strings.Contains(stranger.body, "You are not signed in") || strings.Contains(stranger.body, `value="switch"`) ||
		strings.Contains(stranger.body, `href="grants"`) || strings.Contains(stranger.body, "while you are away") {
		t.Error("without a session: the page offers what it cannot keep, or does not say that sign-in comes next")
	}
	w.code(client, "alice")
	known := w.authorize(ask(client, "scope", "offline_access"))
	for _, part := range []string{
		"<strong><bdi>alice@example.com</bdi></strong>", `value="switch"`, `<a href="grants">`, "while you are away",
	} {
		if !strings.Contains(known.body, part) {
			t.Errorf("with a session: the page does not show %q", part)
		}
	}
}

func TestA38_S15_PageHeaders(t *testing.T) {
	const idp = "'self' https:"
	forms := map[string]string{
		"consent": idp, "consent, signed in": idp, "consent, http": idp + " http://127.0.0.1:1", "denied": idp,
		"sign-in": idp, "grants": "'self'", "bad request": "'none'", "unknown app": "'none'", "signed out": "'none'",
	}
	// Clients on the web open an authorization in a window of its own, and are cut off from it by this header.
	isolated := map[string]string{"sign-in": "same-origin", "grants": "same-origin", "signed out": "same-origin"}
	for name, page := range everyPage(t, "") {
		_, rest, _ := strings.Cut(page.body, "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action " + forms[name],
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
			"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Opener-Policy": isolated[name],
		} {
			if got := page.Header.Get(header); got != want {
				t.Errorf("%s page: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

// Chromium holds the redirects after a form to the page's form-action.
func TestConsentFormLeadsWhereTheRequestMayEnd(t *testing.T) {
	w := newWorld(t)
	for redirect, want := range map[string]string{
		"https://a.example/cb":                         "'self' https:",
		"http://127.0.0.1:1/cb":                        "'self' https: http://127.0.0.1:1",
		"http://[::1]:1/cb":                            "'self' https: http:",
		"cursor://anysphere.cursor-mcp/oauth/callback": "'self' https: cursor:",
	} {
		_, got, _ := strings.Cut(w.consentPage("A", redirect).Header.Get("Content-Security-Policy"), "form-action ")
		if got != want {
			t.Errorf("%s: form-action %q, want %q", redirect, got, want)
		}
	}
}

// What assistive technology and every browser without a script need, on each page.
func TestPagesAreWellMade(t *testing.T) {
	active := regexp.MustCompile(`(?i)<(script|iframe|object|embed|base)\b|\son[a-z]+=|\sstyle=|javascript:`)
	titles := map[string]string{}
	for name, page := range everyPage(t, "") {
		for _, part := range []string{
			`<html lang="en">`, "<h1>", "</h1>", "<main>", "</main>", "<header>", "<title>", ` · MCP gateway</title>`,
			`<meta name="viewport" content="width=device-width, initial-scale=1">`, "<link ", `<link rel="icon" href="data:,">`,
		} {
			if strings.Count(page.body, part) != 1 {
				t.Errorf("%s page: %q is there %d times", name, part, strings.Count(page.body, part))
			}
		}
		if found := active.FindString(page.body); found != "" {
			t.Errorf("%s page: holds %q", name, found)
		}
		for _, button := range regexp.MustCompile(`<button[^>]*>`).FindAllString(page.body, -1) {
			if !strings.Contains(button, `name="answer" value="`) {
				t.Errorf("%s page: button %q", name, button)
			}
		}
		_, rest, _ := strings.Cut(page.body, "<title>")
		title, _, _ := strings.Cut(rest, "</title>")
		state, _, _ := strings.Cut(name, ",")
		if other, taken := titles[title]; taken && other != state {
			t.Errorf("the pages %s and %s have the same title %q", state, other, title)
		}
		titles[title] = state
		for _, form := range regexp.MustCompile(`<form[^>]*>`).FindAllString(page.body, -1) {
			if !regexp.MustCompile(`method="post" action="(consent|grants)"`).MatchString(form) {
				t.Errorf("%s page: form %q", name, form)
			}
		}
	}
}

func TestA40_GrantsPage(t *testing.T) {
	page := everyPage(t, "")["grants"]
	for _, part := range []string{
		"<bdi>An App</bdi>", "<code>app.example</code>", "<code>" + origin + "/mcp/demo</code>",
		`name="grant" value="`, `name="csrf" value="`, `value="revoke"`, `value="revoke-all"`, `value="sign-out"`,
		"<strong><bdi>alice@example.com</bdi></strong>", `the access of An App (app.example) to /mcp/demo`, "<time datetime=",
	} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page does not show %q: %s", part, page.body)
		}
	}
}

func TestDeniedPage(t *testing.T) {
	page := everyPage(t, "")["denied"]
	if page.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", page.StatusCode)
	}
	for _, part := range []string{
		"<strong><bdi>bob@example.com</bdi></strong>", "not among those that may come in",
		"<strong><bdi>An App</bdi></strong> (<strong><bdi>app.example</bdi></strong>)",
		`action="consent"`, `name="request" value="`, `name="csrf" value="`, `value="switch"`, `value="deny"`,
	} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page does not show %q: %s", part, page.body)
		}
	}
	if strings.Contains(page.body, "alice@example.com") {
		t.Error("the page tells a stranger who may come in")
	}
}

func TestSignedOutPageSaysWhereOneMayStillBeSignedIn(t *testing.T) {
	page := everyPage(t, "")["signed out"]
	if !strings.Contains(page.body, "<strong><bdi>idp.example</bdi></strong>") {
		t.Errorf("page: %s", page.body)
	}
}

func TestPagesShowWhoseTheyAre(t *testing.T) {
	const image = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
	for logo, source := range map[string]string{
		"https://example.com/l,o;g'o.svg": "https://example.com/l%2Co%3Bg%27o.svg", image: "data:",
	} {
		options, _ := json.Marshal(map[string]string{"name": `Acme & "Sons" <b>`, "logo": logo})
		for name, page := range everyPage(t, `,"pages":`+string(options)) {
			if !strings.Contains(page.body, "<span>Acme &amp; &#34;Sons&#34; &lt;b&gt;</span>") ||
				!strings.Contains(page.body, ` · Acme &amp; &#34;Sons&#34; &lt;b&gt;</title>`) {
				t.Errorf("%s page: no name: %s", name, page.body)
			}
			if !strings.Contains(page.Header.Get("Content-Security-Policy"), "; img-src "+source+"; ") {
				t.Errorf("%s page: policy %q", name, page.Header.Get("Content-Security-Policy"))
			}
			shown := regexp.MustCompile(`<img src="([^"]+)" alt="">`).FindStringSubmatch(page.body)
			if shown == nil {
				t.Fatalf("%s page: no logo: %s", name, page.body)
			}
			if got, _ := url.PathUnescape(strings.ReplaceAll(shown[1], "&#43;", "+")); got != logo {
				t.Errorf("%s page: logo %q", name, got)
			}
		}
	}
}
