package races

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Headers by which the upstream knows of a request for whom it asks, and whether it was sent when the grant was gone.
const (
	forHeader  = "X-Asks-For"
	lateHeader = "X-Sent-Late"
)

// upstream notes who gets through.
type upstream struct {
	*httptest.Server
	mu          sync.Mutex
	early, late map[string]int // by forHeader
}

// startUpstream answers at once, save what asks to be held: that is answered never, or as a stream that never ends.
func startUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{early: make(map[string]int), late: make(map[string]int)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.note(r)
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server look whether the other side is there still
		switch r.Header.Get("X-Hold") {
		case "call":
			<-r.Context().Done()
		case "stream":
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, ": it begins\n\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
		}
	}))
	t.Cleanup(u.Close)
	t.Cleanup(u.CloseClientConnections)
	return u
}

func (u *upstream) note(r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	count := u.early
	if r.Header.Get(lateHeader) != "" {
		count = u.late
	}
	count[r.Header.Get(forHeader)]++
}

// got answers how many requests for the subject got through that were sent while it had its grant, and how many later.
func (u *upstream) got(subject string) (early, late int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.early[subject], u.late[subject]
}
