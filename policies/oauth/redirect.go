package oauth

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// vendorRedirects are the only redirect URIs besides https and loopback http: private-use schemes of known clients,
// exactly as those clients register them (A30, Q32). It is a list and not a rule on purpose: any application may claim
// any scheme on a device.
func vendorRedirects() []string {
	return []string{"cursor://anysphere.cursor-mcp/oauth/callback"}
}

const maxRedirect = 2048

// checkRedirect says what is wrong with a redirect URI that a client wants to register (A28, A30, S4). It is an
// allowlist: https anywhere, http on this machine, and the vendors' own.
func checkRedirect(uri string) error {
	if slices.Contains(vendorRedirects(), uri) {
		return nil
	}
	if len(uri) > maxRedirect {
		return errors.New("is longer than 2048 bytes")
	}
	odd := func(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune("\\\"<>^`{|}", c) }
	if strings.ContainsFunc(uri, odd) {
		return errors.New("holds a character that no URI may hold")
	}
	if strings.Contains(uri, "#") {
		return errors.New("has a fragment")
	}
	if _, ok := withoutLoopbackPort(uri); ok {
		return nil
	}
	rest, ok := strings.CutPrefix(uri, "https://")
	if !ok {
		return errors.New("must begin with https://, http://127.0.0.1, http://[::1] or http://localhost")
	}
	parsed, err := url.Parse(uri)
	if err != nil || parsed.User != nil || !plainHost(parsed.Hostname()) || strings.HasPrefix(rest, "/") {
		return errors.New("is not an absolute URI with a plain host")
	}
	return nil
}

// plainHost allows names and addresses, without wildcards and percent-encoding. International names come as punycode.
func plainHost(host string) bool {
	odd := func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("-._:", c)
	}
	return host != "" && !strings.ContainsFunc(host, odd)
}

// matchRedirect says whether a request may use the redirect URI: it is registered, byte for byte, but for the port of a
// loopback address (A28, A29; RFC 8252 section 7.3).
func matchRedirect(registered []string, given string) bool {
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

// withoutLoopbackPort cuts the port out of a loopback http URI. It works on the text, so that what is left is compared
// byte for byte and nothing is normalised. It answers false for anything else, "http://127.0.0.1.evil.com" included.
func withoutLoopbackPort(uri string) (string, bool) {
	for _, base := range []string{"http://127.0.0.1", "http://[::1]", "http://localhost"} {
		rest, ok := strings.CutPrefix(uri, base)
		if !ok {
			continue
		}
		if after, hasPort := strings.CutPrefix(rest, ":"); hasPort {
			end := strings.IndexAny(after, "/?")
			if end < 0 {
				end = len(after)
			}
			if !isPort(after[:end]) {
				return "", false
			}
			rest = after[end:]
		}
		if rest == "" || rest[0] == '/' || rest[0] == '?' {
			return base + rest, true
		}
	}
	return "", false
}

func isPort(text string) bool {
	if strings.ContainsFunc(text, func(c rune) bool { return c < '0' || c > '9' }) {
		return false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	return err == nil && port > 0
}

// answerTo builds the redirect that carries an authorization response. What the redirect URI's own query says stays,
// but for parameters that the response has: each of those is there once (S18). Spaces are written %20, which every
// kind of decoder reads.
func answerTo(redirect string, params ...[2]string) string {
	base, query, _ := strings.Cut(redirect, "?")
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(name)
		reserved := []string{"code", "state", "iss", "error", "error_description", "error_uri"}
		if part != "" && err == nil && !slices.Contains(reserved, decoded) {
			parts = append(parts, part)
		}
	}
	for _, param := range params {
		if param[1] != "" {
			parts = append(parts, param[0]+"="+strings.ReplaceAll(url.QueryEscape(param[1]), "+", "%20"))
		}
	}
	return base + "?" + strings.Join(parts, "&")
}
