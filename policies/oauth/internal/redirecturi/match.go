package redirecturi

import (
	"net/url"
	"slices"
	"strings"
)

// Match says whether a request may use the redirect URI: it is registered, byte for byte, but for the port of a
// loopback address (A28, A29, Q16; RFC 8252 section 7.3). What is registered has passed Check.
func Match(registered []string, given string) bool {
	if slices.Contains(registered, given) {
		return true
	}
	bare, ok := withoutLoopbackPort(given)
	if !ok {
		return false
	}
	return slices.ContainsFunc(registered, func(uri string) bool {
		known, isLoopback := withoutLoopbackPort(uri)
		return isLoopback && known == bare
	})
}

// IsLoopback says whether a URI is plain http to this machine, by one of the three names that RFC 8252 and OAuth 2.1
// give it. "http://127.0.0.1.evil.com" is not.
func IsLoopback(uri string) bool {
	_, ok := withoutLoopbackPort(uri)
	return ok
}

// Host answers the name or address of an https redirect URI in lower case, without its port. It is empty for one that
// stays on the person's machine: a loopback address, or a vendor's own scheme.
func Host(uri string) string {
	parsed, err := url.Parse(uri)
	if err != nil || parsed.Scheme != "https" {
		return ""
	}
	return strings.ToLower(parsed.Hostname())
}

// withoutLoopbackPort cuts the port out of a loopback http URI, so that what is left can be compared byte for byte. It
// answers false for anything else.
func withoutLoopbackPort(uri string) (string, bool) {
	authority, rest := "", ""
	if after, ok := strings.CutPrefix(uri, "http://"); ok {
		authority, rest = cutAuthority(after)
	}
	for _, host := range []string{"127.0.0.1", "[::1]", "localhost"} {
		port, ok := strings.CutPrefix(authority, host)
		if !ok {
			continue
		}
		digits, hasPort := strings.CutPrefix(port, ":")
		return "http://" + host + rest, port == "" || hasPort && isPort(digits)
	}
	return "", false
}
