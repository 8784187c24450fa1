package oauth_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func TestA43_S16_S46_ConsentPage(t *testing.T) {
	w := newWorld(t)
	register := func(name, redirect string) string {
		body, _ := json.Marshal(map[string]any{"client_name": name, "redirect_uris": []string{redirect}})
		return w.register(string(body)).json(t)["client_id"].(string)
	}
	page := func(name, redirect string) answer {
		return w.authorize(ask(register(name, redirect), "redirect_uri", ""))
	}
	hostile := page(`<script>alert(1)</script>"'`, "https://evil.example/cb")
	if strings.Contains(hostile.body, "<script") || !strings.Contains(hostile.body, "&lt;script&gt;") {
		t.Error("a client's name is not escaped")
	}
	long := page(strings.Repeat("x", 10_000), "https://evil.example/cb")
	if strings.Contains(long.body, strings.Repeat("x", 61)) {
		t.Error("a client's name is not cut")
	}
	turned := page("gpj\u202e\u0000\u200b.exe\n", "https://evil.example/cb")
	if strings.ContainsAny(turned.body, "\u202e\u200b\u0000") {
		t.Error("formatting characters reach the page")
	}
	claude := page("Claude", "https://evil.example/cb")
	for _, part := range []string{
		"Claude", "<strong>evil.example</strong>", "https://evil.example/cb", origin + "/mcp/demo", "nobody has checked it",
	} {
		if !strings.Contains(claude.body, part) {
			t.Errorf("the page does not show %q", part)
		}
	}
	if local := page("CLI", "http://127.0.0.1:1/cb"); !strings.Contains(local.body, "an app on this device") {
		t.Error("the page does not say that the app is on this device")
	}
	if nameless := page("", "https://a.example/cb"); !strings.Contains(nameless.body, "An app without a name") {
		t.Error("the page has no name for a nameless app")
	}
}

func TestA38_S15_PageHeaders(t *testing.T) {
	w := newWorld(t)
	for redirect, targets := range map[string]string{
		"https://a.example/cb":                         "'self' https:;",
		"http://127.0.0.1:1/cb":                        "'self' https: http://127.0.0.1:1;",
		"http://[::1]:1/cb":                            "'self' https: http:;",
		"cursor://anysphere.cursor-mcp/oauth/callback": "'self' https: cursor:;",
	} {
		page := w.authorize(ask(w.client(redirect), "redirect_uri", ""))
		policy := page.Header.Get("Content-Security-Policy")
		for _, part := range []string{
			"default-src 'none';", "form-action " + targets, "frame-ancestors 'none'", "style-src 'sha256-",
		} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: %q lacks %q", redirect, policy, part)
			}
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "",
		} {
			if got := page.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// A style whose digest is not the one in the policy would be dropped by browsers without a word.
func TestPageStyleIsTheOneThatThePolicyAllows(t *testing.T) {
	w := newWorld(t)
	for name, page := range map[string]answer{
		"consent": w.authorize(ask(w.client())), "message": w.get("/oauth/callback"),
	} {
		_, rest, _ := strings.Cut(page.body, "<style>")
		style, _, ok := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		source := "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		if !ok || style == "" || !strings.Contains(page.Header.Get("Content-Security-Policy"), "style-src "+source+";") {
			t.Errorf("%s page: its style has the digest %s, the policy is %s",
				name, source, page.Header.Get("Content-Security-Policy"))
		}
	}
}
