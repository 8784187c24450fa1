package page

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestA20_A43_S16_S46_HostileClients(t *testing.T) {
	p := load(t, Branding{})
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
				"know <strong><bdi>evil.example</bdi></strong>", "Nobody has checked this app",
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
			view := asking(test.name, test.redirect)
			page := sent(t, func(w http.ResponseWriter) error { return p.Consent(w, view) }).Body.String()
			for _, part := range test.shown {
				if !strings.Contains(page, part) {
					t.Errorf("the page does not show %q", part)
				}
			}
			for _, part := range test.hidden {
				if strings.Contains(page, part) {
					t.Errorf("the page shows %q", part)
				}
			}
		})
	}
}

func TestA38_S15_Headers(t *testing.T) {
	const idp = "'self' https:"
	forms := map[string]string{
		"consent": idp, "consent, known": idp, "consent, http": idp + " http://127.0.0.1:1", "denied": idp,
		"denied, its grants": idp, "sign-in": idp, "grants": "'self'", "grants, none": "'self'", "bad request": "'none'",
		"unknown app": "'none'", "signed out": "'none'",
	}
	// Clients on the web open an authorization in a window of its own, and are cut off from it by this header.
	isolated := map[string]string{
		"sign-in": "same-origin", "grants": "same-origin", "grants, none": "same-origin", "signed out": "same-origin",
	}
	for name, page := range everyPage(t, Branding{}) {
		_, rest, _ := strings.Cut(page.Body.String(), "<style>")
		style, _, _ := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		for header, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
				"'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action " + forms[name],
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"Content-Type": "text/html; charset=utf-8", "Cross-Origin-Opener-Policy": isolated[name],
		} {
			if got := page.Header().Get(header); got != want {
				t.Errorf("%s page: %s is %q, want %q", name, header, got, want)
			}
		}
	}
}

// Chromium holds the redirects after a form to the page's form-action.
func TestConsentFormLeadsWhereTheRequestMayEnd(t *testing.T) {
	p := load(t, Branding{})
	for redirect, want := range map[string]string{
		"https://a.example/cb":                         "'self' https:",
		"http://127.0.0.1:1/cb":                        "'self' https: http://127.0.0.1:1",
		"http://[::1]:1/cb":                            "'self' https: http:",
		"cursor://anysphere.cursor-mcp/oauth/callback": "'self' https: cursor:",
	} {
		view := asking("A", redirect)
		page := sent(t, func(w http.ResponseWriter) error { return p.Consent(w, view) })
		_, got, _ := strings.Cut(page.Header().Get("Content-Security-Policy"), "form-action ")
		if got != want {
			t.Errorf("%s: form-action %q, want %q", redirect, got, want)
		}
	}
}

// What assistive technology and every browser without a script need, on each page.
func TestPagesAreWellMade(t *testing.T) {
	active := regexp.MustCompile(`(?i)<(script|iframe|object|embed|base)\b|\son[a-z]+=|\sstyle=|javascript:`)
	titles := map[string]string{}
	for name, page := range everyPage(t, Branding{}) {
		body := page.Body.String()
		for _, part := range []string{
			`<html lang="en">`, "<h1>", "</h1>", "<main>", "</main>", "<header>", "<title>", ` · MCP gateway</title>`,
			`<meta name="viewport" content="width=device-width, initial-scale=1">`, "<link ", `<link rel="icon" href="data:,">`,
		} {
			if strings.Count(body, part) != 1 {
				t.Errorf("%s page: %q is there %d times", name, part, strings.Count(body, part))
			}
		}
		if found := active.FindString(body); found != "" {
			t.Errorf("%s page: holds %q", name, found)
		}
		for _, button := range regexp.MustCompile(`<button[^>]*>`).FindAllString(body, -1) {
			if !strings.Contains(button, `name="answer" value="`) {
				t.Errorf("%s page: button %q", name, button)
			}
		}
		_, rest, _ := strings.Cut(body, "<title>")
		title, _, _ := strings.Cut(rest, "</title>")
		state, _, _ := strings.Cut(name, ",")
		if other, taken := titles[title]; taken && other != state {
			t.Errorf("the pages %s and %s have the same title %q", state, other, title)
		}
		titles[title] = state
		for _, form := range regexp.MustCompile(`<form[^>]*>`).FindAllString(body, -1) {
			if !regexp.MustCompile(`method="post" action="(consent|grants)"`).MatchString(form) {
				t.Errorf("%s page: form %q", name, form)
			}
		}
	}
}

func TestSignedOutPageSaysWhereOneMayStillBeSignedIn(t *testing.T) {
	if page := sent(t, load(t, Branding{}).SignedOut).Body.String(); !strings.Contains(page, "<strong><bdi>idp.example</bdi></strong>") {
		t.Errorf("page: %s", page)
	}
}

func TestPagesShowWhoseTheyAre(t *testing.T) {
	const image = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
	for logo, source := range map[string]string{
		"https://example.com/l,o;g'o.svg": "https://example.com/l%2Co%3Bg%27o.svg", image: "data:",
	} {
		for name, page := range everyPage(t, Branding{Name: `Acme & "Sons" <b>`, Logo: logo}) {
			body := page.Body.String()
			if !strings.Contains(body, "<span>Acme &amp; &#34;Sons&#34; &lt;b&gt;</span>") ||
				!strings.Contains(body, ` · Acme &amp; &#34;Sons&#34; &lt;b&gt;</title>`) {
				t.Errorf("%s page: no name: %s", name, body)
			}
			if !strings.Contains(page.Header().Get("Content-Security-Policy"), "; img-src "+source+"; ") {
				t.Errorf("%s page: policy %q", name, page.Header().Get("Content-Security-Policy"))
			}
			shown := regexp.MustCompile(`<img src="([^"]+)" alt="">`).FindStringSubmatch(body)
			if shown == nil {
				t.Fatalf("%s page: no logo: %s", name, body)
			}
			if got, _ := url.PathUnescape(strings.ReplaceAll(shown[1], "&#43;", "+")); got != logo {
				t.Errorf("%s page: logo %q", name, got)
			}
		}
	}
}

// A page that cannot be made leaves nothing behind: its caller may still answer.
func TestAPageIsMadeBeforeItIsSent(t *testing.T) {
	p := load(t, Branding{})
	delete(p.texts.Words, "sign-in.text")
	w := httptest.NewRecorder()
	if err := p.SignIn(w); err == nil || errors.Unwrap(err) == nil || w.Body.Len() > 0 || w.Header().Get("Content-Type") != "" {
		t.Errorf("error %v, header %v, body %q", err, w.Header(), w.Body)
	}
}
