package oauth

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

// patience bounds what must happen soon, on a machine that does more.
const patience = 30 * time.Second

// publicOrigin is where the gateway is to be found, by way of a proxy that ends TLS.
const publicOrigin = "https://mcp.example.com"

// setting is how a gateway is set up.
type setting int

const (
	// public is as in production: a public origin behind a proxy that ends TLS, one route, no options.
	public setting = iota
	// local is as on a developer's machine, with several policies: see local_test.go.
	local
	// moved is as on a developer's machine, with one policy and a clock that rows move. They are played one after another.
	moved
)

// world is a gateway as one row sees it: with a provider that signs in whom it is told to, and an MCP server that tells
// what reached it.
type world struct {
	*gateway.Gateway
	provider *provider
	// origin is where clients and browsers find the gateway.
	origin string
	// address is where the row's requests come from, as the proxy in front says.
	address string
	http    *http.Client

	// base is where the authorization server lies below the origin, path the first of its routes.
	base, path string
	// host serves the documents and key sets of clients, but in the setting public.
	host *clienthost.Host
	// others are the same gateway as its other policies have it, in the setting local.
	others map[string]*world
	// forward moves the gateway's clock, in the setting moved.
	forward func(time.Duration)
}

// startIn starts the gateway of a setting.
func startIn(t *testing.T, in setting) *world {
	t.Helper()
	w := &world{provider: newProvider(t), path: "/mcp/demo", origin: publicOrigin}
	upstream := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(upstream.Close)
	edit := func(g *gateway.Gateway) {
		w.Gateway = g
		g.Setenv("CLERK_FRONTEND_API_URL", w.provider.URL)
		g.Setenv("CLERK_CLIENT_ID", clientID)
		g.Setenv("CLERK_CLIENT_SECRET", clientSecret)
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL)
		g.Save("gateway.json", `{"publicUrl": "`+publicOrigin+`", "trustedProxies": ["127.0.0.1"]}`)
	}
	switch in {
	case public:
		gateway.Start(t, edit)
	case local:
		gateway.Start(t, func(g *gateway.Gateway) { edit(g); w.several(t) })
		w.origin = w.URL
	case moved:
		gateway.Prepare(t, func(g *gateway.Gateway) { edit(g); w.single(t) })
		w.hostOfItsOwn(t, upstream.URL)
		w.origin = w.URL
	}
	for _, other := range w.others {
		base, path := other.base, other.path
		*other = *w
		other.base, other.path = base, path
	}
	return w
}

// seenFrom is the same world for a row with this number: it comes from an address that no other row has.
func (w *world) seenFrom(row int) *world {
	own := *w
	own.address = fmt.Sprintf("198.18.%d.7", row) // of the block for tests of networks (RFC 2544)
	if !strings.HasPrefix(w.origin, "https://") {
		own.address = fmt.Sprintf("127.18.%d.7", row) // of this machine, as development is
	}
	own.http = &http.Client{Transport: front{own.URL, own.address}, CheckRedirect: stay, Timeout: patience}
	own.others = map[string]*world{}
	for name, other := range w.others {
		o := *other
		o.address, o.http = own.address, own.http
		own.others[name] = &o
	}
	return &own
}

// from is the same row, seen from another address.
func (w *world) from(address string) *world {
	other := *w
	other.address = address
	other.http = &http.Client{Transport: front{w.URL, address}, CheckRedirect: stay, Timeout: patience}
	return &other
}

// at is the same gateway at another of its policies.
func (w *world) at(t testing.TB, policy string) *world {
	t.Helper()
	other := w.others[policy]
	if other == nil {
		t.Fatalf("this gateway has no policy %q", policy)
	}
	return other
}

// on is the same policy at another of its routes.
func (w *world) on(path string) *world {
	other := *w
	other.path = path
	return &other
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// front is what a proxy in front of the gateway does: it ends TLS, and says where a request comes from.
type front struct{ gateway, address string }

// RoundTrip implements http.RoundTripper.
func (f front) RoundTrip(r *http.Request) (*http.Response, error) {
	target, err := url.Parse(f.gateway)
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	if out.Host == "" {
		out.Host = r.URL.Host
	}
	out.URL.Scheme, out.URL.Host = target.Scheme, target.Host
	out.Header.Set("X-Forwarded-For", f.address)
	out.Header.Set("X-Forwarded-Proto", r.URL.Scheme)
	return http.DefaultTransport.RoundTrip(out)
}

// resource is the URL of the route.
func (w *world) resource() string { return w.origin + w.path }

// issuer is the authorization server's.
func (w *world) issuer() string { return w.origin + w.base }

// told is what reached the MCP server.
type told struct {
	Method, Target, Body string
	Header               http.Header
}

// echo is an MCP server that answers every message with the request that brought it.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the gateway has left: nobody is there to be told
		"jsonrpc": "2.0", "id": 1, "result": map[string]any{
			"content":           []any{},
			"structuredContent": told{r.Method, r.URL.RequestURI(), string(body), r.Header},
		},
	})
}

// hostOfItsOwn runs the gateway's host with a clock that the rows move. The policies run from the binary as ever.
func (w *world) hostOfItsOwn(t *testing.T, upstream string) {
	t.Helper()
	clock := &movedClock{}
	w.forward = clock.forward
	w.provider.now = clock.now
	env := map[string]string{
		"CLERK_FRONTEND_API_URL": w.provider.URL, "CLERK_CLIENT_ID": clientID, "CLERK_CLIENT_SECRET": clientSecret,
		"DURWARD_DEMO_UPSTREAM": upstream,
	}
	w.Host(withClock(clock, env))
}

// pathOf answers the path and query of a URL of the gateway's.
func (w *world) pathOf(t testing.TB, address string) string {
	t.Helper()
	path, ok := strings.CutPrefix(address, w.origin)
	if !ok {
		t.Fatalf("%s is not at %s", address, w.origin)
	}
	return path
}
