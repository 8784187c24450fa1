package config

import (
	"cmp"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// The addresses of the listeners where neither gateway.json nor an option says one.
const (
	DefaultListen = "127.0.0.1:9000"
	DefaultAdmin  = "127.0.0.1:9001"
)

// checkLoops refuses a route whose MCP server is a route of this gateway, or its listener for operators: each request would
// be sent round and round, or to whom it must not come. Under a public name only the paths of routes are this gateway's, since
// another path may be somebody else's behind the same proxy. What listens at its own addresses is the gateway alone.
func (b *build) checkLoops(routes []*routeDraft, g Gateway) {
	ours := make(map[string]string, len(g.PublicURLs)*len(routes))
	for _, r := range routes {
		if r.Pattern == nil {
			continue
		}
		if path, ok := r.Pattern.Literal(); ok {
			for _, origin := range g.PublicURLs {
				ours[origin+path] = r.ID
			}
		}
	}
	listen := cmp.Or(b.options.Listen, g.Listen, DefaultListen)
	admin := cmp.Or(b.options.Admin, g.Admin, DefaultAdmin)
	for _, r := range routes {
		if r.Upstream == nil {
			continue
		}
		at := r.at + "/x-zuplo-route/handler/options/rewritePattern"
		id, public := ours[OriginOf(r.Upstream)+r.Upstream.EscapedPath()]
		switch {
		case public:
			r.source.problem(at, "leads back to this gateway, to its route %q: write the URL of the MCP server itself", id)
		case listensAt(listen, r.Upstream):
			r.source.problem(at, `leads back to this gateway, which listens at this address ("listen"): write the URL of the `+
				"MCP server itself")
		case listensAt(admin, r.Upstream):
			r.source.problem(at, `leads to this gateway's own listener for operators ("admin"): write the URL of the MCP server`)
		}
	}
}

// listensAt tells whether who listens at HOST:PORT is reached by a URL from this machine. Of a name that is not this machine's
// for certain nobody can say so without asking, and port 0 is another each time.
func listensAt(listen string, u *url.URL) bool {
	host, port, err := net.SplitHostPort(strings.ToLower(listen))
	asked := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	if err != nil || port == "0" || port != asked {
		return false
	}
	name := strings.ToLower(u.Hostname())
	address, err := netip.ParseAddr(host)
	everywhere := host == "" || err == nil && address.Unmap().IsUnspecified()
	named, err := netip.ParseAddr(name)
	switch {
	case name == host, err == nil && named.Unmap() == address.Unmap():
		return true
	case everywhere:
		return IsLoopbackHost(name) || err == nil && named.IsUnspecified()
	}
	// localhost may be either loopback address; 127.0.0.2 is another than 127.0.0.1.
	isName := func(host string) bool { return host == "localhost" || strings.HasSuffix(host, ".localhost") }
	return (isName(name) || err == nil && named.IsUnspecified()) && IsLoopbackHost(host) || isName(host) && IsLoopbackHost(name)
}
