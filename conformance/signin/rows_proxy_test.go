package signin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func proxyRows() []row {
	return []row{
		{
			id:    "C9",
			holds: "headers that only a proxy may send do not change who we are, where the provider sends people, or what is https",
			in:    loopback, play: forwardedHeaders,
			breaks: []edit{{"runtime/internal/origin/origin.go", `if u.trusts(peer) {`, `if peer.IsValid() {`}},
		},
		{
			id:    "C9: to the upstream",
			holds: "no header by which a proxy tells who calls, from where, or with which certificate passes from a client",
			in:    loopback, play: identityHeaders,
			breaks: []edit{{"runtime/internal/proxy/header.go", `"X-Forwarded", "X-Original-", `, `"X-Original-", `}},
		},
	}
}

// forwarded are headers of proxies, and what an attacker might write into them.
func forwarded() []string {
	return []string{
		"X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.example", "X-Forwarded-Port", "443",
		"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Prefix", "/evil", "X-Forwarded-Server", "evil.example",
		"X-Forwarded-Ssl", "on", "X-Forwarded-Scheme", "https", "X-Real-Ip", "203.0.113.9",
		"Forwarded", "for=203.0.113.9;host=evil.example;proto=https", "X-Original-Host", "evil.example",
		"X-Host", "evil.example", "X-Rewrite-Url", "/evil", "X-Original-Url", "/evil", "Front-End-Https", "on",
	}
}

func forwardedHeaders(t *testing.T, w *world) {
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/.well-known/oauth-protected-resource/mcp/demo",
	} {
		status, text := w.do(t, http.MethodGet, path, nil, forwarded()...)
		var document map[string]any
		if err := json.Unmarshal([]byte(text), &document); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
		for name, value := range document {
			if s, ok := value.(string); ok && strings.Contains(s, "://") && !strings.HasPrefix(s, w.origin) {
				t.Errorf("%s: %s is %s", path, name, s)
			}
		}
	}
	a := w.register(t, "Forwarded")
	b := w.browser(t)
	page := b.get(a.ask(), forwarded()...)
	wantPage(t, "consent", page, http.StatusOK)
	f := page.form(t, "allow")
	f.fields.Set("answer", "allow")
	at := b.sentToProvider(b.post(f.action, f.fields, forwarded()...))
	if got := at.Query().Get("redirect_uri"); got != w.origin+"/oauth/callback" {
		t.Errorf("the provider is told to send people to %s", got)
	}
	back, _ := w.provider.signIn(t, at, ada())
	got := b.get(back.String(), forwarded()...)
	if iss := b.answered(a, got).Get("iss"); iss != w.origin {
		t.Errorf("iss is %s", iss)
	}
	for _, c := range got.set() {
		if c.Secure || strings.HasPrefix(c.Name, "__Host-") {
			t.Errorf("plain http is taken for https: %s", c.Raw)
		}
	}
	status, _ := w.call(t, a.redeem(t, got.query().Get("code")).Access, forwarded()...)
	if status != http.StatusOK {
		t.Errorf("a call with a proxy's headers is answered %d", status)
	}
}

func identityHeaders(t *testing.T, w *world) {
	a := w.register(t, "Headers")
	b := w.browser(t)
	held := b.tokensOf(t, a, ada())
	const mark = "client-made-this-up"
	var made []string
	for _, name := range []string{
		"X-User", "X-User-Id", "X-User-Email", "X-Email", "X-Groups", "X-Roles", "X-Subject", "X-Principal", "X-Identity",
		"X-Auth-Request-User", "X-Auth-Request-Email", "X-Remote-User", "Remote-User", "Remote-Groups",
		"X-Authenticated-User", "X-Goog-Authenticated-User-Email", "X-Goog-Iap-Jwt-Assertion", "X-Ms-Client-Principal",
		"X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email",
		"Tailscale-User-Login", "X-Pomerium-Jwt-Assertion", "Oidc-Claim-Sub", "X-Id-Token", "X-Access-Token",
		"X-Client-Cert", "X-Client-Dn", "X-Client-Verify", "X-Ssl-Client-Cert", "X-Ssl-Client-S-Dn", "Ssl-Client-Cert",
		"Client-Cert", "X-Forwarded-Client-Cert", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Access-Token",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "True-Client-Ip",
		"Cf-Connecting-Ip", "X_Forwarded_User", "X_Remote_User", "Cookie", "Proxy-Authorization",
		"X-Durward-User", "Durward-Principal",
	} {
		made = append(made, name, mark)
	}
	// A name of a connection's own, by which a client would have a header of ours taken away.
	made = append(made, "Connection", "Authorization, Mcp-Method")
	status, told := w.call(t, held.Access, made...)
	if status != http.StatusOK {
		t.Fatalf("the call is answered %d", status)
	}
	for name, values := range told {
		text := strings.Join(values, ", ")
		if strings.Contains(text, mark) || strings.Contains(text, held.Access) {
			t.Errorf("the upstream is told %s: %s", name, text)
		}
	}
	if told.Get("Content-Type") == "" {
		t.Errorf("the upstream was told nothing: %v", told)
	}
}
