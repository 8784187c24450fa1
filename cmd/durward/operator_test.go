package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// asked is an operator's client whose every address is that of the handler's server.
func asked(t *testing.T, handler http.HandlerFunc) *operator {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	var dialer net.Dialer
	return &operator{address: "gateway.internal:9001", client: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, server.Listener.Addr().String())
		},
		ResponseHeaderTimeout: 100 * time.Millisecond,
		DisableKeepAlives:     true,
	}}}
}

// The admin listener takes loopback names only, so the one that a person gives is not the one that is sent; the token is.
func TestOperatorAsks(t *testing.T) {
	o := asked(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.Method + " " + r.Host + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Content-Type")))
	})
	o.token = "0123456789abcdef"
	got, err := o.ask(t.Context(), http.MethodPost, "/-/plan", "application/zip", strings.NewReader("x"))
	if want := "POST localhost Bearer 0123456789abcdef application/zip"; err != nil || string(got) != want {
		t.Errorf("%s, %v; want %s", got, err, want)
	}
}

// Each way not to answer is told in words, and what the other end says cannot harm a terminal.
func TestOperatorIsRefused(t *testing.T) {
	answer := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"no operators", answer(404, ""), "what answers at gateway.internal:9001 does not know this: it is no admin address, or a gateway older than this command"},
		{"older", answer(405, ""), "what answers at gateway.internal:9001 does not know this: it is no admin address, or a gateway older than this command"},
		{"closed", answer(403, "the admin listener is not on a loopback address\n"),
			"the gateway at gateway.internal:9001 answered 403: the admin listener is not on a loopback address"},
		{"ending", answer(503, "shutting down\nmore"), "the gateway at gateway.internal:9001 answered 503: shutting down"},
		{"hostile", answer(500, "\x1b[2J"+strings.Repeat("x", 1000)),
			"the gateway at gateway.internal:9001 answered 500: \uFFFD[2J" + strings.Repeat("x", 296) + "..."},
		{"elsewhere", answer(302, ""), "the gateway at gateway.internal:9001 answered 302: "},
		{"silent", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "gateway.internal:9001 does not answer: is it the admin address of a gateway?"},
		{"broken", func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				err = conn.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}, "ask gateway.internal:9001: EOF"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := asked(t, tt.handler)
			o.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			if _, err := o.ask(t.Context(), http.MethodGet, "/-/generation", "", nil); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
	o := asked(t, answer(200, ""))
	o.client.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("no such host") })
	if _, err := o.ask(t.Context(), http.MethodGet, "/-/generation", "", nil); err == nil || err.Error() != "ask gateway.internal:9001: no such host" {
		t.Errorf("%v", err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
