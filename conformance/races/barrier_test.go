package races

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"
)

// barrier is where a hostile policy's decisions on a subject wait, before or after they have read the Store.
type barrier struct {
	*httptest.Server
	mu    sync.Mutex
	holds map[string]*hold // by subject
}

// hold holds every decision on a subject at one point until it is opened.
type hold struct {
	at      string
	arrived chan int // the processes in which they wait
	opened  chan struct{}
	open    func()
}

func startBarrier(t *testing.T) *barrier {
	t.Helper()
	b := &barrier{holds: make(map[string]*hold)}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		h := b.holds[r.FormValue("subject")]
		b.mu.Unlock()
		if h == nil || h.at != r.FormValue("at") {
			return
		}
		pid, _ := strconv.Atoi(r.FormValue("pid")) // 0 if it says none, which is nobody's
		h.arrived <- pid
		select {
		case <-h.opened:
		case <-r.Context().Done(): // the process has died
		}
	}))
	t.Cleanup(b.Close)
	return b
}

// hold has decisions on the subject wait at the point from now on.
func (b *barrier) hold(subject, at string) *hold {
	h := &hold{at: at, arrived: make(chan int, 16), opened: make(chan struct{})}
	h.open = sync.OnceFunc(func() { close(h.opened) })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds[subject] = h
	return h
}

// visitor answers the process in which the next decision waits.
func (h *hold) visitor(t *testing.T) int {
	t.Helper()
	select {
	case pid := <-h.arrived:
		return pid
	case <-time.After(waiting):
		t.Fatal("no decision has come to the barrier")
		return 0
	}
}
