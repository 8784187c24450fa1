package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"durward/runtime/internal/proxy"

	"golang.org/x/sync/errgroup"
)

// These are the tests A to E that a proxy of streamed answers must pass. The fault behind A and D: a Transport looks
// once more for a byte beyond Content-Length after the upstream already has the whole request. If the answer's head has
// gone to the client by then, the server has closed the request's body, the look fails, and the Transport takes that
// for a failed write and cuts the connection that the answer is still coming on (golang/go#40747).

// slowProbe makes that race certain: the look for one more byte waits until the client's head has left.
type slowProbe struct {
	base http.RoundTripper
	now  *atomic.Pointer[race]
}

// race is what happens in one exchange.
type race struct {
	headLeft chan struct{} // the gateway has sent the answer's head to the client
	written  chan error    // the Transport says that the request is written, or has failed
}

func (p slowProbe) RoundTrip(req *http.Request) (*http.Response, error) {
	r := p.now.Load()
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { r.written <- info.Err },
	})
	req = req.Clone(ctx)
	req.Body = &probedBody{ReadCloser: req.Body, left: len(call), race: r}
	return p.base.RoundTrip(req)
}

type probedBody struct {
	io.ReadCloser
	left int
	race *race
}

func (b *probedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		<-b.race.headLeft
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), max(b.left, 1))])
	b.left -= n
	if b.left == 0 && n > 0 {
		err = nil // the end is for the next read to find
	}
	return n, err
}

// tellHead closes headLeft when the first bytes have been flushed to the client.
func tellHead(now *atomic.Pointer[race], next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(&headTeller{ResponseWriter: w, race: now.Load()}, r)
	})
}

type headTeller struct {
	http.ResponseWriter
	race *race
	told bool
}

func (h *headTeller) FlushError() error {
	err := http.NewResponseController(h.ResponseWriter).Flush()
	if !h.told {
		h.told = true
		close(h.race.headLeft)
	}
	return err
}

func (h *headTeller) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// twoEvents answers as early as can be: one event when it has the call, over HTTP/2 (whose Transport looks for one more
// byte before it sends the last ones) even before; the other event when the request is written. Where the Transport cuts
// the connection instead, the context ends.
func twoEvents(now *atomic.Pointer[race], writeErr chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			io.ReadFull(r.Body, make([]byte, len(call)))
		}
		event(w, "one")
		err := <-now.Load().written
		writeErr <- err
		if err != nil {
			<-r.Context().Done()
			return
		}
		event(w, "two")
	}
}

func TestA_EarlyAnswerIsNotCut(t *testing.T) {
	for _, inbound := range []string{"h1", "h2"} {
		for _, upstream := range []string{"h1", "h2"} {
			for _, length := range []int64{int64(len(call)), -1} {
				t.Run(fmt.Sprintf("%s to %s, length %d", inbound, upstream, length), func(t *testing.T) {
					cut := runA(t, inbound, upstream, length, func(to *url.URL, tr http.RoundTripper) http.Handler {
						return proxy.New(proxy.Options{Upstream: to, Transport: tr, Logger: discard()})
					})
					if cut != 0 {
						t.Errorf("%d of 10 answers were cut", cut)
					}
				})
			}
		}
	}
}

// The fault exists: else test A would prove nothing.
func TestA_PlainReverseProxyIsCut(t *testing.T) {
	if cut := runA(t, "h1", "h1", int64(len(call)), plain); cut != 10 {
		t.Errorf("%d of 10 answers were cut, want all: test A has lost its edge", cut)
	}
}

func runA(t *testing.T, inbound, upstream string, length int64, build func(*url.URL, http.RoundTripper) http.Handler) (cut int) {
	var now atomic.Pointer[race]
	writeErr := make(chan error, 1)
	to := serve(t, upstream, twoEvents(&now, writeErr))
	front := serve(t, inbound, tellHead(&now, build(to, slowProbe{transport(t, upstream), &now})))
	client := &http.Client{Transport: transport(t, inbound)}
	for range 10 {
		now.Store(&race{headLeft: make(chan struct{}), written: make(chan error, 1)})
		req := request(t, http.MethodPost, front, io.NopCloser(strings.NewReader(call)))
		req.ContentLength = length
		res := do(t, client, req)
		body, err := io.ReadAll(res.Body)
		if werr := await(t, "writing the request", writeErr); (werr != nil) != (err != nil) {
			t.Errorf("the Transport's write: %v, the client's read: %v", werr, err)
		}
		switch {
		case err != nil:
			cut++
		case string(body) != "data: one\n\ndata: two\n\n":
			t.Errorf("got %q", body)
		}
	}
	return cut
}

func TestB_HeadOfAStreamComesAtOnce(t *testing.T) {
	for _, version := range []string{"h1", "h2"} {
		t.Run(version, func(t *testing.T) {
			gotHead := make(chan struct{})
			to := serve(t, version, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
				w.WriteHeader(http.StatusOK)
				http.NewResponseController(w).Flush()
				await(t, "the client's having the head", gotHead)
				event(w, "one")
			}))
			front := serve(t, version, proxy.New(proxy.Options{
				Upstream: to, Transport: transport(t, version), Logger: discard(),
			}))
			res := do(t, &http.Client{Transport: transport(t, version)}, request(t, http.MethodGet, front, nil))
			if got := res.Header.Get("X-Accel-Buffering"); got != "no" {
				t.Errorf("X-Accel-Buffering %q, want no", got)
			}
			close(gotHead)
			if got := readAll(t, res); got != "data: one\n\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

// D13, S81: the client's leaving reaches the upstream, before the head and in the stream.
func TestC_ClientThatLeavesIsGoneUpstream(t *testing.T) {
	for _, version := range []string{"h1", "h2"} {
		for _, streaming := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, streaming %v", version, streaming), func(t *testing.T) {
				called, gone := make(chan struct{}), make(chan struct{})
				to := serve(t, version, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					if streaming {
						event(w, "one")
					}
					close(called)
					<-r.Context().Done()
					close(gone)
				}))
				broken := make(chan error, 1)
				front := serve(t, version, proxy.New(proxy.Options{
					Upstream: to, Transport: transport(t, version), Logger: discard(),
					OnBroken: func(err error) { broken <- err },
				}))
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				left := make(chan error, 1)
				go func() {
					req := request(t, http.MethodPost, front, strings.NewReader(call)).WithContext(ctx)
					res, err := (&http.Client{Transport: transport(t, version)}).Do(req)
					if err == nil {
						_, err = io.ReadAll(res.Body)
						res.Body.Close()
					}
					left <- err
				}()
				await(t, "the call", called)
				leave()
				await(t, "the upstream's seeing the client leave", gone)
				if err := await(t, "leaving", left); !errors.Is(err, context.Canceled) {
					t.Errorf("the client got %v", err)
				}
				select {
				case err := <-broken:
					t.Errorf("counted as broken: %v", err)
				default:
				}
			})
		}
	}
}

// The second event is sent once the client has the first, so each answer is split across a whole round trip.
func TestD_NoneOfManyAnswersIsCut(t *testing.T) {
	turns := make(map[string]chan struct{})
	for i := range 8 {
		turns[fmt.Sprint(i)] = make(chan struct{})
	}
	to := serve(t, "h1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		event(w, "one")
		select {
		case <-turns[r.Header.Get("Mcp-Param-Turn")]:
			event(w, "two")
		case <-r.Context().Done():
		}
	}))
	broken := make(chan error, 3000)
	front := serve(t, "h1", proxy.New(proxy.Options{
		Upstream: to, Transport: transport(t, "h1"), Logger: discard(),
		OnBroken: func(err error) { broken <- err },
	}))
	client := &http.Client{Transport: transport(t, "h1")}
	many := func(turn string, n int) error {
		for range n {
			req := request(t, http.MethodPost, front, strings.NewReader(call))
			req.Header.Set("Mcp-Param-Turn", turn)
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			lines := bufio.NewScanner(res.Body)
			for _, want := range []string{"data: one", "", "data: two", ""} {
				if !lines.Scan() || lines.Text() != want {
					return fmt.Errorf("got %q, want %q: %w", lines.Text(), want, errors.Join(lines.Err(), io.ErrUnexpectedEOF))
				}
				if want == "data: one" {
					turns[turn] <- struct{}{}
				}
			}
			if lines.Scan() || lines.Err() != nil {
				return fmt.Errorf("the end: %q %w", lines.Text(), lines.Err())
			}
			res.Body.Close()
		}
		return nil
	}
	if err := many("0", 1000); err != nil {
		t.Error("one by one:", err)
	}
	var group errgroup.Group
	for turn := range turns {
		group.Go(func() error { return many(turn, 250) })
	}
	if err := group.Wait(); err != nil {
		t.Error("eight at once:", err)
	}
	if n := len(broken); n > 0 {
		t.Errorf("%d answers were cut, first: %v", n, <-broken)
	}
}

func TestE_RefusedBodyLeavesTheClientWhole(t *testing.T) {
	const limit = 1 << 10
	for _, tt := range []struct {
		name   string
		size   int
		length bool
	}{
		{"just too large", limit + 1, true},
		{"just too large, chunked", limit + 1, false},
		{"far too large", 8 << 20, true},
		{"far too large, chunked", 8 << 20, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, echo, func(o *proxy.Options) { o.MaxBody = limit }, nil)
			for range 5 {
				req := request(t, http.MethodPost, g.url, io.NopCloser(strings.NewReader(strings.Repeat(" ", tt.size))))
				if req.ContentLength = -1; tt.length {
					req.ContentLength = int64(tt.size)
				}
				res := do(t, g.client, req)
				want := `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"the request is larger than 1024 bytes"}}`
				if got := readAll(t, res); res.StatusCode != http.StatusRequestEntityTooLarge || got != want {
					t.Fatalf("got %d %s, want 413 %s", res.StatusCode, got, want)
				}
				full := strings.Repeat(" ", limit)
				if got := readAll(t, g.post(t, nil, full)); got != full {
					t.Fatalf("the next request got %q", got)
				}
			}
		})
	}
}
