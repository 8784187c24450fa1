package cors

import (
	"net/netip"
	"strings"
)

// origin is a scheme, a host and a port (RFC 6454 section 4), in normal form: in lower case, without the scheme's default
// port. Of a wildcard the host begins with "*.".
type origin struct{ scheme, host, port string }

// matches says whether a page of the other origin is meant. A wildcard stands for one label.
func (o origin) matches(page origin) bool {
	if o.scheme != page.scheme || o.port != page.port {
		return false
	}
	below, wildcard := strings.CutPrefix(o.host, "*")
	if !wildcard {
		return o.host == page.host
	}
	label, found := strings.CutSuffix(page.host, below)
	return found && label != "" && !strings.Contains(label, ".")
}

// parse reads the Origin of a page, as browsers write it (RFC 6454 section 6.2). "null" is none.
func parse(text string) (o origin, ok bool) {
	scheme, rest, found := strings.Cut(text, "://")
	o.scheme, o.host = strings.ToLower(scheme), strings.ToLower(rest)
	if !found || !isScheme(o.scheme) {
		return origin{}, false
	}
	if i := strings.LastIndexByte(o.host, ':'); i >= 0 && !strings.HasSuffix(o.host, "]") {
		o.host, o.port = o.host[:i], o.host[i+1:]
		if !isPort(o.port) {
			return origin{}, false
		}
	}
	if o.scheme == "http" && o.port == "80" || o.scheme == "https" && o.port == "443" {
		o.port = ""
	}
	return o, isHost(o.host)
}

func isScheme(s string) bool {
	return s != "" && 'a' <= s[0] && s[0] <= 'z' &&
		strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

func isPort(s string) bool {
	return s != "" && len(s) <= 5 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

func isHost(s string) bool {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		a, err := netip.ParseAddr(inner)
		return ok && err == nil && a.Is6() && a.Zone() == ""
	}
	if s == "" || len(s) > 253 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" {
			return false
		}
	}
	return true
}
