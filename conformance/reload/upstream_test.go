package reload

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What is asked of the upstream and what it says: a call with one document for its answer, or one with a stream.
const (
	plainCall   = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{}}}`
	plainAnswer = `{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"hello"}]}}`
	streamCall  = `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"watch","arguments":{},"_meta":{"progressToken":1}}}`
)

// between is the time between two events of a stream.
const between = time.Second

// upstream is an MCP server's stand-in. A call is answered with one document; the one that watches, and GET, with a
// stream of numbered events that has no end until there is to be one.
type upstream struct {
	*httptest.Server
	mu   sync.Mutex
	over chan struct{} // closed when streams are to end
}

func newUpstream(test testing.TB) *upstream {
	test.Helper()
	u := &upstream{over: make(chan struct{})}
	u.Server = httptest.NewServer(u)
	test.Cleanup(u.Close)
	return u
}

// until says when the streams are to end that are opened from now on.
func (u *upstream) until(over chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over = over
}

func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body) // only then does a server notice that its client has gone
	if err != nil {
		return
	}
	if r.Method == http.MethodPost && !strings.Contains(string(body), `"watch"`) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, plainAnswer)
		return
	}
	u.mu.Lock()
	over := u.over
	u.mu.Unlock()
	w.Header().Set("Content-Type", "text/event-stream")
	ticker := time.NewTicker(between)
	defer ticker.Stop()
	for n := 1; ; n++ {
		_, _ = fmt.Fprintf(w, `data: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":%d}}`+"\n\n", n)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-ticker.C:
		case <-over:
			if r.Method == http.MethodPost {
				_, _ = fmt.Fprintf(w, `data: {"jsonrpc":"2.0","id":7,"result":{"events":%d}}`+"\n\n", n)
			}
			return
		case <-r.Context().Done():
			return
		}
	}
}
