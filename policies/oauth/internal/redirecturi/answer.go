package redirecturi

import (
	"net/url"
	"slices"
	"strings"
)

// Param is a parameter of an authorization response (RFC 6749 section 4.1.2). One without a value is left out.
type Param struct{ Name, Value string }

// reserved are the parameters of authorization responses (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).
func reserved() []string {
	return []string{"code", "state", "iss", "error", "error_description", "error_uri"}
}

// Answer builds the URI that carries an authorization response. What the redirect URI's own query says stays (A28), but
// for parameters that a response may have: each of those is there once, and ours (S18). Spaces are written %20, which
// every kind of decoder reads.
func Answer(redirect string, params ...Param) string {
	base, query, _ := strings.Cut(redirect, "?")
	var parts []string
	for part := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(name)
		if part != "" && err == nil && !slices.Contains(reserved(), decoded) {
			parts = append(parts, part)
		}
	}
	for _, param := range params {
		if param.Value != "" {
			parts = append(parts, param.Name+"="+strings.ReplaceAll(url.QueryEscape(param.Value), "+", "%20"))
		}
	}
	return base + "?" + strings.Join(parts, "&")
}
