package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request makes the request to the upstream, with the body in memory.
func (h *handler) request(ctx context.Context, in *http.Request, body []byte) *http.Request {
	out := (&http.Request{
		Method: in.Method,
		URL:    h.target(in.URL.RawQuery),
		Header: requestHeader(in.Header),
		Host:   h.Upstream.Host,
	}).WithContext(ctx)
	if id := h.RequestID(ctx); id != "" {
		out.Header["X-Request-Id"] = []string{id}
	}
	applyHeader(out.Header, headerFrom(ctx))
	if len(body) == 0 {
		return out
	}
	// The Transport knows a bytes.Reader inside io.NopCloser for one in memory: head and body leave in one write.
	out.Body = io.NopCloser(bytes.NewReader(body))
	out.ContentLength = int64(len(body))
	if !claimsIdempotence(out.Header) {
		// Lets the Transport try again when it had a dead connection at hand and has written nothing.
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return out
}

// claimsIdempotence says that the Transport would, on the client's word and if it could read the body anew, send a POST
// again that was already written.
func claimsIdempotence(h http.Header) bool {
	return len(h["Idempotency-Key"]) > 0 || len(h["X-Idempotency-Key"]) > 0
}

// target answers the URL to call for a client's query.
func (h *handler) target(query string) *url.URL {
	if !h.ForwardSearch || query == "" {
		return h.Upstream
	}
	if query = withoutToken(query); query == "" {
		return h.Upstream
	}
	u := *h.Upstream
	if u.RawQuery != "" {
		query = u.RawQuery + "&" + query
	}
	u.RawQuery = query
	return &u
}

// withoutToken removes access_token (RFC 6750 section 2.3) from a query: the host takes no credential from there (S64),
// but a client that sends one has sent it to the gateway, not to the upstream.
func withoutToken(query string) string {
	if !strings.Contains(query, "_") && !strings.Contains(query, "%") {
		return query
	}
	kept := make([]string, 0, 8)
	for pair := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		if decoded, err := url.QueryUnescape(name); err == nil && strings.EqualFold(decoded, "access_token") {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

type headerKey struct{}

// WithHeader adds to what the host itself sends upstream for the request of ctx: an upstream's API key, say, or what a
// decision sets. It comes after every rule about the client's headers, so the client can neither forge it nor have it
// removed (RFC 9110 section 7.6.1: Connection names headers to drop). A name with no values removes the header; a later
// WithHeader wins over an earlier one, name by name. A host that sets a header on the inbound request instead would see
// it judged as the client's.
func WithHeader(ctx context.Context, set http.Header) context.Context {
	before := headerFrom(ctx)
	merged := make(http.Header, len(before)+len(set))
	for _, from := range []http.Header{before, set} {
		for name, values := range from {
			merged[http.CanonicalHeaderKey(name)] = values
		}
	}
	return context.WithValue(ctx, headerKey{}, merged)
}

func headerFrom(ctx context.Context) http.Header {
	set, _ := ctx.Value(headerKey{}).(http.Header)
	return set
}

func applyHeader(to, set http.Header) {
	for name, values := range set {
		if len(values) == 0 {
			delete(to, name)
			continue
		}
		to[name] = values
	}
	if len(to["User-Agent"]) == 0 {
		to["User-Agent"] = []string{""} // else the Transport names itself
	}
}
