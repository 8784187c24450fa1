package reload

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// patience bounds how long one request may take, on a machine that does much else.
const patience = 30 * time.Second

// The load: so many callers, each a request that often, and so many streams on three routes.
const (
	callers = 16
	every   = 100 * time.Millisecond
	streams = 200
)

// way is one route of a gateway, as somebody who may use it sees it.
type way struct {
	name, url string
	// token is the bearer token; "" where none is asked for.
	token string
}

func (w way) request(ctx context.Context, method, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, w.url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": withSessions,
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

// call makes one call whose answer is one document.
func (w way) call(ctx context.Context, c *http.Client) error {
	r, err := w.request(ctx, http.MethodPost, plainCall)
	if err != nil {
		return err
	}
	status, body, err := do(c, r)
	if err == nil && (status != http.StatusOK || body != plainAnswer) {
		err = fmt.Errorf("%s answered %d: %.300s", w.name, status, body)
	}
	return err
}

// crowd is everybody who uses a gateway while it is reloaded.
type crowd struct {
	// over is closed when the reloads are done: each request is finished then. stop closes it and waits for that.
	over chan struct{}
	stop func()
	wg   sync.WaitGroup

	mu       sync.Mutex
	failures []string

	callers []*caller
	// regulars is how many of the callers, the first, do nothing but call.
	regulars int
	streams  fan
}

// newCrowd makes one that does not outlast the test.
func newCrowd(test testing.TB) *crowd {
	c := &crowd{over: make(chan struct{})}
	c.streams.changes = make(map[string][]change)
	c.stop = sync.OnceFunc(func() {
		close(c.over)
		c.wg.Wait()
	})
	test.Cleanup(c.stop)
	return c
}

// load adds what every gateway is under: callers on all four ways, streams on the first three and, where they are to end
// again and again, a few on the fourth.
func (c *crowd) load(u *upstream, ways []way) {
	for i := range callers {
		w := ways[i%len(ways)]
		c.caller(fmt.Sprintf("caller %d on %s", i+1, w.name), every, w.call)
	}
	c.regulars = callers
	c.streamers(u, streams, ways[:3]...)
	c.streamers(u, streams/20, ways[3])
}

func (c *crowd) fail(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// moved waits until every regular caller has begun and ended a request.
func (c *crowd) moved(test testing.TB, when string) {
	test.Helper()
	regulars := c.callers[:c.regulars]
	done := make([]int64, len(regulars))
	for i, one := range regulars {
		done[i] = one.done.Load()
	}
	for i, one := range regulars {
		if !gateway.Within(patience, func() bool { return one.done.Load() >= done[i]+2 }) {
			test.Errorf("%s: %s makes no request any more", when, one.name)
		}
	}
}

// awake waits until every caller has made a request and every stream has brought an event.
func (c *crowd) awake(test testing.TB) {
	test.Helper()
	for _, one := range c.callers {
		select {
		case <-one.first:
		case <-time.After(patience):
			test.Fatalf("%s has made no request", one.name)
		}
	}
	for _, s := range c.streams.all {
		select {
		case <-s.first:
		case <-time.After(patience):
			test.Fatalf("stream %s has brought no event", s)
		}
	}
}

// end lets everything finish, and says what went wrong.
func (c *crowd) end(test testing.TB) sum {
	test.Helper()
	c.stop()
	several(test, "G3", c.failures)
	several(test, "G4", c.streams.cuts)
	if closed := c.streams.closed.Load(); closed > 0 {
		test.Errorf("G4: %d connections were closed under a stream or after one", closed)
	}
	for _, one := range c.callers {
		if cuts := one.cuts.Load(); cuts > 0 {
			test.Errorf("G3: %s was cut off %d times; it connected %d times for %d requests", one.name, cuts, one.dials.Load(),
				one.done.Load())
		} else if dials := one.dials.Load(); dials > 1 {
			test.Logf("%s connected %d times for %d requests, by its own doing", one.name, dials, one.done.Load())
		}
		if one.done.Load() == 0 {
			test.Errorf("%s made no request", one.name)
		}
	}
	return c.sum()
}

func several(test testing.TB, promise string, faults []string) {
	test.Helper()
	for i, fault := range faults {
		if i == 20 {
			test.Errorf("... and %d more", len(faults)-i)
			break
		}
		test.Errorf("%s: %s", promise, fault)
	}
}

func do(c *http.Client, r *http.Request) (int, string, error) {
	answer, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}
