package runtime_test

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/runtime"
)

// stream is an event stream that a client reads, with the answer that the upstream makes.
type stream struct {
	*answer
	body   *bufio.Reader
	closer io.Closer
}

// open begins a stream on a route.
func (w *world) open(route string) *stream {
	w.t.Helper()
	return w.openAs(route, "Bearer good")
}

// openAs begins a stream with a credential.
func (w *world) openAs(route, credential string) *stream {
	w.t.Helper()
	return w.begin(w.request(http.MethodPost, "/mcp/"+route, ping, "Authorization", credential), route)
}

// listen begins a stream that only listens.
func (w *world) listen(route string) *stream {
	w.t.Helper()
	return w.begin(w.request(http.MethodGet, "/mcp/"+route, "", "Authorization", "Bearer good"), route)
}

func (w *world) begin(r *http.Request, route string) *stream {
	w.t.Helper()
	answer, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		w.t.Fatalf("the stream on %s was answered %s", route, answer.Status)
	}
	w.t.Cleanup(func() { answer.Body.Close() })
	return &stream{w.upstream.next(w.t), bufio.NewReader(answer.Body), answer.Body}
}

// pass sends an event and reads it at the other end.
func (s *stream) pass(t *testing.T, text string) {
	t.Helper()
	select {
	case s.send <- text:
	case <-s.gone:
		t.Fatalf("%s: the stream is gone before %q", s.path, text)
	}
	got, err := s.body.ReadString('\n')
	if err == nil {
		_, err = s.body.ReadString('\n')
	}
	if err != nil || got != "data: "+text+"\n" {
		t.Fatalf("%s: read %q, %v; want %q", s.path, got, err, text)
	}
}

// lastWords is the event that ends the answer to a call that was not finished. The stream's call is a ping.
const lastWords = "event: message\n" +
	`data: {"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"the gateway ended this call before its answer was complete: `

const (
	drained = lastWords + `the route has changed, or the gateway shuts down"}}` + "\n\n"
	revoked = lastWords + `the access it was made with was taken back"}}` + "\n\n"
)

// rest reads to the end, which is clean: anything but io.EOF is an error.
func (s *stream) rest() (string, error) {
	late := time.AfterFunc(patience, func() { _ = s.closer.Close() })
	defer late.Stop()
	text, err := io.ReadAll(s.body)
	return string(text), err
}

// G4: a stream on a route that a reload changes goes on until the drain time is over, and then ends with an error for the
// call. One on a route that did not change goes on.
func TestG4_StreamsOutliveReloads(t *testing.T) {
	t.Parallel()
	const drain = 5 * time.Second // within which every stream passes an event after the reload
	ends := []string{"moved", "renamed", "unguarded", "reguarded", "optioned", "dropped"}
	goesOn := []string{"kept", "rotated", "beside"}
	w := start(t, func(w *world) {
		for _, name := range []string{"b", "c"} {
			w.setup.policy(name).Secret = "first"
		}
		for _, id := range append(append([]string{}, ends...), goesOn...) {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/stream/"+id, []string{"a"}
		}
		w.setup.route("optioned").policies = []string{"b"}
		w.setup.route("rotated").policies = []string{"c"}
		r := w.setup.route("waiting")
		r.upstream, r.policies = w.upstream.URL+"/wait", []string{"a"}
	}, func(o *runtime.Options) { o.Drain = drain })

	open := make(map[string]*stream)
	for _, id := range append(append([]string{}, ends...), goesOn...) {
		open[id] = w.open(id)
		open[id].pass(t, "before")
	}
	waiting := w.wait("Bearer good")

	began := time.Now()
	w.reload(runtime.Applied, func(s *setup) {
		s.route("moved").upstream = w.upstream.URL + "/stream/elsewhere"
		s.route("waiting").upstream = w.upstream.URL + "/elsewhere"
		s.route("renamed").path = "/mcp/other"
		s.route("unguarded").policies = nil
		s.route("reguarded").policies = []string{"a", "b"}
		s.policy("b").Mark = "another"
		s.policy("c").Secret = "second"
		s.drop("dropped")
		s.route("new").upstream = w.upstream.URL + "/new"
	})
	for _, s := range open {
		s.pass(t, "after")
	}
	for _, id := range ends {
		rest, err := open[id].rest()
		if err != nil || rest != drained {
			t.Errorf("%s: the stream ended with %v after %q, want a clean end after the error", id, err, rest)
		}
		if took := time.Since(began); took < drain {
			t.Errorf("%s: the stream ended %v after the reload, before its time", id, took)
		}
		<-open[id].gone // the upstream is told
	}
	r := <-waiting
	if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("the call that had no answer yet was answered %d %s", r.status, r.body)
	}
	for _, id := range goesOn {
		open[id].pass(t, "after the drain time")
	}
	status := w.host.Status()
	for _, route := range status.Routes {
		want := int64(0)
		if strings.Contains(strings.Join(goesOn, " "), route.ID) {
			want = 1
		}
		if route.Open != want || route.Streams != want {
			t.Errorf("status: %d answers and %d streams are open on %s, want %d", route.Open, route.Streams, route.ID, want)
		}
	}
	if want := map[string]uint64{"drained": uint64(len(ends)) + 1, "revoked": 0, "expired": 0}; !maps.Equal(status.Ended, want) {
		t.Errorf("status: %v were ended, want %v", status.Ended, want)
	}
	for _, id := range goesOn {
		close(open[id].send)
		if rest, err := open[id].rest(); err != nil || rest != "" {
			t.Errorf("%s: the stream ended with %v after %q", id, err, rest)
		}
	}
}

// G4: what came back in time is another route: its new streams do not end when the old one's time is over.
func TestG4_RouteThatComesBack(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" },
		func(o *runtime.Options) { o.Drain = time.Second })
	old := w.open("one")
	w.reload(runtime.Applied, func(s *setup) { s.route("one").upstream = w.upstream.URL + "/elsewhere" })
	w.reload(runtime.Applied, func(s *setup) { s.route("one").upstream = w.upstream.URL + "/stream/one" })
	fresh := w.open("one")
	if rest, err := old.rest(); err != nil || rest != drained {
		t.Errorf("the old stream ended with %v after %q", err, rest)
	}
	fresh.pass(t, "still here")
	w.reload(runtime.Unchanged, nil)
	fresh.pass(t, "and here")
}

// The host's end gives streams the drain time too, and ends them cleanly.
func TestG4_ShutdownEndsStreamsCleanly(t *testing.T) {
	t.Parallel()
	const drain = 3 * time.Second // within which the stream passes an event
	w := start(t, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" },
		func(o *runtime.Options) { o.Drain = drain })
	s := w.open("one")
	began := time.Now()
	w.stop()
	w.log.await(t, "shutting down", 0)
	s.pass(t, "while it shuts down")
	rest, err := s.rest()
	if err != nil || rest != drained {
		t.Errorf("the stream ended with %v after %q, want a clean end after the error", err, rest)
	}
	if took := time.Since(began); took < drain {
		t.Errorf("the stream ended %v after the signal, before its time", took)
	}
	err = <-w.ended
	w.ended <- err
	if err != nil {
		t.Fatalf("run: %v", err)
	}
	if _, err := w.client.Do(w.request(http.MethodPost, "/mcp/one", ping)); err == nil {
		t.Error("a request was answered after the end")
	}
	if r := w.host.Reload(t.Context(), "the test"); r.Result != runtime.Refused || r.Error == "" {
		t.Errorf("a reload after the end: %+v", r)
	}
	if s := w.host.Status(); s.Number != 0 {
		t.Errorf("the status after the end: %+v", s)
	}
}
