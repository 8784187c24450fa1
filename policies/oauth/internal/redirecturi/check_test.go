package redirecturi_test

import (
	"strings"
	"testing"

	"durward/policies/oauth/internal/redirecturi"
)

func TestCheckAccepts(t *testing.T) {
	for _, uri := range []string{
		"https://claude.ai/api/mcp/auth_callback",               // Q14
		"https://chatgpt.com/connector/oauth/abc-DEF_1",         // Q26
		"https://chatgpt.com/connector_platform_oauth_redirect", // Q27
		"cursor://anysphere.cursor-mcp/oauth/callback",          // Q32
		"https://www.cursor.com/agents/mcp/oauth/callback",
		"http://localhost:8787/callback",
		"https://insiders.vscode.dev/redirect", "https://vscode.dev/redirect", // Q37
		"http://127.0.0.1/", "http://127.0.0.1:33418/",
		"http://localhost:6274/oauth/callback", // Q40
		"http://localhost",                     // Q49
		"http://[::1]/cb", "http://[::1]:1/cb?a=b&c=%7E", "http://localhost:65535?x",
		"https://a.example", "https://a.example:8443/cb?a=1&b=2", "https://A.example/CB/%7Ex;y=z",
		"https://192.0.2.1/cb", "https://[2001:db8::1]:443/cb", "https://xn--bcher-kva.example/cb", "https://localhost/cb",
		"https://a.example/" + strings.Repeat("x", redirecturi.MaxLength-len("https://a.example/")),
	} {
		if err := redirecturi.Check(uri); err != nil {
			t.Errorf("%s: %v", uri, err)
		}
	}
}

// S4: what is refused, by the reason that the client's developer is told.
func TestS4_CheckRefuses(t *testing.T) {
	for reason, uris := range map[string][]string{
		"begin with https://": {
			"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "DATA:text/html;base64,eA==", "vbscript:x",
			"VBScript:x", "file:///etc/passwd", "blob:https://a.example/b", "BLOB:https://a.example/b", "about:blank",
			"https:a.example/cb", "https:/a.example/cb", "HTTPS://a.example/cb", "//a.example/cb", "/cb", "a.example/cb", "",
			"http://a.example/cb", "ws://localhost/", "urn:ietf:wg:oauth:2.0:oob", "com.example.app:/cb", "myapp://cb",
			"cursor://anysphere.cursor-mcp/oauth/callback2", "cursor://evil/oauth/callback", "cursor:x",
			"CURSOR://anysphere.cursor-mcp/oauth/callback", "vscode://vscode.github-authentication/",
			"http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/", "http://2130706433/cb", "http://127.1/cb",
			"http://0x7f000001/cb", "http://127.0.0.2/cb", "http://0.0.0.0/cb", "http://[::]/cb", "http://[::ffff:127.0.0.1]/cb",
			"http://[0:0:0:0:0:0:0:1]/cb", "http://LOCALHOST/cb", "http://localhost./cb", "http://evil.localhost/cb",
			"http://localhost:99999/", "http://localhost:0/", "http://localhost:/", "http://localhost:*/cb",
			"http://localhost:+80/", "http://localhost:80@evil.example/", "http://user@localhost/", "http://localhost@evil.example/",
		},
		"no URI may hold": {
			" https://a.example/cb", "https://a.example/cb ", "https://a.example/c b", "https://a.example/\u202e",
			"https://a.example/\x7f", "https://a.example/\x00", "https://a.example/\r\nX: y", "java\tscript:alert(1)",
			"\x01javascript:alert(1)", "\njavascript:alert(1)", "https://a.example\\@evil/", "https://a.example/<script>",
			"https://a.example/\"", "https://a.example/{x}", "https://a.example/%", "https://a.example/%4", "https://a.example/%zz",
			"https://a.example/?x=%2", "http://localhost/%", "https://bücher.example/cb",
		},
		"fragment": {"https://a.example/cb#", "https://a.example/cb#x", "http://localhost/#x", "https://a.example#@evil.example/"},
		"plain host": {
			"https://", "https:///cb", "https://?x", "https://user@a.example/cb", "https://good@evil.example/",
			"https://user:pass@a.example/", "https://@a.example/", "https://*.example/cb", "https://a.example:*/cb",
			"https://a%2eexample/cb", "https://a.example:/cb", "https://a.example:0/", "https://a.example:65536/",
			"https://a.example:1:2/", "https://[::1/", "https://::1/", "https://[::1]x/", "https://[fe80::1%25en0]/",
			"https://a,b.example/", "https://a.example;b/",
		},
		"2048 bytes": {"https://a.example/" + strings.Repeat("x", redirecturi.MaxLength)},
	} {
		for _, uri := range uris {
			if err := redirecturi.Check(uri); err == nil || !strings.Contains(err.Error(), reason) {
				t.Errorf("%.80q: %v, want %q", uri, err, reason)
			}
		}
	}
}

func TestHost(t *testing.T) {
	for uri, want := range map[string]string{
		"https://App.Example:8443/cb": "app.example", "https://[2001:DB8::1]/": "2001:db8::1",
		"http://localhost:1/cb": "", "http://[::1]/": "", "cursor://anysphere.cursor-mcp/oauth/callback": "", "": "", "%": "",
	} {
		if got := redirecturi.Host(uri); got != want {
			t.Errorf("%s: host %q, want %q", uri, got, want)
		}
	}
}
