// Package origin owns the question under which origin a request came, and from which address.
//
// It promises an origin in one canonical form ("scheme://host[:port]", lower case, no default port) that a client could
// not choose freely: with configured public origins it is one of them, on a loopback listener its host is a loopback
// name, and forwarded headers count only when a trusted proxy sent them. What does not fit is refused, with a text
// that says what to change.
//
// It does not judge who a caller is, nor does it answer CORS: it only keeps foreign names and foreign pages out.
package origin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Rules are what a request's origin is found by. The zero value takes any Host as it comes.
type Rules struct {
	public   []string
	trusted  []netip.Prefix
	loopback bool
}

// New makes rules. public are the gateway's origins; with none, the request's own origin counts. Forwarded headers are
// believed from the addresses in trusted. loopback says that the listener can be reached from this machine only: then,
// unless there are public origins, only loopback names and pages of loopback origins are served, which keeps a web
// page from reaching the gateway through a name that it rebinds (requirements D1, S70).
func New(public []string, trusted []netip.Prefix, loopback bool) *Rules {
	r := &Rules{trusted: trusted, loopback: loopback && len(public) == 0}
	for _, o := range public {
		r.public = append(r.public, strings.ToLower(o))
	}
	return r
}

// Caller is what the rules found.
type Caller struct {
	// Origin is "scheme://host[:port]" as the client called it.
	Origin string
	// Known says that Origin is certainly the gateway's own: one that was configured, or a loopback name where the listener
	// can be reached from this machine only. Otherwise it is whatever the caller wrote.
	Known bool
	// Address is the client's IP address.
	Address string
}

// Own is Origin if it is known to be the gateway's own, else "".
func (c Caller) Own() string {
	if !c.Known {
		return ""
	}
	return c.Origin
}

// Refusal is why a request is not served.
type Refusal struct {
	// Status is the HTTP status to answer: 400, 403 or 421.
	Status int
	// Text tells a person what to change.
	Text string
}

// Caller finds the origin and the address of r, or refuses it.
func (u *Rules) Caller(r *http.Request) (Caller, *Refusal) {
	scheme, host := "http", r.Host
	if r.TLS != nil {
		scheme = "https"
	}
	peer := peerAddress(r)
	c := Caller{Address: peer.String()}
	if u.trusts(peer) {
		if p := r.Header.Get("X-Forwarded-Proto"); p == "http" || p == "https" {
			scheme = p
		}
		if h := r.Header.Get("X-Forwarded-Host"); h != "" {
			host = h
		}
		c.Address = u.client(r, peer).String()
	}
	host, ok := canonicalHost(host, scheme)
	if !ok {
		return c, &Refusal{http.StatusBadRequest, "the Host header is not a host name with an optional port"}
	}
	if len(u.public) > 0 {
		o, ok := u.publicOrigin(scheme, host)
		if !ok {
			return c, &Refusal{http.StatusMisdirectedRequest,
				"this host is not one of the gateway's own: add its origin to publicUrl in gateway.json if it should be"}
		}
		c.Origin, c.Known = o, true
		return c, nil
	}
	if u.loopback {
		if !isLoopbackHost(host) {
			return c, &Refusal{http.StatusMisdirectedRequest,
				"the gateway listens on a loopback address and serves loopback names only: set publicUrl in gateway.json " +
					"to the origin that clients use"}
		}
		if o := r.Header.Get("Origin"); o != "" && !isLoopbackOrigin(o) && !ownPage(r) {
			return c, &Refusal{http.StatusForbidden,
				"the gateway listens on a loopback address and answers pages of loopback origins only: set publicUrl in " +
					"gateway.json to serve others"}
		}
	}
	c.Origin, c.Known = scheme+"://"+host, u.loopback
	return c, nil
}

// publicOrigin picks the configured origin for a host. Of two that differ in the scheme alone, the request's scheme
// decides; otherwise the configured scheme stands, since TLS may end before us.
func (u *Rules) publicOrigin(scheme, host string) (string, bool) {
	found := ""
	for _, o := range u.public {
		s, h, _ := strings.Cut(o, "://")
		if h, ok := canonicalHost(h, s); !ok || !sameHost(h, s, host, scheme) {
			continue
		}
		if s == scheme {
			return o, true
		}
		if found == "" {
			found = o
		}
	}
	return found, found != ""
}

// sameHost compares a configured host with a request's. A request that arrives in plain from a proxy names the port
// of the public scheme, or none.
func sameHost(public, publicScheme, host, scheme string) bool {
	if public == host {
		return true
	}
	stripped, ok := canonicalHost(host, publicScheme)
	return ok && publicScheme != scheme && public == stripped
}

func (u *Rules) trusts(a netip.Addr) bool {
	for _, p := range u.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// client walks X-Forwarded-For from the right, past the proxies we trust, to the first address that one of them saw.
func (u *Rules) client(r *http.Request, peer netip.Addr) netip.Addr {
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	last := peer
	for _, hop := range slices.Backward(hops) {
		hop = strings.TrimSpace(hop)
		a, err := netip.ParseAddr(hop)
		if err != nil { // some proxies write the port too
			at, err := netip.ParseAddrPort(hop)
			if err != nil {
				return last
			}
			a = at.Addr()
		}
		last = a.Unmap()
		if !u.trusts(last) {
			return last
		}
	}
	return last
}

func peerAddress(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

// canonicalHost answers host in lower case without the scheme's default port, and whether it is a plain host name or
// IP address with an optional port at all.
func canonicalHost(host, scheme string) (string, bool) {
	host = strings.ToLower(host)
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name, port = host[:i], host[i+1:]
		if port == "" || len(port) > 5 || strings.Trim(port, "0123456789") != "" {
			return "", false
		}
	}
	if bracketed, v6 := strings.CutPrefix(name, "["); v6 {
		address, closed := strings.CutSuffix(bracketed, "]")
		a, err := netip.ParseAddr(address)
		if err != nil || !a.Is6() || a.Zone() != "" || !closed {
			return "", false
		}
		name = "[" + a.String() + "]"
	} else if name == "" || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		return "", false
	}
	if port == "" || (scheme == "http" && port == "80") || (scheme == "https" && port == "443") {
		return name, true
	}
	return name + ":" + port, true
}

func isLoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isLoopbackHost(u.Host)
}

// ownPage tells whether a page of the very origin that is asked sent the request and keeps its own name to itself: with
// Referrer-Policy: no-referrer browsers write "Origin: null" to that origin too. Sec-Fetch-Site, which no page can set,
// tells it from a page that hides (S70). Whether the origin is ours the Host has shown.
func ownPage(r *http.Request) bool {
	return r.Header.Get("Origin") == "null" && r.Header.Get("Sec-Fetch-Site") == "same-origin"
}

// isLoopbackHost tells whether host[:port] can only mean this machine.
func isLoopbackHost(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil && a.Unmap().IsLoopback()
}

// IsLoopbackAddr tells whether a listener's address can be reached from this machine only.
func IsLoopbackAddr(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}
