package oauth

import (
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxForm bounds the bodies of forms, in bytes.
const maxForm = 32 << 10

// params are the parameters of a request. One without a value counts as left out (RFC 6749 section 3.1).
type params url.Values

// parseParams reads a query or a form strictly: what does not parse, is no UTF-8 (RFC 6749 appendix B), or names a
// parameter twice, is refused (S14). Only resource may be repeated (RFC 8707); what reads it then refuses more than one.
func parseParams(text string) (params, error) {
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, badRequest("invalid_request", "the parameters are malformed")
	}
	for name, given := range values {
		if !utf8.ValidString(name + "=" + strings.Join(given, "&")) {
			return nil, badRequest("invalid_request", "the parameters are not written in UTF-8")
		}
		if len(given) > 1 && name != "resource" {
			return nil, badRequest("invalid_request", "a parameter occurs more than once")
		}
	}
	return params(values), nil
}

// parseForm reads the body of a POST. Parameters in the URL do not count.
func parseForm(r *http.Request) (params, error) {
	types := r.Header.Values("Content-Type")
	if len(types) != 1 {
		return nil, badRequest("invalid_request", "the body must be application/x-www-form-urlencoded")
	}
	if media, _, err := mime.ParseMediaType(types[0]); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, badRequest("invalid_request", "the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return nil, badRequest("invalid_request", "the body is too large or could not be read")
	}
	return parseParams(string(body))
}

// get answers a parameter's value, "" if it was left out.
func (p params) get(name string) string { return url.Values(p).Get(name) }

// all answers every value of a parameter that is not empty.
func (p params) all(name string) []string {
	return slices.DeleteFunc(slices.Clone(p[name]), func(value string) bool { return value == "" })
}
