package decisions

import (
	"context"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"

	"durward/conformance/gateway"
)

const policy = "clerk"

// counts are decisions by where they came from. What is zero is left out.
type counts map[string]uint64

// counted answers what the decisions of do came from.
func counted(t *testing.T, g *gateway.Gateway, do func()) counts {
	t.Helper()
	before := g.Policy(policy).Decisions
	do()
	spent := counts{}
	for source, n := range g.Policy(policy).Decisions {
		if n -= before[source]; n > 0 {
			spent[source] = n
		}
	}
	return spent
}

func wantCounts(t *testing.T, what string, got, want counts) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: decisions %v, want %v", what, got, want)
	}
}

// call presents a token once and answers the status.
func call(t *testing.T, ctx context.Context, c *gateway.Client, token string) int {
	t.Helper()
	resp, err := c.Send(ctx, token, "echo", `{"text":"hello"}`)
	if err != nil {
		t.Error(err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
	return resp.StatusCode
}

// times presents a token n times, one after the other.
func times(t *testing.T, n int, c *gateway.Client, token string, want int) {
	t.Helper()
	for range n {
		if got := call(t, t.Context(), c, token); got != want {
			t.Errorf("status %d, want %d", got, want)
		}
	}
}

// atOnce presents a token n times at the same time.
func atOnce(t *testing.T, n int, c *gateway.Client, token string, want int) {
	t.Helper()
	var work sync.WaitGroup
	start := make(chan struct{})
	for range n {
		work.Go(func() {
			<-start
			if got := call(t, t.Context(), c, token); got != want {
				t.Errorf("status %d, want %d", got, want)
			}
		})
	}
	close(start)
	work.Wait()
}
