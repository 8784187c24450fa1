package reload

import (
	"context"
	"fmt"
	"net/http"
	"slices"
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
func (u *users) counter(test testing.TB, version string) {
	test.Helper()
	const steps, interval = 60, 100 * time.Millisecond
	client := u.g.MustLogin(test)
	var mu sync.Mutex
	var progress []float64
	all := make(chan struct{}, 1)
	c := mcp.NewClient(&mcp.Implementation{Name: "counter", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
			mu.Lock()
			defer mu.Unlock()
			if progress = append(progress, r.Params.Progress); len(progress) == steps {
				all <- struct{}{}
			}
		},
	})
	// The client's standing GET stream is left out: it would, as G4 has it, end 30 s after the first edit.
	session, err := c.Connect(test.Context(), &mcp.StreamableClientTransport{
		Endpoint: u.g.MCP(), HTTPClient: &http.Client{Transport: bearer{client}}, MaxRetries: -1, DisableStandaloneSSE: true,
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
			u.fail("count %d with %s: %v", n, version, err)
			return
		}
		if text, ok := result.Content[0].(*mcp.TextContent); !ok || text.Text != fmt.Sprintf("counted to %d", steps) {
			u.fail("count %d with %s: the answer is %v", n, version, result.Content)
		}
		select {
		case <-all:
		case <-ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(progress, want) {
			u.fail("count %d with %s: the progress that came is %v", n, version, progress)
		}
		progress = nil
	}
	u.wg.Go(func() {
		for n := 1; ; n++ {
			count(n)
			select {
			case <-u.over:
				if err := session.Close(); err != nil {
					u.fail("end the session of %s: %v", version, err)
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
