package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// patience bounds what must happen soon, on a machine that does more.
const patience = 30 * time.Second

// publicOrigin is where the gateway is to be found, by way of a proxy that ends TLS.
const publicOrigin = "https://mcp.example.com"

// setting is how a gateway is set up.
type setting int

const (
	// public is as in production: TLS ends at a proxy in front, and the gateway knows its public origin.
	public setting = iota
	// loopback is as on a developer's machine: plain http, and no settings at all.
	loopback
	// guarded is public, with rules on who may come in.
	guarded
	// several is public, with three policies that sign people in: the world's own and those of world.others.
	several
	// alone says that the row starts a gateway of its own.
	alone
)

// guardedBy are the rules of the setting guarded: all of them at once, so that each can keep somebody out by itself.
const guardedBy = `{"emails": ["ada@example.com"], "emailDomains": ["example.org"],
	"organizations": ["org_engines", "org_looms"], "requiredClaims": {"role": ["engineer", "admin"], "contractor": false}}`

// world is a gateway, with a provider that does as it is told and an MCP server that tells what it was told.
type world struct {
	*gateway.Gateway
	provider *provider
	// origin is where clients and browsers find the gateway.
	origin string
	http   *http.Client

	// policy is the policy that is meant, which lies below base; path is its route's.
	policy, base, path string
	// others are the same gateway as its other policies have it, in the setting several.
	others map[string]*world
}

// start starts a gateway. access is a JSON object, or empty.
func start(t *testing.T, in setting, access string) *world {
	t.Helper()
	w := &world{
		provider: newProvider(t), http: &http.Client{CheckRedirect: stay}, policy: "clerk", path: "/mcp/demo",
	}
	if in == several {
		w.others = map[string]*world{"staff": {provider: newProvider(t)}, "partners": {provider: w.provider}}
	}
	upstream := httptest.NewServer(http.HandlerFunc(echoHeaders))
	t.Cleanup(upstream.Close)
	w.Gateway = gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("CLERK_FRONTEND_API_URL", w.provider.URL)
		g.Setenv("CLERK_CLIENT_ID", clientID)
		g.Setenv("CLERK_CLIENT_SECRET", clientSecret)
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL)
		if access != "" {
			g.Save(policiesFile, withAccess(g.Read(policiesFile), access))
		}
		if in == several {
			g.Setenv("STAFF_FRONTEND_API_URL", w.others["staff"].provider.URL)
			g.Save(policiesFile, severalPolicies())
			g.Save("routes.oas.json", severalRoutes())
		}
		if in != loopback {
			g.Save("gateway.json", `{"publicUrl": "`+publicOrigin+`", "trustedProxies": ["127.0.0.1"]}`)
		}
	})
	w.origin = w.URL
	if in != loopback {
		w.origin = publicOrigin
		w.behindTLS(t)
	}
	for name, other := range w.others {
		provider := other.provider
		*other = *w
		other.provider, other.policy, other.base, other.path = provider, name, "/"+name, "/mcp/"+name
	}
	return w
}

const policiesFile = "policies.json"

// withAccess adds rules to the policy that ships, and the scope that those on organizations need.
func withAccess(policies, rules string) string {
	const last = `"clientSecret": "$env(CLERK_CLIENT_SECRET)"`
	return strings.Replace(policies, last, last+`, "scope": "openid profile email user:org:read", "access": `+rules, 1)
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// behindTLS puts a proxy in front of the gateway, as an operator does, and makes the public name lead to it.
func (w *world) behindTLS(t *testing.T) {
	t.Helper()
	target, err := url.Parse(w.URL)
	if err != nil {
		t.Fatal(err)
	}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
		// A live body would have the transport cut its own connection when the answer comes early (golang/go#40747).
		if body, err := io.ReadAll(r.In.Body); err == nil && len(body) > 0 {
			r.Out.Body = io.NopCloser(bytes.NewReader(body))
		} else {
			r.Out.Body = http.NoBody
		}
	}}
	front := httptest.NewTLSServer(forward)
	t.Cleanup(front.Close)
	transport := front.Client().Transport.(*http.Transport).Clone()
	t.Cleanup(transport.CloseIdleConnections)
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == strings.TrimPrefix(publicOrigin, "https://")+":443" {
			address = front.Listener.Addr().String()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	w.http.Transport = transport
}

// resource is the URL of the policy's route.
func (w *world) resource() string { return w.origin + w.path }

// issuer is the policy's.
func (w *world) issuer() string { return w.origin + w.base }

// echoHeaders is an MCP server without sessions whose every tool answers the headers of the call.
func echoHeaders(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the gateway has left: nobody is there to be told
		"jsonrpc": "2.0", "id": 1, "result": map[string]any{"content": []any{}, "structuredContent": r.Header},
	})
}
