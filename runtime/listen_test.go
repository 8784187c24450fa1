package runtime_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// listener opens a socket for a host to be given.
func listener(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // the host has closed it
	return l
}

// A listener that is given is served, whatever the flags and gateway.json say, and closed at the end.
func TestListenersThatAreGiven(t *testing.T) {
	t.Parallel()
	public, operators := listener(t, "tcp", "127.0.0.1:0"), listener(t, "tcp", "127.0.0.1:0")
	w := start(t, nil, func(o *runtime.Options) { o.Listener, o.AdminListener, o.Listen = public, operators, "127.0.0.1:1" })
	if w.host.Addr() != public.Addr() || w.host.AdminAddr() != operators.Addr() {
		t.Errorf("the host listens on %v and %v", w.host.Addr(), w.host.AdminAddr())
	}
	w.call("one")
	if said := w.log.text(); !strings.Contains(said, `"given":["listen","admin"]`) {
		t.Errorf("the log does not say that the listeners were given:\n%s", said)
	}
	w.reload(runtime.Unchanged, func(s *setup) { s.gateway["listen"], s.gateway["admin"] = "127.0.0.1:2", "127.0.0.1:3" })
	w.stop()
	err := <-w.ended
	w.ended <- err
	for _, l := range []net.Listener{public, operators} {
		if _, err := l.Accept(); err == nil {
			t.Error("a listener is open after the host's end")
		}
	}
}

// What holds for an address that is configured holds for one that is given: it is what the socket says.
func TestListenersThatAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*testing.T, *runtime.Options)
		want   string
	}{
		{"admin for everybody, without a token", func(t *testing.T, o *runtime.Options) {
			o.AdminListener = listener(t, "tcp", "0.0.0.0:0")
		}, "adminToken"},
		{"no address of a client", func(t *testing.T, o *runtime.Options) {
			o.Listener = listener(t, "unix", filepath.Join(t.TempDir(), "s"))
		}, "no TCP socket"},
		{"no address of an operator", func(t *testing.T, o *runtime.Options) {
			o.AdminListener = listener(t, "unix", filepath.Join(t.TempDir(), "s"))
		}, "no TCP socket"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := runtime.Options{Config: "none", Data: filepath.Join(t.TempDir(), "data"), Fallback: fstest.MapFS{
				"policies.json":   {Data: []byte(`{"policies": []}`)},
				"routes.oas.json": {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
			}}
			c.change(t, &o)
			host, err := runtime.New(o)
			if err == nil {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go func() { // one that serves all the same is ended
					select {
					case <-host.Ready():
						stop()
					case <-ctx.Done():
					}
				}()
				err = host.Run(ctx)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("answered %v, want %q", err, c.want)
			}
			if host == nil {
				return // what New refuses is the caller's
			}
			if _, err := o.AdminListener.Accept(); err == nil {
				t.Error("the listener is open after the host has refused it")
			}
		})
	}
}

// adminToken may not be taken away while others than this machine's can reach the admin listener.
func TestG2_TokenOfAnOpenAdminListenerStays(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.gateway["adminToken"] = "0123456789abcdef0123456789abcdef" },
		func(o *runtime.Options) { o.AdminListener = listener(t, "tcp", "0.0.0.0:0") })
	r := w.reload(runtime.Refused, func(s *setup) { delete(s.gateway, "adminToken") })
	if !strings.Contains(r.Error, "adminToken") {
		t.Errorf("the reload was refused with %q", r.Error)
	}
	_, port, err := net.SplitHostPort(w.host.AdminAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got := w.send(http.MethodGet, "http://127.0.0.1:"+port+"/-/generation", ""); got.status != http.StatusUnauthorized {
		t.Errorf("without the token: %d %s", got.status, got.body)
	}
	w.reload(runtime.Unchanged, func(s *setup) { s.gateway["adminToken"] = "0123456789abcdef0123456789abcdef" })
}

// Whoever supervises a host is told of its turns in their order, and of none after the last.
func TestTurns(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var turns []runtime.Turn
	w := start(t, nil, func(o *runtime.Options) {
		o.OnTurn = func(turn runtime.Turn) { mu.Lock(); turns = append(turns, turn); mu.Unlock() }
	})
	w.reload(runtime.Applied, func(s *setup) { s.policy("a").Mark = "another" })
	w.reload(runtime.Refused, func(s *setup) { s.route("one").policies = []string{"nobody"} })
	w.stop()
	err := <-w.ended
	w.ended <- err
	w.host.Reload(t.Context(), "the test")
	mu.Lock()
	defer mu.Unlock()
	want := []runtime.Turn{runtime.Serving, runtime.Loading, runtime.Serving, runtime.Loading, runtime.Serving, runtime.Ending}
	if diff := cmp.Diff(want, turns); diff != "" {
		t.Errorf("the turns (-want +got):\n%s", diff)
	}
}

// Where somebody else keeps the socket, a listening stream does not keep the next host waiting: it ends at once, and
// whoever comes back waits in the socket. A call that is in flight is finished first.
func TestG4_ListenersLeaveASocketThatIsKept(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" },
		func(o *runtime.Options) { o.Listener, o.Drain = listener(t, "tcp", "127.0.0.1:0"), time.Hour })
	listening, call := w.listen("one"), w.open("one")
	w.stop()
	if rest, err := listening.rest(); err != nil || rest != "" {
		t.Errorf("the listening stream ended with %v after %q", err, rest)
	}
	call.pass(t, "the call goes on")
	select {
	case err := <-w.ended:
		t.Fatalf("the host ended with a call in flight: %v", err)
	default:
	}
	_ = call.closer.Close()
	err := <-w.ended
	w.ended <- err
	if err != nil {
		t.Errorf("run: %v", err)
	}
}
