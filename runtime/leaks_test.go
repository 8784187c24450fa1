package runtime_test

import (
	"fmt"
	"net/http"
	"os"
	goruntime "runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"
	"weak"

	"durward/runtime"
)

// usage is what a host must give back after a reload.
type usage struct{ goroutines, descriptors, processes, sockets, transports int }

// transports are the host's, as long as it holds them.
type transports struct {
	mu   sync.Mutex
	made []weak.Pointer[transport]
}

type transport struct{ http.RoundTripper }

func (t *transports) wrap(base http.RoundTripper) http.RoundTripper {
	t.mu.Lock()
	defer t.mu.Unlock()
	wrapped := &transport{base}
	t.made = append(t.made, weak.Make(wrapped))
	return wrapped
}

// held closes the connections that lie idle, which would end by themselves but seconds later, and answers how many
// transports the host still holds.
func (t *transports) held() (n int) {
	goruntime.GC()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, made := range t.made {
		if held := made.Value(); held != nil {
			n++
			(&http.Client{Transport: held.RoundTripper}).CloseIdleConnections()
		}
	}
	return n
}

func (w *world) usage(upstreams *transports) usage {
	w.t.Helper()
	w.client.CloseIdleConnections()
	held := upstreams.held()
	descriptors, err := os.ReadDir("/dev/fd")
	if err != nil {
		w.t.Fatal(err)
	}
	u := usage{
		goroutines: goruntime.NumGoroutine(), descriptors: len(descriptors), sockets: len(w.sockets()), transports: held,
	}
	for _, pid := range w.log.pids("policy started", "policy restarted") {
		if alive(pid) {
			u.processes++
		}
	}
	return u
}

// least is the least of each.
func (u usage) least(v usage) usage {
	return usage{
		min(u.goroutines, v.goroutines), min(u.descriptors, v.descriptors), min(u.processes, v.processes),
		min(u.sockets, v.sockets), min(u.transports, v.transports),
	}
}

// within tells whether u is no more than limit in anything.
func (u usage) within(limit usage) bool {
	return u.goroutines <= limit.goroutines && u.descriptors <= limit.descriptors && u.processes <= limit.processes &&
		u.sockets <= limit.sockets && u.transports <= limit.transports
}

// G6: after thirty reloads of mixed kinds, under calls and with a stream that outlives them all, the host uses no more
// than before. No other test runs beside this one.
func TestG6_ReloadsLeaveNothing(t *testing.T) {
	var upstreams transports
	w := start(t, func(w *world) {
		w.setup.route("stream").upstream = w.upstream.URL + "/stream"
		w.setup.policy("b").Gate = w.gate.URL
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/two", []string{"a", "b"}
	}, func(o *runtime.Options) { o.WrapTransport = upstreams.wrap })
	other := startUpstream(t)
	s := w.open("stream")
	change := func(n int) {
		t.Helper()
		switch n % 10 {
		case 0: // one policy
			w.reload(runtime.Applied, func(s *setup) { s.policy("a").Mark = fmt.Sprint("mark ", n) })
		case 1: // nothing
			w.reload(runtime.Unchanged, nil)
		case 2: // bad JSON
			good := w.files["policies.json"]
			w.files["policies.json"] = &fstest.MapFile{Data: []byte(`{"policies": `)}
			w.reload(runtime.Refused, nil)
			w.files["policies.json"] = good
		case 3: // a route more, to an upstream that is called
			w.reload(runtime.Applied, func(s *setup) {
				r := s.route("three")
				r.upstream, r.policies = other.URL+"/three", []string{"b"}
			})
			w.call("three")
		case 4: // its stream, which is to end
			w.reload(runtime.Applied, func(s *setup) { s.route("three").upstream = w.upstream.URL + "/stream/three" })
			go func() { // the answer ends with the drain time, which is over before the test is
				if answer, err := w.client.Do(w.request("POST", "/mcp/three", ping, "Authorization", "Bearer good")); err == nil {
					answer.Body.Close()
				}
			}()
			w.upstream.next(t)
		case 5: // another upstream, and then a route less
			w.reload(runtime.Applied, func(s *setup) { s.route("three").upstream = fmt.Sprint("http://127.0.0.1:", 1000+n) })
			w.reload(runtime.Applied, func(s *setup) { s.drop("three") })
		case 6: // a policy that does not start, beside one that does
			w.setup.policy("a").Secret, w.setup.policy("b").Start = fmt.Sprint("secret ", n), "error"
			w.save()
			done := make(chan runtime.Reload)
			go func() { done <- w.host.Reload(t.Context(), "the test") }()
			w.gate.next(t).open()
			if r := <-done; r.Result != runtime.Refused {
				t.Fatalf("the reload was %+v", r)
			}
			w.setup.policy("b").Start = ""
		case 7: // a secret
			w.reload(runtime.Applied, func(s *setup) { s.policy("a").Secret = fmt.Sprint("another ", n) })
		case 8: // a policy more
			w.reload(runtime.Applied, func(s *setup) { s.policy("c").Mark = "c" })
		case 9: // and less
			w.reload(runtime.Applied, func(s *setup) { s.policies = s.policies[:2] })
		}
		w.call("one")
		w.call("two")
		s.pass(t, fmt.Sprint("reload ", n))
	}
	settled := func() {
		t.Helper()
		w.within("every process that was replaced has stopped", func() bool {
			return w.log.count("policy stopped") == w.log.count("policy started")-2
		})
	}
	for n := range 10 { // the first time, things are made that stay
		change(n)
	}
	settled()
	before := w.usage(&upstreams)
	for range 50 { // until what is about to end has ended
		<-time.After(10 * time.Millisecond)
		before = before.least(w.usage(&upstreams))
	}
	for n := 10; n < 40; n++ {
		change(n)
	}
	settled()
	if !w.soon(func() bool { return w.usage(&upstreams).within(before) }) {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Errorf("used after 30 reloads: %+v, before: %+v\n%s", w.usage(&upstreams), before, &stacks)
	}
	if before.processes != 2 {
		t.Errorf("%d processes run, want 2", before.processes)
	}
	close(s.send)
	if rest, err := s.rest(); err != nil || rest != "" {
		t.Errorf("the stream ended with %v after %q", err, rest)
	}
}
