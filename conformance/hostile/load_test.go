package hostile

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// neighbourName is for whom the neighbour's requests ask.
const neighbourName = "neighbour"

// neighbour is the traffic of the policy that ships: calls whose decision is remembered, and refreshes, which its
// process answers. None of it may fail.
type neighbour struct {
	calls, refreshes atomic.Int64
	stop             func()
}

func (n *neighbour) String() string {
	return fmt.Sprintf("the neighbour made %d calls and %d refreshes", n.calls.Load(), n.refreshes.Load())
}

func newNeighbour(t *testing.T, w *world) *neighbour {
	t.Helper()
	caller, refresher := w.g.MustLogin(t), w.g.MustLogin(t)
	n := new(neighbour)
	call := func(ctx context.Context) error {
		status, body, err := caller.Call(ctx)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("status %d: %s", status, body)
		}
		n.calls.Add(1)
		return err
	}
	if err := call(t.Context()); err != nil {
		t.Fatalf("the neighbour's first call: %v", err)
	}
	n.stop = repeat(t, map[string]func(context.Context) error{
		"call": call,
		"refresh": func(ctx context.Context) error {
			n.refreshes.Add(1)
			return refresher.Refresh(ctx)
		},
	}, 50*time.Millisecond)
	return n
}

// repeat does each thing again and again until stop is called or one of them fails.
func repeat(t *testing.T, things map[string]func(context.Context) error, pause time.Duration) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for what, do := range things {
		work.Go(func() {
			ticker := time.NewTicker(pause)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
				if err := do(context.WithoutCancel(ctx)); err != nil { // the last one is answered too
					t.Errorf("G7: the neighbour's %s failed: %v", what, err)
					return
				}
			}
		})
	}
	stop = func() { cancel(); work.Wait() }
	t.Cleanup(stop)
	return stop
}

// callers ask on the routes of the hostile policies: the granted, a stranger with a credential, and one without.
type callers struct {
	mu   sync.Mutex
	got  map[string]map[int]int // by policy/subject, how often which status
	stop func()
}

// address is one of many clients'.
func address(i int) string { return fmt.Sprintf("198.51.100.%d", i) }

// load starts the callers on the policies' routes.
func (w *world) load(names ...string) *callers {
	c := &callers{got: make(map[string]map[int]int)}
	things := make(map[string]func(context.Context) error)
	for i, name := range names {
		for j, subject := range []string{granted, stranger, ""} {
			address := address(i*3 + j)
			things[name+"/"+subject] = func(context.Context) error {
				c.note(name+"/"+subject, w.ask(name, subject, address))
				return nil
			}
		}
	}
	c.stop = repeat(w.t, things, 500*time.Millisecond)
	return c
}

func (c *callers) note(who string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.got[who] == nil {
		c.got[who] = make(map[int]int)
	}
	c.got[who][status]++
}

// wantOrderly wants every caller to have been answered as somebody who is granted, refused or told to try again.
func (c *callers) wantOrderly(t *testing.T, name string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for subject, may := range map[string][]int{
		granted:  {http.StatusOK, http.StatusServiceUnavailable},
		stranger: {http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable},
		"":       {http.StatusUnauthorized, http.StatusServiceUnavailable},
	} {
		got := c.got[name+"/"+subject]
		total := 0
		for _, status := range may {
			total += got[status]
		}
		for status, n := range got {
			if total -= n; total < 0 {
				t.Errorf("%s: %q was answered %d times %d: %v", name, subject, n, status, got)
				break
			}
		}
		if len(got) == 0 {
			t.Errorf("%s: %q did not ask", name, subject)
		}
	}
}

// wantAll wants all that the subject asked to have been answered so.
func (c *callers) wantAll(t *testing.T, name, subject string, want int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if got := c.got[name+"/"+subject]; len(got) != 1 || got[want] == 0 {
		t.Errorf("%s: %s was answered %v, want %d only", name, subject, got, want)
	}
}
