package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"durward/runtime/internal/passage"
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
	applyChanges(out.Header, passage.From(ctx).Changes())
	if len(out.Header["User-Agent"]) == 0 {
		out.Header["User-Agent"] = []string{""} // else the Transport names itself
	}
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
