package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/generation"
	"durward/runtime/internal/origin"
)

// Bounds of the end.
const (
	// farewell is how long, at the end, connections may stay to be told with their next answer that it is their last.
	farewell = 500 * time.Millisecond
	// endGrace is how long answers may take to end once they have been told to.
	endGrace = 2 * time.Second
)

// listen opens the listeners, or takes those that were given.
func (h *Host) listen(undo *generation.Undo) (err error) {
	if h.public = h.options.Listener; h.public == nil {
		if h.public, err = net.Listen("tcp", h.settings.listen); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
	}
	undo.Add(func() { h.closeLogged("listener", h.public.Close) })
	if h.adminAt = h.options.AdminListener; h.adminAt == nil {
		if h.adminAt, err = net.Listen("tcp", h.settings.admin); err != nil {
			return fmt.Errorf("listen for admin: %w", err)
		}
	}
	undo.Add(func() { h.closeLogged("admin listener", h.adminAt.Close) })
	h.loopback = origin.IsLoopbackAddr(h.public.Addr())
	return nil
}

// given answers which listeners somebody else has opened, for the log.
func (o Options) given() []string {
	var names []string
	if o.Listener != nil {
		names = append(names, "listen")
	}
	if o.AdminListener != nil {
		names = append(names, "admin")
	}
	return names
}

// checkGiven refuses a listener that is not a TCP one: who calls, and whether others than this machine's can, is known
// by addresses.
func (o Options) checkGiven() error {
	for name, l := range map[string]net.Listener{"listener": o.Listener, "admin listener": o.AdminListener} {
		if l == nil {
			continue
		}
		if _, ok := l.Addr().(*net.TCPAddr); !ok {
			return fmt.Errorf("the %s that was given is no TCP socket: %s", name, l.Addr().Network())
		}
	}
	return nil
}

// closeGiven closes the listeners that were given, for a host that does not come to serve them.
func (h *Host) closeGiven() {
	for _, l := range []net.Listener{h.options.Listener, h.options.AdminListener} {
		if l != nil {
			h.closeLogged("listener that was given", l.Close)
		}
	}
}

// front is a listener, its server, and the connections that it has.
type front struct {
	listener net.Listener
	handler  http.Handler
	server   *http.Server
	// ended is closed when connections are taken no longer; then fault says why, if nobody asked for it.
	ended chan struct{}
	fault error

	leaving atomic.Bool
	open    atomic.Int64
	none    chan struct{} // has an element when open has become 0
}

func (h *Host) front(listener net.Listener, s settings, handler http.Handler) *front {
	f := &front{listener: listener, handler: handler, ended: make(chan struct{}), none: make(chan struct{}, 1)}
	f.server = &http.Server{
		Handler:           f,
		ConnState:         f.count,
		ReadHeaderTimeout: s.readHeader,
		IdleTimeout:       s.idle,
		MaxHeaderBytes:    s.headerBytes,
		ErrorLog:          slog.NewLogLogger(h.options.Logger.Handler(), slog.LevelDebug),
	}
	if s.tls {
		f.server.TLSConfig = h.certificate.config()
	}
	return f
}

// serve takes connections until the listener is closed.
func (f *front) serve() {
	defer close(f.ended)
	serve := f.server.Serve
	if f.server.TLSConfig != nil { // it tells those who speak plain http so, and speaks HTTP/2 to those who can
		serve = func(l net.Listener) error { return f.server.ServeTLS(l, "", "") }
	}
	if err := serve(f.listener); !errors.Is(err, net.ErrClosed) && !errors.Is(err, http.ErrServerClosed) {
		f.fault = fmt.Errorf("serve: %w", err)
	}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.leaving.Load() {
		w.Header().Set("Connection", "close")
	}
	f.handler.ServeHTTP(w, r)
}

func (f *front) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		f.open.Add(1)
	case http.StateClosed, http.StateHijacked:
		if f.open.Add(-1) == 0 {
			select {
			case f.none <- struct{}{}:
			default:
			}
		}
	default:
	}
}

// leave takes no new connections, and ends those there are with their next answer, which says so: a client sends no
// other request on a connection that it knows to end, so none meets one that is just being closed. From Shutdown on
// net/http closes idle connections, and drops what arrives on any other without an answer. leave returns when no
// connection is left, or when ctx ends.
func (f *front) leave(ctx context.Context) {
	f.leaving.Store(true)
	_ = f.listener.Close() // the server says so if there is anything to say
	<-f.ended              // what was taken from the queue until now is counted
	for f.open.Load() > 0 {
		select {
		case <-f.none:
		case <-ctx.Done():
			return
		}
	}
}

// close lets what is in flight finish until ctx ends, and cuts the rest.
func (f *front) close(ctx context.Context) {
	if err := f.server.Shutdown(ctx); err != nil {
		_ = f.server.Close() // the time is over
	}
}

// shutdown takes no new connections, and gives what is in flight the drain time: then streams end as on a reload, and
// what is left after that is cut. Streams that only listen end at once if the socket is somebody else's. A reload under
// way gives up what it is starting, and none begins any more: the generation that is current stays the last.
func (h *Host) shutdown(public, operators *front) {
	h.end(errEnding)
	h.reloading.Lock()
	h.options.OnTurn(Ending)
	drain := DefaultDrain
	if g := h.current.Acquire(); g != nil {
		drain = g.Value.bounds.drain
		for _, c := range g.Value.chains {
			c.lane.Value.endAfter(drain)
		}
		g.Release()
	}
	h.options.Logger.Info("shutting down", "drain", drain.String())
	h.reloading.Unlock()
	if h.options.Listener != nil {
		// Whoever comes back waits in the socket for the next host, which does not begin before this one has ended.
		h.listeners.End(ending.Drained)
	}
	within := func(d time.Duration, step func(context.Context)) {
		ctx, cancel := context.WithTimeout(context.Background(), d)
		defer cancel()
		step(ctx)
	}
	within(drain+endGrace, func(ctx context.Context) {
		within(min(farewell, drain), public.leave)
		public.close(ctx)
	})
	within(endGrace, operators.close) // the last: until now it has said that the gateway is not ready
}
