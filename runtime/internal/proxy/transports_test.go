package proxy_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"durward/runtime/internal/proxy"
)

func TestTransportsAreSharedByOrigin(t *testing.T) {
	var made atomic.Int64
	transports := proxy.Transports{Wrap: func(base http.RoundTripper) http.RoundTripper {
		made.Add(1)
		return struct{ http.RoundTripper }{base}
	}}
	_, first := transports.Acquire(parse(t, "http://127.0.0.1:1/a"), 0)
	_, second := transports.Acquire(parse(t, "http://127.0.0.1:1/b?c=d"), 0)
	_, other := transports.Acquire(parse(t, "http://127.0.0.1:2/a"), 0)
	_, secure := transports.Acquire(parse(t, "https://127.0.0.1:1/a"), 0)
	if made.Load() != 3 {
		t.Errorf("%d transports, want 3", made.Load())
	}
	first()
	first() // twice is once
	_, third := transports.Acquire(parse(t, "http://127.0.0.1:1/a"), 0)
	if made.Load() != 3 {
		t.Error("a transport in use was made anew")
	}
	second()
	third()
	_, again := transports.Acquire(parse(t, "http://127.0.0.1:1/a"), 0)
	if made.Load() != 4 {
		t.Error("a transport that nobody used was kept")
	}
	again()
	other()
	secure()
}

// A reload acquires the new generation's transport before it releases the old one's: the connections stay.
func TestTransportsKeepConnectionsAcrossAReload(t *testing.T) {
	var connections atomic.Int64
	closed := make(chan struct{}, 8)
	s := httptest.NewUnstartedServer(http.HandlerFunc(echo))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		}
	}
	s.Start()
	defer s.Close()
	to := parse(t, s.URL)

	var transports proxy.Transports
	get := func(rt http.RoundTripper) {
		t.Helper()
		readAll(t, do(t, &http.Client{Transport: rt}, request(t, http.MethodGet, to, nil)))
	}
	old, releaseOld := transports.Acquire(to, 0)
	get(old)
	next, releaseNext := transports.Acquire(to, 0)
	releaseOld()
	get(next)
	if connections.Load() != 1 {
		t.Errorf("%d connections, want 1", connections.Load())
	}
	releaseNext()
	select {
	case <-closed:
	case <-time.After(2 * time.Second): // left alone, it would be closed after 4
		t.Error("the connection that nobody uses was kept")
	}
}
