package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"durward/runtime"
)

// patience bounds every wait of a test: far more than anything here needs.
const patience = 10 * time.Second

// route is the one route of a host, without any policy.
const route = "/mcp/open"

// host is a gateway in this process.
type host struct {
	url string
	log bytes.Buffer // to be read when the host has ended

	t      testing.TB
	cancel context.CancelFunc
	ended  chan error
}

// start starts a host with one route to the upstream. wrap, if not nil, goes around its transport.
func start(t testing.TB, upstream string, wrap func(http.RoundTripper) http.RoundTripper) *host {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, content any) {
		text, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type object = map[string]any
	write("policies.json", object{"policies": []any{}})
	write("gateway.json", object{"publicRoutes": []string{"open"}})
	write("routes.oas.json", object{
		"openapi": "3.1.0", "info": object{"title": "One open route", "version": "1"},
		"paths": object{route: object{"post": object{
			"operationId": "open",
			"x-zuplo-route": object{"handler": object{
				"export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": object{"rewritePattern": upstream},
			}},
		}}},
	})
	h := &host{t: t, ended: make(chan error, 1)}
	r, err := runtime.New(runtime.Options{
		Config: folder, Data: filepath.Join(folder, "data"), Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", StoreKey: make([]byte, 32),
		Logger: slog.New(slog.NewJSONHandler(&h.log, nil)), WrapTransport: wrap, Drain: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel = cancel
	go func() { h.ended <- r.Run(ctx) }()
	select {
	case <-r.Ready():
	case err := <-h.ended:
		cancel()
		t.Fatalf("the host did not start: %v", err)
	}
	h.url = "http://" + r.Addr().String() + route
	t.Cleanup(h.stop)
	return h
}

// stop ends the host. It may be called more than once.
func (h *host) stop() {
	if h.cancel == nil {
		return
	}
	h.cancel()
	h.cancel = nil
	if err := <-h.ended; err != nil {
		h.t.Errorf("the host ended with %v", err)
	}
	if h.t.Failed() {
		h.t.Logf("the host's log:\n%s", h.log.Bytes())
	}
}

// serve starts an upstream that speaks HTTP/1.1 in plain, or HTTP/2 over TLS. trust makes a transport of ours accept its
// certificate.
func serve(t testing.TB, http2 bool, handler http.Handler) (address string, trust func(http.RoundTripper) http.RoundTripper) {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if http2 != (r.ProtoMajor == 2) {
			t.Errorf("the upstream was spoken to in %s", r.Proto)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		s.CloseClientConnections() // a handler that waits for its client to leave is not waited for
		s.Close()
	})
	if !http2 {
		s.Start()
		return s.URL + "/mcp", func(base http.RoundTripper) http.RoundTripper { return base }
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	roots := s.Client().Transport.(*http.Transport).TLSClientConfig
	return s.URL + "/mcp", func(base http.RoundTripper) http.RoundTripper {
		base.(*http.Transport).TLSClientConfig = roots.Clone()
		return base
	}
}

// newClient makes a client whose connections are nobody else's.
func newClient(t testing.TB) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// within bounds a test's waiting.
func within(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// await waits for a channel, or says what did not happen.
func await[T any](ctx context.Context, from <-chan T, what string) (T, error) {
	select {
	case v := <-from:
		return v, nil
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%s: it did not happen: %w", what, ctx.Err())
	}
}
