package runtime_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"durward/runtime"
)

// canned answers at once, in place of every upstream.
type canned struct{}

func (canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	const answer = `{"jsonrpc":"2.0","id":1,"result":{}}`
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		ContentLength: int64(len(answer)), Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

// BenchmarkRoute is a request over a real connection, through a decision that is remembered, and through policies inside
// the host. What the client does is counted too.
func BenchmarkRoute(b *testing.B) {
	routes := []struct {
		name     string
		policies []string
	}{{"decision", []string{"a"}}, {"key", []string{"a", "key"}}, {"principal", []string{"a", "who", "key"}}}
	w := start(b, func(w *world) {
		w.setup.policy("a").TTL = 3600
		w.setup.inHost("key", setKey, map[string]any{"value": "Bearer k"})
		w.setup.inHost("who", setHeaders, headers("X-User-Id", "${principal.sub}", "X-Mail", "${principal.email}"))
		for _, r := range routes {
			made := w.setup.route(r.name)
			made.upstream, made.policies = w.upstream.URL, r.policies
		}
	}, func(o *runtime.Options) {
		o.WrapTransport = func(http.RoundTripper) http.RoundTripper { return canned{} }
		o.Logger = nil
	})
	for _, r := range routes {
		b.Run(r.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := w.send(http.MethodPost, "/mcp/"+r.name, ping, "Authorization", "Bearer good"); got.status != http.StatusOK {
					b.Fatalf("answered %d %s", got.status, got.body)
				}
			}
		})
	}
}
