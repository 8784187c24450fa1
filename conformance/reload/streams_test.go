package reload

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"durward/conformance/gateway"
)

// The two protocol eras.
const (
	withSessions    = "2025-11-25"
	withoutSessions = "2026-07-28"
)

// counter calls the tool count again and again with the SDK's client, on the route whose policy is edited. Each answer
// takes some seconds, and so outlives edits, but not the 30 s after which G4 may end it.
func (t *traffic) counter(test testing.TB, version string) {
	test.Helper()
	const steps, interval = 60, 100 * time.Millisecond
	client := t.g.MustLogin(test)
	var mu sync.Mutex
	var progress []float64
	all := make(chan struct{}, 1)
	c := mcp.NewClient(&mcp.Implementation{Name: "counter", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			mu.Lock()
			defer mu.Unlock()
			t.events.Add(1)
			if progress = append(progress, r.Params.Progress); len(progress) == steps {
				all <- struct{}{}
			}
		},
	})
	// The client's standing GET stream is left out: it would, as G4 has it, end 30 s after the first edit.
	session, err := c.Connect(test.Context(), &mcp.StreamableClientTransport{
		Endpoint: t.g.MCP(), HTTPClient: &http.Client{Transport: bearer{client}}, MaxRetries: -1, DisableStandaloneSSE: true,
	}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err != nil {
		test.Fatalf("connect with %s: %v", version, err)
	}
	var want []float64
	for step := range steps {
		want = append(want, float64(step+1))
	}
	count := func(n int) {
		ctx, cancel := context.WithTimeout(context.Background(), steps*interval+patience)
		defer cancel()
		params := &mcp.CallToolParams{Name: "count", Meta: mcp.Meta{}, Arguments: map[string]any{
			"steps": steps, "intervalMs": interval.Milliseconds(),
		}}
		params.SetProgressToken(fmt.Sprint(n))
		result, err := session.CallTool(ctx, params)
		if err != nil {
			t.fail("count %d with %s: %v", n, version, err)
			return
		}
		if text, ok := result.Content[0].(*mcp.TextContent); !ok || text.Text != fmt.Sprintf("counted to %d", steps) {
			t.fail("count %d with %s: the answer is %v", n, version, result.Content)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(progress, want) {
			t.fail("count %d with %s: the progress that came is %v", n, version, progress)
		}
		progress = nil
	}
	t.wg.Go(func() {
		for n := 1; ; n++ {
			count(n)
			select {
			case <-t.over:
				if err := session.Close(); err != nil {
					t.fail("end the session of %s: %v", version, err)
				}
				return
			default:
			}
		}
	})
}

// bearer adds a client's token.
type bearer struct{ client *gateway.Client }

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.client.Tokens.AccessToken)
	return http.DefaultTransport.RoundTrip(r)
}

// steady is an MCP server's stand-in that answers everything with a stream of numbered events, until over is closed.
// Then it sends the last one.
func steady(test testing.TB, over <-chan struct{}) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does a server notice that its client has gone
		w.Header().Set("Content-Type", "text/event-stream")
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for n := 1; ; n++ {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-ticker.C:
			case <-over:
				_, _ = fmt.Fprintf(w, "data: done after %d\n\n", n)
				return
			case <-r.Context().Done():
				return
			}
		}
	}))
	test.Cleanup(s.Close)
	return s
}

// stream is an answer of steady's that lasts through all edits, on a route that none of them changes.
type stream struct {
	method string
	ended  chan struct{}
}

func (t *traffic) stream(test testing.TB, method string) {
	test.Helper()
	r, err := http.NewRequestWithContext(test.Context(), method, t.g.URL+"/mcp/steady", strings.NewReader(""))
	if err != nil {
		test.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		test.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		test.Fatalf("%s of the steady stream: %s", method, answer.Status)
	}
	s := &stream{method, make(chan struct{})}
	t.streams = append(t.streams, s)
	t.wg.Go(func() {
		defer close(s.ended)
		defer answer.Body.Close()
		n := 0
		last := ""
		for lines := bufio.NewScanner(answer.Body); ; {
			if !lines.Scan() {
				if lines.Err() != nil || last != fmt.Sprintf("data: done after %d", n) {
					t.fail("the steady stream by %s ended with %v after event %d, %q", method, lines.Err(), n, last)
				}
				return
			}
			if lines.Text() == "" {
				continue // the end of an event
			}
			if last = lines.Text(); strings.HasPrefix(last, "data: done") {
				continue
			}
			t.events.Add(1)
			if n++; last != fmt.Sprintf("data: %d", n) {
				t.fail("the steady stream by %s: %q came for event %d", method, last, n)
				return
			}
		}
	})
}

// uncut fails if a steady stream has ended.
func (t *traffic) uncut(test testing.TB, when string) {
	test.Helper()
	for _, s := range t.streams {
		select {
		case <-s.ended:
			test.Errorf("G4: the steady stream by %s had ended %s", s.method, when)
		default:
		}
	}
}
