package proxy

import (
	"cmp"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Transports keeps one http.Transport for each upstream origin, so that a reload does not drop the connections that the
// next request would use. The zero value is ready for use.
type Transports struct {
	// Wrap, if not nil, goes around each transport: for tracing, and for tests. It is called once for each.
	Wrap func(http.RoundTripper) http.RoundTripper

	mu   sync.Mutex
	open map[reach]*shared
}

// reach is what a transport is shared by.
type reach struct {
	origin  string
	connect time.Duration
}

type shared struct {
	base    *http.Transport
	wrapped http.RoundTripper
	users   int
}

// DefaultConnect is how long a connection to an upstream may take to be made.
const DefaultConnect = 10 * time.Second

// Acquire answers the transport for an upstream's scheme, host and port, to which connecting may take connect, and as
// long again for TLS; zero means DefaultConnect. release, which may be called more than once, gives it back; when the last
// user has, its idle connections are closed and those in use close as they fall idle.
func (t *Transports) Acquire(upstream *url.URL, connect time.Duration) (_ http.RoundTripper, release func()) {
	to := reach{upstream.Scheme + "://" + upstream.Host, cmp.Or(connect, DefaultConnect)}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.open[to]
	if s == nil {
		s = &shared{base: newTransport(to.connect)}
		s.wrapped = s.base
		if t.Wrap != nil {
			s.wrapped = t.Wrap(s.base)
		}
		if t.open == nil {
			t.open = make(map[reach]*shared)
		}
		t.open[to] = s
	}
	s.users++
	return s.wrapped, sync.OnceFunc(func() { t.release(to, s) })
}

func (t *Transports) release(to reach, s *shared) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(t.open, to)
		s.base.CloseIdleConnections()
	}
}

// newTransport answers the transport all upstreams are reached with.
func newTransport(connect time.Duration) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Transport{
		Proxy:               nil, // the environment has no say in where requests go
		DialContext:         (&net.Dialer{Timeout: connect, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout: connect,
		Protocols:           protocols,
		// Node, which serves many MCP servers, closes an idle connection after 5 s. Whoever closes first loses no
		// request; a POST sent into a connection that is being closed is lost, and may not be sent again.
		IdleConnTimeout:     4 * time.Second,
		MaxIdleConnsPerHost: 256, // the default of 2 costs 1.8 times the CPU under load
		// The first byte may be as long in coming as the longest tool runs: go-sdk sends no head before it.
		// Options.AnswerWait bounds it where that is wanted, since this could not tell a call from what only listens.
		ResponseHeaderTimeout:  0,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true, // gzip would hold events back
		// A stream may be silent for hours; a peer that has vanished is found by asking.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
	}
}
