package proxy

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// received is one request as the upstream got it.
type received struct {
	method, target, host, body string
	header                     http.Header
}

// recorder is an upstream that notes what it gets and answers as it is told.
type recorder struct {
	got    chan received
	answer http.HandlerFunc
}

func record(t testing.TB, answer http.HandlerFunc) (*recorder, string) {
	t.Helper()
	u := &recorder{got: make(chan received, 1), answer: answer}
	address, _ := serve(t, false, u)
	return u, address
}

func (u *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		body = []byte(err.Error())
	}
	u.got <- received{r.Method, r.RequestURI, r.Host, string(body), r.Header}
	if u.answer != nil {
		u.answer(w, r)
	}
}

// do sends a request and answers what the client and what the upstream got.
func (u *recorder) do(t *testing.T, r *http.Request) (*http.Response, string, received) {
	t.Helper()
	res, err := newClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := await(r.Context(), u.got, "the request at the upstream")
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body), got
}

// D5, C9, S63: nothing by which a client proves or claims who it is crosses, on a route without any policy either.
func TestD5_WhatNeverReachesTheUpstream(t *testing.T) {
	u, upstream := record(t, nil)
	h := start(t, upstream, nil)
	secret := "never-upstream"
	for _, name := range []string{
		"Authorization", "Proxy-Authorization", "Cookie", "X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups",
		"X-Forwarded-Preferred-Username", "X-Forwarded-Access-Token", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Forwarded-Client-Cert", "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip",
		"Cf-Connecting-Ip", "X-Remote-User", "Remote-User", "X-Auth-Request-User", "X-Authenticated-User", "X-User",
		"X-User-Id", "X-Email", "X-Groups", "X-Roles", "X-Webauth-User", "X-Goog-Authenticated-User-Email",
		"X-Goog-Iap-Jwt-Assertion", "X-Amzn-Oidc-Data", "X-Amzn-Oidc-Identity", "X-Ms-Client-Principal",
		"X-Ms-Token-Aad-Access-Token", "Cf-Access-Jwt-Assertion", "Cf-Access-Authenticated-User-Email",
		"Tailscale-User-Login", "X-Pomerium-Jwt-Assertion", "X-Authentik-Username", "X-Ssl-Client-Cert", "Client-Cert",
		"X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override", "X-Durward-Subject", "Sec-Fetch-Site",
		"Access-Control-Request-Method", "X-Request-Id", "Te", "Keep-Alive",
		"x_forwarded_user", "REMOTE_USER", "X_Auth_Request_User", // CGI and WSGI read these as the same names
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, within(t), http.MethodPost, h.url, "{}")
			r.Header[name] = []string{secret}
			_, _, got := u.do(t, r)
			for sent, values := range got.header {
				if strings.Contains(strings.Join(values, " "), secret) {
					t.Errorf("it arrives as %s: %q", sent, values)
				}
			}
		})
	}
	t.Run("what Connection names", func(t *testing.T) {
		r := request(t, within(t), http.MethodPost, h.url, "{}")
		r.Header.Set("Connection", "X-Hop")
		r.Header.Set("X-Hop", secret)
		_, _, got := u.do(t, r)
		if got.header.Get("X-Hop") != "" {
			t.Error("it arrives")
		}
	})
	t.Run("access_token in the query", func(t *testing.T) {
		r := request(t, within(t), http.MethodPost, h.url+"?a=1&access_token="+secret+"&acces%73_token="+secret+"&b=2", "{}")
		_, _, got := u.do(t, r)
		if got.target != "/mcp?a=1&b=2" {
			t.Errorf("it arrives: %s", got.target)
		}
	})
	t.Run("a page's origin", func(t *testing.T) {
		r := request(t, within(t), http.MethodPost, h.url, "{}")
		r.Header.Set("Origin", "http://localhost:6274")
		_, _, got := u.do(t, r)
		if got.header.Get("Origin") != "" {
			t.Error("it arrives")
		}
	})
}

// D11, D12: everything else crosses as it is, byte for byte.
func TestD11_WhatReachesTheUpstream(t *testing.T) {
	u, upstream := record(t, nil)
	h := start(t, upstream, nil)
	body := "{ \"id\":1.0,\"method\":\"tools/call\",\n\"params\":{\"name\":\"\\u0065cho\",\"x\":1e400},\"jsonrpc\":\"2.0\" }\n"
	want := http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "Accept": {"text/event-stream, application/json;q=0.5"},
		"Mcp-Protocol-Version": {"2026-07-28"}, "Mcp-Method": {"tools/call"}, "Mcp-Name": {"=?base64?ZWNobw==?="},
		"Mcp-Session-Id": {"a-session"}, "Last-Event-Id": {"7"}, "Mcp-Param-Region": {"eu", "us"},
		"Mcp-Param-User": {"a parameter, not a claim"}, "X-Mcp-Toolsets": {"repos,issues"}, "Traceparent": {"00-1-2-01"},
		"Accept-Language": {"de"}, "User-Agent": {"conformance/1"},
	}
	r := request(t, within(t), http.MethodPost, h.url+"?toolset=a%2Fb&empty=&x", body)
	r.Header = want.Clone()
	res, _, got := u.do(t, r)
	id := res.Header.Get("X-Request-Id")
	want["X-Request-Id"] = []string{id}
	want["Content-Length"] = []string{fmt.Sprint(len(body))}
	if id == "" {
		t.Error("the answer has no X-Request-Id")
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
	if got.body != body || got.method != http.MethodPost || got.target != "/mcp?toolset=a%2Fb&empty=&x" {
		t.Errorf("%s %s %q", got.method, got.target, got.body)
	}
	if !strings.Contains(upstream, got.host) || got.host == "" {
		t.Errorf("Host is %q", got.host)
	}
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		r := request(t, within(t), method, h.url, "")
		r.Header.Set("Mcp-Session-Id", "a-session")
		_, _, got := u.do(t, r)
		if got.method != method || got.body != "" || got.header.Get("Mcp-Session-Id") != "a-session" ||
			got.header.Get("Content-Length") != "" || got.header.Get("Transfer-Encoding") != "" {
			t.Errorf("%s arrives as %+v", method, got)
		}
	}
}

// D5, D6: the upstream does not speak for the gateway's origin; what it says of the call crosses.
func TestD5_WhatReachesTheClient(t *testing.T) {
	forbidden := http.Header{
		"Set-Cookie": {"a=1", "__Host-dw-clerk-s=1"}, "Www-Authenticate": {`Bearer resource_metadata="https://evil.example"`},
		"Access-Control-Allow-Origin": {"https://evil.example"}, "Access-Control-Allow-Credentials": {"true"},
		"Access-Control-Expose-Headers": {"*"}, "Access-Control-Allow-Headers": {"*"}, "Strict-Transport-Security": {"max-age=9"},
		"Clear-Site-Data": {`"*"`}, "Alt-Svc": {`h3=":443"`}, "Server": {"evil"}, "X-Powered-By": {"evil"}, "Refresh": {"0; evil"},
		"Link": {"<evil>; rel=preload"}, "Location": {"https://evil.example"}, "X-Accel-Redirect": {"/etc"},
		"X-Durward-Subject": {"evil"}, "Proxy-Authenticate": {"Basic"}, "Report-To": {"evil"}, "X-Request-Id": {"evil"},
		"Connection": {"X-Hop"}, "X-Hop": {"evil"},
	}
	kept := http.Header{
		"Content-Type": {"application/json"}, "Mcp-Session-Id": {"a-session"}, "Mcp-Protocol-Version": {"2025-11-25"},
		"Cache-Control": {"private"}, "Retry-After": {"7"}, "X-Custom": {"a", "b"}, "Content-Language": {"en"},
	}
	const text = `{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"version","data":{"supported":["2026-07-28"]}}}`
	for _, status := range []int{200, 202, 400, 404, 405, 406, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			u, upstream := record(t, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), forbidden)
				maps.Copy(w.Header(), kept)
				w.WriteHeader(status)
				_, _ = io.WriteString(w, text)
			})
			h := start(t, upstream, nil)
			r := request(t, within(t), http.MethodPost, h.url, `{"jsonrpc":"2.0","id":1,"method":"x"}`)
			r.Header.Set("Origin", "http://localhost:6274")
			res, body, got := u.do(t, r)
			if res.StatusCode != status || body != text {
				t.Errorf("D12: %s %q", res.Status, body)
			}
			want := kept.Clone()
			want["X-Request-Id"] = got.header["X-Request-Id"]
			want["Access-Control-Allow-Origin"] = []string{"*"}
			want["Access-Control-Expose-Headers"] = res.Header["Access-Control-Expose-Headers"] // of the gateway, see below
			want["Content-Length"] = []string{fmt.Sprint(len(text))}
			want["Date"] = res.Header["Date"]
			if diff := cmp.Diff(want, res.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			exposed := strings.Split(res.Header.Get("Access-Control-Expose-Headers"), ", ")
			for _, name := range []string{"WWW-Authenticate", "Mcp-Session-Id", "MCP-Protocol-Version"} {
				if !slices.Contains(exposed, name) {
					t.Errorf("D7: %s is not exposed", name)
				}
			}
		})
	}
}
