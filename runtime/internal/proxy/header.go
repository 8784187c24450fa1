package proxy

import (
	"net/http"
	"slices"
	"strings"

	"durward/runtime/internal/passage"
)

// requestHeader answers what of the client's headers the upstream gets (D5, S63, S73).
//
// The rule is a list of what must not pass, not of what may: MCP servers take settings of their own from headers
// (Mcp-Param-*, X-Mcp-Toolsets, …) which nobody here can know (D11). What must not pass is everything that is meant for
// the hop between client and gateway, or by which some proxy or sign-on layer tells an application who is calling, from
// where, or what for: an upstream that trusts such a header because "only our proxy can set it" has us for that proxy.
func requestHeader(in http.Header) http.Header {
	out := make(http.Header, len(in)+2)
	connection := in["Connection"]
	for name, values := range in {
		if staysInbound(name) || names(connection, name) {
			continue
		}
		out[name] = values
	}
	return out
}

// applyChanges makes the host's own changes to what passes of the client's headers. It comes after every rule about
// those, so the client can neither forge what the host sets nor have it removed (RFC 9110 section 7.6.1: Connection
// names headers to drop). What the client sent under another spelling of a name goes with it: see passage.Fold.
func applyChanges(to http.Header, changes []passage.Change) {
	if len(changes) == 0 {
		return
	}
	for name := range to {
		folded := passage.Fold(name)
		for i := range changes {
			c := &changes[i]
			if c.Yields || c.Name == name || passage.Fold(c.Name) != folded {
				continue
			}
			delete(to, name)
		}
	}
	for i := range changes {
		c := &changes[i]
		switch {
		case c.Yields && sent(to, c.Name):
		case len(c.Values) == 0:
			delete(to, c.Name)
		default:
			to[c.Name] = c.Values
		}
	}
}

// changeAnswer makes the host's own changes to what passes of the upstream's headers. None of them is about a header that
// frames an answer or that the host sets.
func changeAnswer(to http.Header, changes []passage.Change) {
	for i := range changes {
		if c := &changes[i]; !c.Yields || !sent(to, c.Name) {
			to[c.Name] = c.Values
		}
	}
}

// sent says that a header is there in any spelling.
func sent(h http.Header, name string) bool {
	if len(h[name]) > 0 {
		return true
	}
	folded := passage.Fold(name)
	for other := range h {
		if passage.Fold(other) == folded {
			return true
		}
	}
	return false
}

// answerHeader copies what of the upstream's headers the client gets (D5, D6, S75). What the host has already set
// stands; only Vary is joined, since both may vary.
func answerHeader(to, from http.Header) {
	connection := from["Connection"]
	for name, values := range from {
		if staysUpstream(name) || names(connection, name) {
			continue
		}
		if set, ok := to[name]; ok {
			if name == "Vary" {
				to[name] = slices.Concat(set, values)
			}
			continue
		}
		to[name] = values
	}
	if isEventStream(from) {
		// Asks proxies in front of the gateway to pass events on as they come (D4).
		to["X-Accel-Buffering"] = []string{"no"}
		delete(to, "Content-Length") // it may end before its time
	}
}

// staysInbound judges a client's header, in whatever spelling (see passage.Fold).
func staysInbound(name string) bool {
	name = passage.Fold(name)
	if hopByHop(name) {
		return true
	}
	if strings.HasPrefix(name, "Mcp-") {
		// Names of the protocol, some of them made from names of parameters: none of the rules below is about them.
		return name == "Mcp-Init-Host"
	}
	switch name {
	case
		// The body is in memory: what was said of how it comes no longer holds.
		"Content-Length", "Expect", "Host",
		// Credentials for the gateway.
		"Authorization", "Cookie", "Cookie2",
		// A browser's word on which page asks. The host has judged it; an upstream that looks for DNS rebinding or
		// forged cross-site requests would judge the gateway's own call by it.
		"Origin", "Referer",
		// Where the request came from, and what for.
		"Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Client-Ip",
		"Cf-Connecting-Ip", "Cf-Connecting-Ipv6", "Cf-Pseudo-Ipv4", "Fastly-Client-Ip", "Fly-Client-Ip",
		"X-Host", "X-Rewrite-Url", "X-Method-Override", "Front-End-Https",
		"X-Azure-Clientip", "X-Azure-Socketip", "X-Azure-Fdid",
		// To CGI it is the variable HTTP_PROXY, by which programs are told where to send their own requests.
		"Proxy",
		// Keys of other gateways' inner routing.
		"Router-Key",
		// Ids lead a person to the log: only the host chooses them.
		"X-Request-Id",
		// Who is calling, as sign-on layers write it.
		"X-Email", "X-Groups", "X-Roles", "X-Role", "X-Subject", "X-Principal", "X-Identity",
		"X-Id-Token", "X-Access-Token", "X-Jwt-Assertion":
		return true
	}
	for _, family := range [...]string{
		"Proxy-", "Access-Control-", "Sec-", "Durward-", "X-Durward-",
		"X-Forwarded", "X-Original-", "X-Http-Method", "X-Envoy-", "X-Amzn-", "X-Amz-Cf-", "X-Arr-", "X-Appengine-",
		"X-User", "X-Auth", "X-Remote-", "Remote-", "X-Webauth-", "X-Authentik-", "X-Pomerium-", "X-Vouch-", "Tailscale-",
		"X-Goog-Authenticated-", "X-Goog-Iap-", "X-Ms-Client-Principal", "X-Ms-Token-", "Cf-Access-", "Oidc-",
		"X-Consumer-", "X-Credential-", "X-Anonymous-", "X-Endpoint-Api-",
		"X-Client-Cert", "X-Client-Dn", "X-Client-Verify", "X-Ssl-", "Ssl-", "Client-Cert",
	} {
		if strings.HasPrefix(name, family) {
			return true
		}
	}
	return false
}

// staysUpstream judges an upstream's header. What speaks for an origin, or to the browser or to a proxy about it, is
// the gateway's to say; where a redirect leads is nobody's business.
func staysUpstream(name string) bool {
	if hopByHop(name) {
		return true
	}
	switch name {
	case
		"Set-Cookie", "Set-Cookie2", "Www-Authenticate", "Authentication-Info",
		"Alt-Svc", "Strict-Transport-Security", "Public-Key-Pins", "Clear-Site-Data", "Service-Worker-Allowed",
		"Location", "Content-Location", "Refresh", "Link", "Sourcemap",
		"Nel", "Report-To", "Reporting-Endpoints", "Origin-Trial", "Origin-Agent-Cluster", "Timing-Allow-Origin",
		"Server", "X-Powered-By", "X-Aspnet-Version", "X-Aspnetmvc-Version", "X-Sendfile", "X-Lighttpd-Send-File":
		return true
	}
	return strings.HasPrefix(name, "Proxy-") ||
		strings.HasPrefix(name, "Access-Control-") ||
		strings.HasPrefix(name, "X-Accel-") || // orders to an nginx in front: X-Accel-Redirect names a file of its own
		strings.HasPrefix(name, "X-Durward-")
}

// hopByHop judges by name (RFC 9110 section 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	}
	return false
}

// names says that a Connection header names another one as meant for this hop only.
func names(connection []string, name string) bool {
	for _, value := range connection {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(token, " \t"), name) {
				return true
			}
		}
	}
	return false
}

// isEventStream says that a body is text/event-stream, whatever its parameters.
func isEventStream(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.EqualFold(strings.Trim(kind, " \t"), "text/event-stream")
}
