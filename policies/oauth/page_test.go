package oauth_test

import (
	"encoding/json"
	"net/http"
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
	page := w.consentPage("Claude\u202e <b>", "https://evil.example/cb")
	if page.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", page.StatusCode, page.body)
	}
	for _, part := range []string{
		"<bdi>Claude &lt;b&gt;</bdi>", "<code>evil.example</code>", "<code>https://evil.example/cb</code>",
		"<code>" + origin + "/mcp/demo</code>", "Nobody has checked this app", "see the tools of /mcp/demo",
	} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page does not show %q: %s", part, page.body)
		}
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

// What a page may do depends on where its request may end, and on nothing that a client chose besides.
func TestA38_S15_PageHeaders(t *testing.T) {
	const idp = "'self' https:"
	forms := map[string]string{
		"consent": idp, "consent, signed in": idp, "consent, http": idp + " http://127.0.0.1:1", "denied": idp,
		"sign-in": idp, "grants": "'self'", "bad request": "'none'", "unknown app": "'none'", "signed out": "'none'",
	}
	for name, page := range everyPage(t, "") {
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; ") || !strings.HasSuffix(policy, "; form-action "+forms[name]) {
			t.Errorf("%s page: Content-Security-Policy %q", name, policy)
		}
		for header, want := range map[string]string{
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
			"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "", "Content-Type": "text/html; charset=utf-8",
		} {
			if got := page.Header.Get(header); got != want {
				t.Errorf("%s page: %s is %q, want %q", name, header, got, want)
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

func TestPagesShowWhoseTheyAre(t *testing.T) {
	const logo = "https://example.com/logo.svg"
	for name, page := range everyPage(t, `,"pages":{"name":"Acme","logo":"`+logo+`"}`) {
		if !strings.Contains(page.body, "<span>Acme</span>") || !strings.Contains(page.body, `<img src="`+logo+`" alt="">`) ||
			!strings.Contains(page.Header.Get("Content-Security-Policy"), "; img-src "+logo+"; ") {
			t.Errorf("%s page: %s: %s", name, page.Header.Get("Content-Security-Policy"), page.body)
		}
	}
}
