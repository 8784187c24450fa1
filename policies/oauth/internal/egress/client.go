package egress

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
)

// The limits of fetches.
const (
	defaultTimeout = 5 * time.Second
	maxHeader      = 16 << 10 // bytes of all headers, those of 1xx answers included
	atOnce         = 256      // in all: strangers choose the hosts, and slow ones must not keep others waiting
	perHost        = 2
)

// Options are what a Client is made with. The zero value is what production uses.
type Options struct {
	// Resolver looks names up, net.DefaultResolver if it is nil.
	Resolver *net.Resolver
	// RootCAs are who vouches for hosts, the system's if it is nil.
	RootCAs *x509.CertPool
	// Allowed are ranges of addresses that are connected to although they are not public, and with any of them the host
	// localhost is fetched from. It is for development: whoever may name a URL may then reach what is there.
	Allowed []netip.Prefix
	// Timeout bounds each fetch from the call to the last byte, waiting included. Five seconds if it is zero.
	Timeout time.Duration
}

// Client fetches. It is safe for concurrent use and holds nothing between fetches.
type Client struct {
	resolver    *net.Resolver
	roots       *x509.CertPool
	development bool
	guardian    *ssrf.Guardian
	timeout     time.Duration
	gate        *gate
}

// New makes a client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	return &Client{
		resolver: o.Resolver, roots: o.RootCAs, development: len(o.Allowed) > 0, guardian: newGuardian(o.Allowed),
		timeout: o.Timeout, gate: newGate(atOnce, perHost),
	}
}

// Answer is what was fetched: the body of a 200 and its headers.
type Answer struct {
	Header http.Header
	Body   []byte
}

// Get fetches a URL that answers with at most limit bytes. accept is the Accept header. The error is an *Error.
func (c *Client) Get(ctx context.Context, raw, accept string, limit int64) (Answer, error) {
	target, err := c.parse(raw)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	leave, err := c.gate.enter(ctx, target.Hostname())
	if err != nil {
		return Answer{}, &Error{Reason: Busy, Err: err}
	}
	defer leave()
	answer, err := c.fetch(ctx, target, accept, limit)
	if late := ctx.Err(); late != nil { // a host that sees us leave may end its answer well before the connection is closed
		return Answer{}, &Error{Reason: Slow, Err: errors.Join(err, late)}
	}
	if err == nil {
		return answer, nil
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return Answer{}, known
	}
	return Answer{}, &Error{Reason: Broken, Err: err}
}

// fetch makes the one request of a transport of its own: no connection is shared, kept or found again under a name that
// has moved. It asks in HTTP/1.1, which every host speaks, and whose answers are held in memory only as they are read.
func (c *Client) fetch(ctx context.Context, target *url.URL, accept string, limit int64) (Answer, error) {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	transport := &http.Transport{
		// The transport's own context outlives the request; ours does not.
		DialTLSContext: func(context.Context, string, string) (net.Conn, error) { return c.dial(ctx, target) },
		Protocols:      &protocols, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeader,
	}
	request := (&http.Request{Method: http.MethodGet, URL: target, Header: http.Header{
		"Accept": {accept}, "Accept-Encoding": {"identity"}, "User-Agent": {"durward"},
	}}).WithContext(ctx)
	response, err := transport.RoundTrip(request) // which follows no redirect
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	switch encoding := response.Header.Get("Content-Encoding"); {
	case response.StatusCode != http.StatusOK:
		return Answer{}, &Error{Reason: BadStatus, Status: response.StatusCode}
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return Answer{}, &Error{Reason: Encoded}
	case response.ContentLength > limit:
		return Answer{}, &Error{Reason: Oversized}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, limit+1))
	if err != nil {
		return Answer{}, err
	}
	if int64(len(body)) > limit {
		return Answer{}, &Error{Reason: Oversized}
	}
	return Answer{Header: response.Header, Body: body}, nil
}

// dial connects to an address of the target's host and makes sure that it is that host. Of several addresses those that
// are not connected to are passed over.
func (c *Client) dial(ctx context.Context, target *url.URL) (net.Conn, error) {
	host, port := target.Hostname(), target.Port()
	if port == "" {
		port = "443"
	}
	dialer := net.Dialer{Resolver: c.resolver, ControlContext: c.judge}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(complete(host), port))
	if errors.Is(err, ssrf.ErrProhibitedIP) {
		return nil, &Error{Reason: Forbidden, Err: err}
	}
	if err != nil {
		return nil, &Error{Reason: Unreachable, Err: err}
	}
	secure := tls.Client(conn, &tls.Config{
		ServerName: host, RootCAs: c.roots, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
			return nil, &Error{Reason: Insecure, Err: err}
		}
		return nil, &Error{Reason: Broken, Err: err}
	}
	return secure, nil
}

// judge is asked by the dialer for each address, after the lookup and before the connection.
func (c *Client) judge(_ context.Context, network, address string, conn syscall.RawConn) error {
	return c.guardian.Safe(network, address, conn)
}

// complete makes a name one that no search list is applied to: there it would be a name of the own network.
func complete(host string) string {
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		return host
	}
	return host + "."
}
