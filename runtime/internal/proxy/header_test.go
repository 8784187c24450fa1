package proxy_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"

	"github.com/google/go-cmp/cmp"
)

// recorded is what the upstream was asked.
type recorded struct {
	method, target, host, body string
	length                     int64
	header                     http.Header
}

// record answers an upstream that notes what it is asked and answers with ok.
func record(asked chan<- recorded) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked <- recorded{r.Method, r.RequestURI, r.Host, string(b), r.ContentLength, r.Header}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "{}")
	}
}

func TestD5_S63_S73_ClientHeadersThatStay(t *testing.T) {
	stay := []string{
		"Authorization", "Cookie", "Cookie2", "Proxy-Authorization", "Proxy-Foo", "Forwarded", "Via",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-User", "X-Forwarded-Access-Token",
		"X-Forwarded-Client-Cert", "X-Real-Ip", "True-Client-Ip", "X-Client-Ip", "Cf-Connecting-Ip", "X-Original-Url",
		"X-Rewrite-Url", "X-Http-Method-Override", "X-User", "X-User-Id", "X-Userinfo", "X-Auth-Request-User",
		"X-Authenticated-User", "X-Remote-User", "Remote-User", "Remote-Groups", "X-Webauth-User", "X-Amzn-Oidc-Data",
		"X-Goog-Iap-Jwt-Assertion", "X-Ms-Client-Principal-Name", "Cf-Access-Jwt-Assertion", "Tailscale-User-Login",
		"X-Consumer-Username", "Ssl-Client-S-Dn", "Client-Cert", "X-Envoy-External-Address", "Mcp-Init-Host", "Router-Key",
		"X-Durward-Subject", "Durward-Subject", "X-Request-Id", "Origin", "Referer", "Sec-Fetch-Site", "Expect",
		"Keep-Alive", "Te", "Trailer", "Upgrade", "Http2-Settings", "Proxy-Connection", "Access-Control-Request-Method",
		"X_forwarded_user", "Remote_user", "X_user", "X-Forwarded_for", "X.forwarded.user", "X!user", "Content_length",
		"Transfer_encoding", "Mcp_init_host", "Proxy",
	}
	pass := []string{
		"Accept", "Accept-Language", "Content-Type", "User-Agent", "Last-Event-Id", "Traceparent", "Idempotency-Key",
		"Mcp-Session-Id", "Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name", "Mcp-Param-Region", "Mcp-Param-user_id",
		"Mcp-Param-X-User", "X-Mcp-Toolsets", "X-Api-Key", "X-Goog-Api-Key", "Context7_api_key",
	}
	asked := make(chan recorded, 1)
	g := newGateway(t, record(asked), nil, nil)
	header := make(http.Header)
	for _, name := range slices.Concat(stay, pass) {
		header[name] = []string{"client says " + name}
	}
	header["Expect"] = []string{"100-continue"}
	header["Connection"] = []string{"X-Hop, keep-alive", "upgrade"}
	header["X-Hop"] = []string{"for this hop"}
	header["Accept-Encoding"] = []string{"identity"}
	g.post(t, header, call)
	got := await(t, "the call", asked)

	want := http.Header{"Accept-Encoding": {"identity"}, "Content-Length": {fmt.Sprint(len(call))}}
	for _, name := range pass {
		want[http.CanonicalHeaderKey(name)] = []string{"client says " + name}
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Error(diff)
	}
}

func TestD11_RequestGoesAsItCame(t *testing.T) {
	asked := make(chan recorded, 1)
	var upstream string
	change := func(query string, forward bool) func(*proxy.Options) {
		return func(o *proxy.Options) {
			o.Upstream = parse(t, o.Upstream.String()+query)
			o.ForwardSearch = forward
			upstream = o.Upstream.Host
		}
	}
	for _, tt := range []struct {
		name, method, query, search, body, want string
		forward                                 bool
	}{
		{"POST", "POST", "", "", call, "/real/mcp", true},
		{"GET", "GET", "", "", "", "/real/mcp", true},
		{"DELETE", "DELETE", "", "", "", "/real/mcp", true},
		{"DELETE with a body", "DELETE", "", "", call, "/real/mcp", true},
		{"POST without a body", "POST", "", "", "", "/real/mcp", true},
		{"query", "GET", "", "?a=1&b=%2F&c;d", "", "/real/mcp?a=1&b=%2F&c;d", true},
		{"query behind the upstream's own", "GET", "?key=k", "?a=1", "", "/real/mcp?key=k&a=1", true},
		{"query that stays", "GET", "?key=k", "?a=1", "", "/real/mcp?key=k", false},
		{"S64 token in the query", "GET", "", "?a=1&access_token=t&b=2", "", "/real/mcp?a=1&b=2", true},
		{"S64 token in the query, escaped", "GET", "?key=k", "?%61ccess%5Ftoken=t", "", "/real/mcp?key=k", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, record(asked), change(tt.query, tt.forward), nil)
			req := request(t, tt.method, parse(t, g.url.String()+tt.search), strings.NewReader(tt.body))
			do(t, g.client, req)
			got := await(t, "the call", asked)
			got.header = nil
			want := recorded{tt.method, tt.want, upstream, tt.body, int64(len(tt.body)), nil}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(recorded{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A client must not be able to forge or remove what the host sets, and it knows of RFC 9110 section 7.6.1 and of
// upstreams that make one name of X-Tenant, X_Tenant and X.Tenant.
func TestS73_HostHeadersStand(t *testing.T) {
	asked := make(chan recorded, 1)
	g := newGateway(t, record(asked),
		func(o *proxy.Options) { o.RequestID = func(context.Context) string { return "id-1" } },
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var way passage.Passage
				way.Set(0, "authorization", []string{"Bearer first"})
				way.Set(1, "Authorization", []string{"Bearer upstream"})
				way.Set(0, "x-user", []string{"host"})
				way.Set(0, "X-Tenant", []string{"host"})
				way.Set(0, "X_Odd", []string{"host"})
				way.Set(0, "X-Mcp-Toolsets", nil)
				way.Offer(0, "X-Offered", []string{"host"})
				way.Offer(0, "X-Taken", []string{"host"})
				way.Offer(0, "X-Spelt-Otherwise", []string{"host"})
				way.Offer(0, "Cookie", []string{"a=host"})
				next.ServeHTTP(w, r.WithContext(passage.With(r.Context(), &way)))
			})
		})
	g.post(t, http.Header{
		"Authorization": {"Bearer client"}, "X-User": {"client"}, "X-Mcp-Toolsets": {"all"}, "X_mcp_toolsets": {"all"},
		"X-Tenant": {"client"}, "X_tenant": {"client"}, "X.tenant": {"client"}, "X-Odd": {"client"}, "X_odd": {"client"},
		"X-Taken": {"client"}, "X_spelt_otherwise": {"client"}, "Cookie": {"a=client"}, "X-Request-Id": {"client"},
		"Connection":      {"Authorization, X-User, X-Request-Id, Content-Length"},
		"Accept-Encoding": {"identity"}, "User-Agent": {""},
	}, call)
	got := await(t, "the call", asked)
	want := http.Header{
		"Authorization": {"Bearer upstream"}, "X-User": {"host"}, "X-Tenant": {"host"}, "X_odd": {"host"},
		"X-Offered": {"host"}, "X-Taken": {"client"}, "X_spelt_otherwise": {"client"}, "Cookie": {"a=host"},
		"X-Request-Id": {"id-1"}, "Accept": {"application/json, text/event-stream"}, "Content-Type": {"application/json"},
		"Accept-Encoding": {"identity"}, "Content-Length": {fmt.Sprint(len(call))},
	}
	if diff := cmp.Diff(want, got.header); diff != "" {
		t.Error(diff)
	}
}

func TestD5_S75_UpstreamHeadersThatStay(t *testing.T) {
	stay := []string{
		"Set-Cookie", "Set-Cookie2", "Www-Authenticate", "Authentication-Info", "Access-Control-Allow-Origin",
		"Access-Control-Allow-Credentials", "Access-Control-Expose-Headers", "Proxy-Authenticate", "Proxy-Status", "Alt-Svc",
		"Strict-Transport-Security", "Clear-Site-Data", "Refresh", "Link", "Location", "Server", "X-Powered-By",
		"X-Accel-Redirect", "X-Sendfile", "Nel", "Report-To", "Keep-Alive", "Upgrade",
	}
	pass := []string{"Content-Type", "Mcp-Session-Id", "Mcp-Protocol-Version", "Cache-Control", "Retry-After", "Etag", "X-Custom"}
	g := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range slices.Concat(stay, pass) {
			w.Header().Set(name, "upstream says "+name)
		}
		w.Header().Set("X-Hop", "for this hop")
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Request-Id", "the upstream's")
		w.Header().Set("Vary", "Accept")
		w.Header().Set("Trailer", "Set-Cookie, X-Late")
		w.WriteHeader(http.StatusTeapot)
		io.WriteString(w, "short and stout")
		w.Header().Set("X-Late", "late")
	}, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "the host's")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Vary", "Origin")
			next.ServeHTTP(w, r)
		})
	})
	res := g.post(t, nil, call)
	if got := readAll(t, res); res.StatusCode != http.StatusTeapot || got != "short and stout" {
		t.Errorf("got %d %q", res.StatusCode, got)
	}
	want := http.Header{
		"X-Request-Id": {"the host's"}, "Access-Control-Allow-Origin": {"*"}, "Vary": {"Origin", "Accept"},
		"Content-Length": {"15"},
	}
	for _, name := range pass {
		want.Set(name, "upstream says "+name)
	}
	got := maps.Clone(res.Header)
	got.Del("Date")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if len(res.Trailer) != 0 {
		t.Errorf("trailers %v", res.Trailer)
	}
}

// An informational response makes a ReverseProxy clear what the host has set; an upgrade passes every header rule by.
func TestS75_UpstreamCannotSpeakOutOfTurn(t *testing.T) {
	for _, tt := range []struct {
		name, answer, want string
		status             int
	}{
		{"early hints", "HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
			"{}", 200},
		{"switched protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
			`{"jsonrpc":"2.0","id":"call-1","error":{"code":-32603,"message":"the upstream changed the protocol"}}`, 502},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, nil, func(o *proxy.Options) { o.Upstream = rawUpstream(t, tt.answer) }, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Request-Id", "the host's")
					next.ServeHTTP(w, r)
				})
			})
			res := g.post(t, http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, call)
			if got := readAll(t, res); res.StatusCode != tt.status || got != tt.want {
				t.Errorf("got %d %s, want %d %s", res.StatusCode, got, tt.status, tt.want)
			}
			if res.Header.Get("X-Request-Id") != "the host's" || res.Header.Get("Set-Cookie") != "" {
				t.Errorf("got %v", res.Header)
			}
		})
	}
}

// rawUpstream answers every connection with the same bytes, once a request's head and body have come, and closes it.
func rawUpstream(t *testing.T, answer string) *url.URL {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if readRequest(c) {
					io.WriteString(c, answer)
				}
			}()
		}
	}()
	return parse(t, "http://"+l.Addr().String()+"/real/mcp")
}
