package races

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"durward/conformance/gateway"
)

// round is one grant, from its first use to what comes after its end.
type round struct {
	*world
	// subject is whom the upstream is told, and credential what allows it on the route.
	subject, route, credential string
	number                     int

	gone       atomic.Bool  // the call that took the grant back has returned
	asked      atomic.Int64 // requests that were sent since
	passed     atomic.Int64 // those of them that were answered 200
	allowed    atomic.Int64 // requests sent before that were answered 200
	background sync.WaitGroup
}

// send sends a request on the route; kind is "call" or "stream" for one that the upstream does not end, or empty.
func (r *round) send(ctx context.Context, kind string) (resp *http.Response, late bool, err error) {
	late = r.gone.Load()
	header := map[string]string{"Authorization": r.credential, forHeader: r.subject, "X-Hold": kind}
	if late {
		header[lateHeader] = "1"
	}
	resp, err = r.post(ctx, r.g.URL+r.route, header)
	return resp, late, err
}

// ask sends a request and counts its answer.
func (r *round) ask() int {
	resp, late, err := r.send(r.t.Context(), "")
	if err != nil {
		r.t.Errorf("round %d: no answer: %v", r.number, err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil && resp.StatusCode != http.StatusOK {
		r.t.Errorf("round %d: the answer %d breaks off: %v", r.number, resp.StatusCode, err)
	}
	switch {
	case late && resp.StatusCode == http.StatusOK:
		r.passed.Add(1)
	case resp.StatusCode == http.StatusOK:
		r.allowed.Add(1)
	}
	if late {
		r.asked.Add(1)
	}
	return resp.StatusCode
}

// crowd has n callers ask again and again until stop.
func (r *round) crowd(n int) (stop func()) {
	ctx, cancel := context.WithCancel(r.t.Context())
	var work sync.WaitGroup
	for range n {
		work.Go(func() {
			ticker := time.NewTicker(2 * time.Millisecond) // so that the machine has time for the others
			defer ticker.Stop()
			for ctx.Err() == nil {
				r.ask()
				<-ticker.C
			}
		})
	}
	stop = func() { cancel(); work.Wait() }
	r.t.Cleanup(stop)
	return stop
}

// open begins a call and a stream that the upstream does not end. ended waits until both have ended.
func (r *round) open() (ended func()) {
	type end struct {
		kind string
		err  error
	}
	ends := make(chan end, 2)
	ctx, cancel := context.WithTimeout(r.t.Context(), waiting)
	for _, kind := range []string{"call", "stream"} {
		before, _ := r.up.got(r.subject)
		r.background.Go(func() {
			resp, _, err := r.send(ctx, kind)
			if err == nil {
				_, _ = io.Copy(io.Discard, resp.Body) // how it ends is not promised
				_ = resp.Body.Close()
			}
			ends <- end{kind, ctx.Err()}
		})
		if !gateway.Within(waiting, func() bool { now, _ := r.up.got(r.subject); return now > before }) {
			r.t.Errorf("round %d: the %s did not begin", r.number, kind)
		}
	}
	began := time.Now()
	return func() {
		defer cancel()
		for range 2 {
			if e := <-ends; e.err != nil {
				r.t.Errorf("round %d: the %s goes on %v after it began, without a grant", r.number, e.kind, time.Since(began))
			}
		}
	}
}

// takenBack says that the call which took the grant back has returned: from now on nothing passes.
func (r *round) takenBack() { r.gone.Store(true) }

// verdict wants nothing to have passed since the grant was gone. some wants that somebody asked.
func (r *round) verdict(some bool) {
	r.background.Wait()
	early, late := r.up.got(r.subject)
	if r.passed.Load() > 0 || late > 0 {
		r.t.Errorf("round %d: with the grant gone %d requests were allowed and %d reached the upstream", r.number,
			r.passed.Load(), late)
	}
	if some && r.asked.Load() == 0 {
		r.t.Errorf("round %d: nobody asked when the grant was gone", r.number)
	}
	if n := int(r.allowed.Load()); early < n {
		r.t.Errorf("round %d: %d were allowed, and %d reached the upstream", r.number, n, early)
	}
}

// address is another one for each, so that nobody is taken for a flood.
func (w *world) address() string {
	n := w.clients.Add(1)
	return fmt.Sprintf("10.%d.%d.%d", n>>16&255, n>>8&255, n&255)
}
