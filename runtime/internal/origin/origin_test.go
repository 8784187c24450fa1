package origin

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestCaller(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	type header map[string]string
	for _, c := range []struct {
		name     string
		rules    *Rules
		host     string
		peer     string
		tls      bool
		header   header
		want     Caller
		wantCode int
	}{
		{"the request's own origin", New(nil, nil, false), "MCP.example.com:8080", "192.0.2.7:999", false, nil,
			Caller{Origin: "http://mcp.example.com:8080", Address: "192.0.2.7"}, 0},
		{"tls and its default port", New(nil, nil, false), "mcp.example.com:443", "192.0.2.7:999", true, nil,
			Caller{Origin: "https://mcp.example.com", Address: "192.0.2.7"}, 0},
		{"C9 forwarded headers of a stranger are not believed", New(nil, proxies, false), "a.example", "192.0.2.7:9", false,
			header{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "127.0.0.1"},
			Caller{Origin: "http://a.example", Address: "192.0.2.7"}, 0},
		{"C9 forwarded headers of a trusted proxy are", New(nil, proxies, false), "inner", "10.1.1.1:9", false,
			header{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "a.example", "X-Forwarded-For": "203.0.113.9"},
			Caller{Origin: "https://a.example", Address: "203.0.113.9"}, 0},
		{"C9 what the client wrote before the proxy's own entry is not believed", New(nil, proxies, false), "a.example",
			"10.1.1.1:9", false, header{"X-Forwarded-For": "127.0.0.1, 203.0.113.9, 10.2.2.2"},
			Caller{Origin: "http://a.example", Address: "203.0.113.9"}, 0},
		{"a public origin stands whatever the scheme here", New([]string{"https://mcp.example.com"}, nil, true),
			"mcp.example.com", "127.0.0.1:9", false, nil, Caller{Origin: "https://mcp.example.com", Address: "127.0.0.1"}, 0},
		{"with a public origin any Origin is for CORS to judge", New([]string{"https://mcp.example.com"}, nil, true),
			"mcp.example.com", "127.0.0.1:9", false, header{"Origin": "https://app.example"},
			Caller{Origin: "https://mcp.example.com", Address: "127.0.0.1"}, 0},
		{"of two schemes the request's", New([]string{"https://a.example", "http://a.example"}, nil, false),
			"a.example", "192.0.2.7:9", false, nil, Caller{Origin: "http://a.example", Address: "192.0.2.7"}, 0},
		{"S70 another host than the public ones", New([]string{"https://mcp.example.com"}, nil, false),
			"evil.example", "192.0.2.7:9", true, nil, Caller{Origin: "", Address: "192.0.2.7"}, 421},
		{"S70 another port than the public one", New([]string{"https://mcp.example.com"}, nil, false),
			"mcp.example.com:8443", "192.0.2.7:9", true, nil, Caller{Origin: "", Address: "192.0.2.7"}, 421},
		{"S70 a foreign name on a loopback listener", New(nil, nil, true), "evil.example", "127.0.0.1:9", false, nil,
			Caller{Origin: "", Address: "127.0.0.1"}, 421},
		{"S70 a name that begins like a loopback one", New(nil, nil, true), "127.0.0.1.evil.example", "127.0.0.1:9", false,
			nil, Caller{Origin: "", Address: "127.0.0.1"}, 421},
		{"D1 a foreign page on a loopback listener", New(nil, nil, true), "localhost:9000", "127.0.0.1:9", false,
			header{"Origin": "https://evil.example"}, Caller{Origin: "", Address: "127.0.0.1"}, 403},
		{"S70 the null origin on a loopback listener", New(nil, nil, true), "localhost:9000", "127.0.0.1:9", false,
			header{"Origin": "null"}, Caller{Origin: "", Address: "127.0.0.1"}, 403},
		{"S70 the null origin of a frame that hides on a loopback listener", New(nil, nil, true), "localhost:9000",
			"127.0.0.1:9", false, header{"Origin": "null", "Sec-Fetch-Site": "cross-site"}, Caller{Origin: "", Address: "127.0.0.1"}, 403},
		{"S70 a foreign page that is its own on a loopback listener", New(nil, nil, true), "localhost:9000", "127.0.0.1:9",
			false, header{"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, Caller{Origin: "", Address: "127.0.0.1"}, 403},
		{"a form of our own page, which sends no referrer", New(nil, nil, true), "localhost:9000", "127.0.0.1:9", false,
			header{"Origin": "null", "Sec-Fetch-Site": "same-origin"}, Caller{Origin: "http://localhost:9000", Address: "127.0.0.1"}, 0},
		{"S70 http://localhost.evil", New(nil, nil, true), "localhost:9000", "127.0.0.1:9", false,
			header{"Origin": "http://localhost.evil"}, Caller{Origin: "", Address: "127.0.0.1"}, 403},
		{"a page of this machine", New(nil, nil, true), "[::1]:9000", "[::1]:9", false,
			header{"Origin": "http://localhost:6274"}, Caller{Origin: "http://[::1]:9000", Address: "::1"}, 0},
		{"a host that is none", New(nil, nil, false), "a/b", "192.0.2.7:9", false, nil, Caller{Origin: "", Address: "192.0.2.7"}, 400},
		{"a host with userinfo", New(nil, nil, false), "u@a.example", "192.0.2.7:9", false, nil, Caller{Origin: "", Address: "192.0.2.7"}, 400},
		{"an empty port", New(nil, nil, false), "a.example:", "192.0.2.7:9", false, nil, Caller{Origin: "", Address: "192.0.2.7"}, 400},
		{"no host", New(nil, nil, false), "", "192.0.2.7:9", false, nil, Caller{Origin: "", Address: "192.0.2.7"}, 400},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
			r.Host, r.RemoteAddr = c.host, c.peer
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			got, refusal := c.rules.Caller(r)
			got.Known = false // see TestOwn
			if got != c.want {
				t.Errorf("caller = %+v, want %+v", got, c.want)
			}
			code := 0
			if refusal != nil {
				code = refusal.Status
			}
			if code != c.wantCode {
				t.Errorf("refusal = %+v, want status %d", refusal, c.wantCode)
			}
		})
	}
}

// Own is only what a caller could not choose: otherwise any page could make its own origin the gateway's by rebinding a name.
func TestOwn(t *testing.T) {
	for name, c := range map[string]struct {
		rules      *Rules
		host, want string
	}{
		"configured":                 {New([]string{"https://mcp.example.com"}, nil, false), "mcp.example.com", "https://mcp.example.com"},
		"loopback":                   {New(nil, nil, true), "127.0.0.1:9000", "http://127.0.0.1:9000"},
		"whatever the caller writes": {New(nil, nil, false), "evil.example", ""},
	} {
		r := httptest.NewRequest(http.MethodPost, "/mcp", nil)
		r.Host, r.RemoteAddr = c.host, "127.0.0.1:9"
		if got, refusal := c.rules.Caller(r); got.Own() != c.want || refusal != nil {
			t.Errorf("%s: %q, want %q (%v)", name, got.Own(), c.want, refusal)
		}
	}
}
