package signin

import (
	"net/http"
	"strings"
	"testing"
)

const (
	pageFile    = "policies/oauth/internal/page/page.go"
	shownFile   = "policies/oauth/internal/page/shown.go"
	legibleFile = "policies/oauth/internal/legible/legible.go"
)

func pageRows() []row {
	return []row{
		{
			id: "A38", holds: "no page may be framed, and browsers that know X-Frame-Options alone are told so too",
			in: guarded, play: framed,
			breaks: []edit{{pageFile, `header.Set("X-Frame-Options", "DENY")`, ``}},
		},
		{
			id: "S15", holds: "every kind of page forbids frames, scripts, caches, sniffing and referrers",
			in: guarded, play: headersOfPages,
			breaks: []edit{{pageFile, `; frame-ancestors 'none'`, ``}},
		},
		{
			id:     "A43",
			holds:  "the consent page shows client, server, scopes and redirect URI, and its form carries a token of its own",
			play:   whatConsentShows,
			breaks: []edit{{shownFile, `, Answer: legible.Line(view.Redirect, maxURL), Document`, `, Document`}},
		},
		{
			id:    "S16",
			holds: "a client's name is shown escaped, cut, without characters that turn text around, and never without its host",
			play:  hostileNames,
			breaks: []edit{{
				legibleFile, `case !unicode.IsPrint(c), unicode.In(c, unicode.Other_Default_Ignorable_Code_Point,`,
				`case c == 0, unicode.In(c,`,
			}},
		},
	}
}

// everyPage opens one page of each kind, by its name.
func everyPage(t *testing.T, w *world) map[string]*answer {
	a := w.register(t, "Pages")
	b := w.browser(t)
	pages := map[string]*answer{
		"unknown client": b.get("/oauth/authorize?client_id=dw-nobody"),
		"bad redirect":   b.get(a.ask("redirect_uri", "https://elsewhere.example/")),
		"bad request":    b.get(a.ask("response_type", "token")),
		"incomplete":     b.get("/oauth/callback"),
		"stale login":    b.get("/oauth/callback?code=x&state=unknown"),
		"foreign form":   b.post("/oauth/consent", nil, "Sec-Fetch-Site", "cross-site"),
		"other page":     b.post("/oauth/consent", map[string][]string{"answer": {"allow"}}),
		"wrong method":   b.get("/oauth/consent"),
		"sign in":        b.get("/oauth/grants"),
		"consent":        b.asked(a),
	}
	back, _ := w.provider.signIn(t, b.approved(a), grace()) // whom no rule lets in
	pages["denied"] = b.get(back.String())
	b.signedIn(t, a, ada(), engineer)
	pages["consent to somebody known"] = b.asked(a)
	pages["grants"] = b.get("/oauth/grants")
	out := b.press(pages["grants"], "sign-out")
	pages["signed out"] = b.get(out.header.Get("Location"))
	return pages
}

func framed(t *testing.T, w *world) {
	for name, page := range everyPage(t, w) {
		if got := page.header.Values("X-Frame-Options"); len(got) != 1 || got[0] != "DENY" {
			t.Errorf("%s: X-Frame-Options %q", name, got)
		}
	}
}

func headersOfPages(t *testing.T, w *world) {
	for name, page := range everyPage(t, w) {
		if page.header.Get("Location") != "" || !strings.Contains(page.body, "<h1") {
			t.Errorf("%s: no page: %d %s", name, page.status, page.text())
		}
		for header, want := range map[string]string{
			"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff",
		} {
			if got := page.header.Values(header); len(got) != 1 || got[0] != want {
				t.Errorf("%s: %s is %q, want %q", name, header, got, want)
			}
		}
		policies := page.header.Values("Content-Security-Policy")
		if len(policies) != 1 {
			t.Errorf("%s: %d Content-Security-Policies", name, len(policies))
			continue
		}
		directives := map[string]string{}
		for directive := range strings.SplitSeq(policies[0], ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(directive), " ")
			directives[key] = value
		}
		for _, key := range []string{"default-src", "frame-ancestors", "base-uri"} {
			if directives[key] != "'none'" {
				t.Errorf("%s: %s is %q in %s", name, key, directives[key], policies[0])
			}
		}
		if directives["form-action"] == "" || directives["script-src"] != "" || strings.Contains(policies[0], "unsafe") ||
			strings.Contains(policies[0], "*") {
			t.Errorf("%s: the policy lets too much through: %s", name, policies[0])
		}
	}
}

func whatConsentShows(t *testing.T, w *world) {
	a := w.register(t, "Drawing Board", "https://board.example/back?from=durward")
	b := w.browser(t)
	page := b.asked(a)
	for _, want := range []string{"Drawing Board", "board.example", a.redirect, w.resource(), "Demo tools"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the page does not show %q: %s", want, page.text())
		}
	}
	if less := b.asked(a, "scope", "mcp:tools"); less.text() == page.text() {
		t.Error("the page does not tell a request for offline_access from one without")
	}
	seen := map[string]bool{}
	for range 3 {
		f := b.asked(a).form(t, "allow")
		token := f.fields.Get("csrf")
		if len(token) < 22 || seen[token] { // 128 bits in base64url
			t.Errorf("the form's token %q", token)
		}
		seen[token] = true
	}
}

func hostileNames(t *testing.T, w *world) {
	long := strings.Repeat("Ω", 5000) // 10 kB
	for _, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, "{{.CSRF}}",
		"Claude\u202egpj.exe", "Claude\u200b\u2066", "Claude\r\nSet-Cookie: a=b", "Сlaude", "Clerk", long, "", " \u00a0 ",
	} {
		page := w.browser(t).asked(w.register(t, name, "https://board.example/callback"))
		if !strings.Contains(page.text(), "board.example") {
			t.Errorf("%.20q: the page does not name the host", name)
		}
		for _, odd := range []string{"<script", "<img src=x", "\u202e", "\u200b", "\u2066"} {
			if strings.Contains(page.body, odd) {
				t.Errorf("%.20q: the page holds %q", name, odd)
			}
		}
		if n := strings.Count(page.body, "Ω"); n > 200 {
			t.Errorf("%d characters of a name are shown", n)
		}
		if page.header.Get("Set-Cookie") == "a=b" || page.status != http.StatusOK {
			t.Errorf("%.20q: %d %s", name, page.status, page.header)
		}
	}
}
