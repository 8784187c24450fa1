package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// parseUpstream reads a resolved rewritePattern. The fault is "" or says what is wrong, without a word of the value.
func parseUpstream(text string) (upstream *url.URL, fault string) {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Opaque != "", u.Hostname() == "", !validPort(u.Port()):
		return nil, "must be an http or https URL with a host, such as https://mcp.example.com/mcp"
	case u.User != nil:
		return nil, "must be a URL without user and password"
	case strings.Contains(text, "#"):
		return nil, "must be a URL without a fragment"
	case strings.Contains(text, "?"):
		return nil, "must be a URL without a query: the request's own is passed on with forwardSearch"
	}
	return u, ""
}

// parseOrigin reads a public origin. The fault says what to write instead; user and password are never repeated.
func parseOrigin(text string) (origin, fault string) {
	const example = "must be an origin, such as https://mcp.example.com"
	u, err := url.Parse(text)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || !validPort(u.Port()) || !isASCII(u.Host) {
		return "", example
	}
	if strings.Contains(u.Host, "*") {
		return "", "must be an origin without *: list each by its name"
	}
	if u.Scheme != "https" && u.Scheme != "http" {
		return "", example
	}
	if u.Scheme == "http" && !IsLoopbackHost(u.Hostname()) {
		return "", "must be https: http is for loopback addresses only"
	}
	if origin = OriginOf(u); origin != text {
		return "", "must be an origin in its normal form, without user, path, query, fragment and default port: write " +
			strconv.Quote(origin)
	}
	return origin, ""
}

// OriginOf is the origin of an http or https URL in its normal form: in lower case, without the scheme's default port.
func OriginOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(u.Host, "[") {
		host = "[" + host + "]"
	}
	if port := u.Port(); port != "" && port != map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host += ":" + port
	}
	return u.Scheme + "://" + host
}

// isLoopbackOrigin says whether an origin is this machine only.
func isLoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && IsLoopbackHost(u.Hostname())
}

// IsLoopbackHost says whether a host, without port and brackets, is this machine only: localhost, a name below it (RFC 6761
// section 6.3), or a loopback address.
func IsLoopbackHost(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// splitListen reads HOST:PORT, in which the host may be empty for all addresses.
func splitListen(text string) (host string, ok bool) {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /@?#") {
		return "", false
	}
	// No name is made of digits and dots alone: this is an address with a slip in it.
	if _, err := netip.ParseAddr(host); err != nil && host != "" && strings.Trim(host, "0123456789.") == "" {
		return "", false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return host, err == nil && strconv.FormatUint(n, 10) == port
}

// sameAddress says whether two addresses to listen on would take a port from each other. Port 0 is another each time.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(strings.ToLower(a))
	hostB, portB, errB := net.SplitHostPort(strings.ToLower(b))
	everywhere := func(host string) bool { return host == "" || host == "0.0.0.0" || host == "::" }
	return errA == nil && errB == nil && portA == portB && portA != "0" &&
		(hostA == hostB || everywhere(hostA) || everywhere(hostB))
}

// validPort is true of no port and of 1 to 65535.
func validPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return port == "" || err == nil && n > 0
}

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > 126 || r < 33 }) < 0
}
