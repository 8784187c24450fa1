package proxy_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"
)

const answer = `{"jsonrpc":"2.0","id":"call-1","result":{"content":[{"type":"text","text":"2"}]}}`

// canned answers at once and keeps nothing.
type canned struct{}

func (canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		io.Copy(io.Discard, req.Body)
	}
	return &http.Response{
		StatusCode:    http.StatusOK,
		Header:        http.Header{"Content-Type": {"application/json"}, "Content-Length": {"82"}},
		ContentLength: int64(len(answer)),
		Body:          io.NopCloser(strings.NewReader(answer)),
		Request:       req,
	}, nil
}

// connection takes deadlines as a real one does: what refusing them costs is no part of a call.
type connection struct{ *httptest.ResponseRecorder }

func (connection) SetReadDeadline(time.Time) error  { return nil }
func (connection) SetWriteDeadline(time.Time) error { return nil }

// hotHeader is what a client sends with a call.
func hotHeader() http.Header {
	return http.Header{
		"Authorization": {"Bearer " + strings.Repeat("x", 440)}, "Accept": {"application/json, text/event-stream"},
		"Content-Type": {"application/json"}, "User-Agent": {"bench"}, "Mcp-Protocol-Version": {"2026-07-28"},
		"Mcp-Method": {"tools/call"}, "Mcp-Name": {"count"}, "Accept-Encoding": {"gzip"},
	}
}

// TestAllocations: a call through the proxy, which may be ended from elsewhere, costs no more than five allocations above a plain, tuned
// ReverseProxy. Counted without a network, since allocations are the one figure that has no noise.
func TestAllocations(t *testing.T) {
	to := parse(t, "http://127.0.0.1:1/real/mcp")
	ours := proxy.New(proxy.Options{Upstream: to, ForwardSearch: true, Transport: canned{}, Logger: discard()})
	count := func(h http.Handler) float64 {
		server := context.WithValue(t.Context(), http.ServerContextKey, new(http.Server))
		return testing.AllocsPerRun(500, func() {
			ctx, cancel := context.WithCancel(passage.With(server, new(passage.Passage)))
			req := (&http.Request{
				Method: http.MethodPost, URL: to, Header: hotHeader(), ContentLength: int64(len(call)),
				Body: io.NopCloser(bytes.NewReader([]byte(call))), Host: "gateway",
			}).WithContext(ctx)
			h.ServeHTTP(connection{httptest.NewRecorder()}, req)
			cancel()
		})
	}
	got, limit := count(ours), count(plain(to, canned{}))+5
	t.Logf("proxy %v, plain ReverseProxy + 5: %v", got, limit)
	if got > limit {
		t.Errorf("%v allocations, want at most %v", got, limit)
	}
}

// BenchmarkCall compares the proxy with a plain, tuned ReverseProxy over real connections.
func BenchmarkCall(b *testing.B) {
	to := serve(b, "h1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, answer)
	}))
	for name, h := range map[string]http.Handler{
		"proxy": passing(func(*passage.Passage) {})(proxy.New(proxy.Options{Upstream: to, Transport: transport(b, "h1"), Logger: discard()})),
		"plain": plain(to, transport(b, "h1")),
	} {
		b.Run(name, func(b *testing.B) {
			front := serve(b, "h1", h)
			client := transport(b, "h1")
			b.ReportAllocs()
			for b.Loop() {
				req, _ := http.NewRequestWithContext(b.Context(), http.MethodPost, front.String(), strings.NewReader(call))
				req.Header = hotHeader()
				res, err := client.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}
