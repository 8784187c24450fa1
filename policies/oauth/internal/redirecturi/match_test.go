package redirecturi_test

import (
	"testing"

	"durward/policies/oauth/internal/redirecturi"
)

// The variants of a registered URI by which others were deceived, each with what comes of it (S3, S6, S7, A28, A29).
func TestMatch(t *testing.T) {
	for registered, given := range map[string]struct{ same, other []string }{
		"https://app.example/cb": {
			same: []string{"https://app.example/cb"},
			other: []string{ // S3
				"", "https://app.example/cb/", "https://app.example/cb/extra", "https://app.example/cb/../cb",
				"https://app.example/x/../cb", "https://app.example/./cb", "https://app.example/..;/cb", "https://app.example/cb;x",
				"https://app.example//cb", "https://app.example/cb?", "https://app.example/cb?x=1", "https://app.example/CB",
				"https://APP.example/cb", "HTTPS://app.example/cb", "http://app.example/cb", "https://app.example/c%62",
				"https://app.example/%63b", "https://app%2eexample/cb", "https://app.example%2fcb", "https://app.example/cb%2f",
				"https://app.example/%2e/cb", "https://app.example/cb%00", "https://app.example/cb\x00",
				"https://app.example@evil.example/cb", "https://good@app.example/cb", "https://:@app.example/cb",
				"https://app.example/cb#", "https://app.example/cb#x", `https://app.example\@evil.example/cb`,
				`https:\\app.example\cb`, `https://app.example\cb`, "https://app.example.evil.example/cb",
				"https://evil.example/https://app.example/cb", "https://evil.example?https://app.example/cb",
				"https://app.example:443/cb", "https://app.example:444/cb", "https://app.example./cb", "https://app.examplе/cb",
				" https://app.example/cb", "https://app.example/cb ", "https://app.example/cb\r\n", "https://app.example/\tcb",
				"//app.example/cb", "/cb", "javascript:alert(1)", "https://evil.example/",
			},
		},
		"http://127.0.0.1/cb": {
			same: []string{ // S6
				"http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:80/cb", "http://127.0.0.1:65535/cb",
			},
			other: []string{ // S7
				"http://127.0.0.1.evil.com/cb", "http://127.0.0.1.evil.com:1/cb", "http://localhost/cb", "http://[::1]/cb",
				"http://localhost.evil.com/cb", "http://2130706433/cb", "http://0x7f.1/cb", "http://127.1/cb", "http://127.0.0.2/cb",
				"http://127.0.0.01/cb", "http://0177.0.0.1/cb", "https://127.0.0.1/cb", "https://127.0.0.1:1/cb",
				"http://127.0.0.1/other", "http://127.0.0.1/cb/", "http://127.0.0.1:1/cb/", "http://127.0.0.1:1/CB",
				"http://127.0.0.1:1/cb?x", "http://127.0.0.1:1/cb?", "http://127.0.0.1:1/cb#x", "http://127.0.0.1:1/c%62",
				"http://127.0.0.1:80@evil.com/cb", "http://evil.com@127.0.0.1/cb", "http://127.0.0.1:0/cb",
				"http://127.0.0.1:65536/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:-1/cb", "http://127.0.0.1:+1/cb",
				"http://127.0.0.1:1:2/cb", "http://127.0.0.1: 1/cb", "http://127.0.0.1:１/cb", "http://127.0.0.1:1\\cb",
				"http://127.0.0.1:*/cb", "HTTP://127.0.0.1:1/cb", "http:127.0.0.1:1/cb", "http:///127.0.0.1:1/cb",
			},
		},
		"http://127.0.0.1:33418/": {
			same:  []string{"http://127.0.0.1:33418/", "http://127.0.0.1:5000/", "http://127.0.0.1/"}, // Q37
			other: []string{"http://127.0.0.1:33418", "http://127.0.0.1:33418//", "http://127.0.0.1:33418/x"},
		},
		"http://[::1]/cb": {
			same:  []string{"http://[::1]/cb", "http://[::1]:5000/cb"},
			other: []string{"http://::1/cb", "http://[::1].evil.com/cb", "http://[::2]:1/cb", "http://[0::1]/cb", "http://[::1%25lo]/cb"},
		},
		"http://localhost:1/cb?a=1": {
			same:  []string{"http://localhost/cb?a=1", "http://localhost:33418/cb?a=1"}, // Q16, Q41
			other: []string{"http://localhost:1/cb", "http://localhost:1/cb?a=2", "http://localhost:1/cb?a=1&b", "http://LOCALHOST:1/cb?a=1"},
		},
		"http://localhost": {
			same:  []string{"http://localhost", "http://localhost:9000"},
			other: []string{"http://localhost/", "http://localhost:9000/", "http://localhost:9000/cb", "http://localhostx"}, // Q49
		},
		"cursor://anysphere.cursor-mcp/oauth/callback": {
			same:  []string{"cursor://anysphere.cursor-mcp/oauth/callback"},
			other: []string{"cursor://anysphere.cursor-mcp:1/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback?x"},
		},
	} {
		if err := redirecturi.Check(registered); err != nil {
			t.Errorf("%s: %v", registered, err)
		}
		for _, uri := range given.same {
			if !redirecturi.Match([]string{"https://first.example/", registered}, uri) {
				t.Errorf("%q is not taken for %q", uri, registered)
			}
		}
		for _, uri := range given.other {
			if redirecturi.Match([]string{"https://first.example/", registered}, uri) {
				t.Errorf("%q is taken for %q", uri, registered)
			}
		}
	}
}
