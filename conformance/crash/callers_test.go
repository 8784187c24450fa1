package crash

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// callers call a tool again and again until stop.
type callers struct {
	cancel context.CancelFunc
	work   sync.WaitGroup
	calls  atomic.Int64

	mu     sync.Mutex
	failed []string
}

// startCallers starts n callers with the client's token, each making a call every few milliseconds: enough to meet
// every moment of a restart, and not so many that the machine has no time for it.
func startCallers(t *testing.T, c *gateway.Client, n int) *callers {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &callers{cancel: cancel}
	for range n {
		l.work.Go(func() { l.run(ctx, c) })
	}
	t.Cleanup(func() { l.stop() })
	return l
}

func (l *callers) run(ctx context.Context, c *gateway.Client) {
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		status, body, err := c.Call(context.WithoutCancel(ctx)) // the last one is answered too
		l.calls.Add(1)
		if status != http.StatusOK {
			l.mu.Lock()
			l.failed = append(l.failed, fmt.Sprintf("%d %s %v", status, body, err))
			l.mu.Unlock()
		}
	}
}

// stop ends the callers and answers what failed. It may be called more than once.
func (l *callers) stop() []string {
	l.cancel()
	l.work.Wait()
	return l.failed
}

// transport keeps a connection for every caller.
func transport(t *testing.T) http.RoundTripper {
	t.Helper()
	own := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(own.CloseIdleConnections)
	return own
}
