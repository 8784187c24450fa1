package demo

import (
	"bytes"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/plugins/clerk"
	"durward/policies"
	"durward/policies/policytest"
)

func startParts(t *testing.T) *Parts {
	t.Helper()
	parts, err := Start(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := parts.Close(); err != nil {
			t.Error(err)
		}
	})
	return parts
}

// gateway is what of the real gateway a check meets: the policy that ships, in this process, and a proxy.
type gateway struct {
	policy *policytest.Gateway
	proxy  *httputil.ReverseProxy
}

const route = "/mcp/demo"

// startGateway answers the MCP URL of a gateway before the parts. around may change what clients get to see.
func startGateway(t *testing.T, parts *Parts, around func(http.Handler) http.Handler) string {
	t.Helper()
	env := parts.Env()
	host := policytest.NewHost()
	host.Clock.Advance(time.Since(host.Clock.Now())) // to the time that the identity provider has
	policy, err := policytest.NewGateway(host, clerk.Type(), policies.Input{
		Name: "clerk", Routes: []policies.Route{{ID: "demo", Path: route}},
		Options: []byte(`{"frontendApiUrl":"` + env["CLERK_FRONTEND_API_URL"] + `","clientId":"` + env["CLERK_CLIENT_ID"] +
			`","clientSecret":"` + env["CLERK_CLIENT_SECRET"] + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := url.Parse(env["DURWARD_DEMO_UPSTREAM"])
	if err != nil {
		t.Fatal(err)
	}
	var handler http.Handler = &gateway{policy: policy, proxy: &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL, r.Out.Host = upstream, ""
		},
	}}
	if around != nil {
		handler = around(handler)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + route
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if r.URL.Path != route {
		g.policy.ServeHTTP(w, r)
		return
	}
	decided := httptest.NewRecorder()
	g.policy.ServeHTTP(decided, r)
	if decided.Code != http.StatusOK {
		maps.Copy(w.Header(), decided.Header())
		w.WriteHeader(decided.Code)
		decided.Body.WriteTo(w)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	g.proxy.ServeHTTP(w, r)
}

func TestStartListensOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{
		"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1.example.com:0",
	} {
		for _, o := range []Options{{IdP: address}, {Upstream: address}} {
			if parts, err := Start(t.Context(), o); err == nil {
				parts.Close()
				t.Errorf("started with %+v", o)
			}
		}
	}
}

func TestPartsEndWithClose(t *testing.T) {
	parts, err := Start(t.Context(), Options{IdP: "localhost:0"})
	if err != nil {
		t.Fatal(err)
	}
	addresses := []string{strings.TrimPrefix(parts.Issuer(), "http://")}
	addresses = append(addresses, strings.TrimSuffix(strings.TrimPrefix(parts.Upstream(), "http://"), samplePath))
	for _, address := range addresses {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	if err := parts.Close(); err != nil {
		t.Error(err)
	}
	for _, address := range addresses {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			t.Errorf("%s still answers", address)
		}
	}
}

func TestWelcome(t *testing.T) {
	var text bytes.Buffer
	if err := Welcome(&text, "http://127.0.0.1:9000/mcp/demo"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"claude mcp add --transport http durward-demo http://127.0.0.1:9000/mcp/demo\n",
		`code --add-mcp '{"name":"durward-demo","type":"http","url":"http://127.0.0.1:9000/mcp/demo"}'`,
		`{"servers": {"durward-demo": {"type": "http", "url": "http://127.0.0.1:9000/mcp/demo"}}}`,
		"npx @modelcontextprotocol/inspector\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("it does not say %s\n%s", want, &text)
		}
	}
}
