package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// rounds is how often an exchange is tried that must never fail, or always.
const rounds = 10

// ways are the ways by which the two sides may speak. An upstream in HTTP/2 gets the end of the body only after the
// transport's last read, so there only the one that answers early has begun by then.
func ways() map[string]struct{ http2, early bool } {
	return map[string]struct{ http2, early bool }{
		"HTTP/1":                 {false, false},
		"HTTP/1, answered early": {false, true},
		"HTTP/2, answered early": {true, true},
	}
}

func TestA_StreamedAnswersAreNeverCut(t *testing.T) {
	for name, way := range ways() {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,chunked=%v", name, chunked), func(t *testing.T) {
				var s stage
				upstream, trust := serve(t, way.http2, s.upstream(way.early))
				h := start(t, upstream, func(base http.RoundTripper) http.RoundTripper { return s.slowProbe(trust(base)) })
				c := newClient(t)
				for i := range rounds {
					events, err := s.post(within(t), c, h.url, chunked)
					if err != nil || !slices.Equal(events, []string{"first", "second"}) {
						t.Fatalf("answer %d: %v, %v", i, events, err)
					}
				}
			})
		}
	}
}

// The same exchange through a plain ReverseProxy loses every second event: so test A can fail. (Over HTTP/2 it loses it
// too, but only by waiting for ever.)
func TestA_ThePlainProxyCutsThem(t *testing.T) {
	for _, early := range []bool{false, true} {
		t.Run(fmt.Sprintf("early=%v", early), func(t *testing.T) {
			var s stage
			upstream, _ := serve(t, false, s.upstream(early))
			to, err := url.Parse(upstream)
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{}
			t.Cleanup(transport.CloseIdleConnections)
			plain := httptest.NewServer(&httputil.ReverseProxy{
				Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL = to },
				Transport: s.slowProbe(transport),
				ErrorLog:  log.New(io.Discard, "", 0),
			})
			t.Cleanup(plain.Close)
			c := newClient(t)
			for i := range rounds {
				events, err := s.post(within(t), c, plain.URL, false)
				if err == nil || !slices.Equal(events, []string{"first"}) {
					t.Fatalf("answer %d: %v, %v: test A proves nothing", i, events, err)
				}
			}
		})
	}
}

func TestB_TheHeadOfAStreamArrivesAtOnce(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(fmt.Sprintf("http2=%v,%s", http2, method), func(t *testing.T) {
				sent := make(chan time.Time, 1)
				received := make(chan struct{})
				upstream, trust := serve(t, http2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					w.Header().Set("Content-Type", "text/event-stream")
					_ = http.NewResponseController(w).Flush()
					sent <- time.Now()
					_, _ = await(r.Context(), received, "head") // not one byte of body before the client has the head
				}))
				h := start(t, upstream, trust)
				c := newClient(t)
				fastest := patience
				for range rounds {
					res, err := c.Do(request(t, within(t), method, h.url, "{}"))
					if err != nil {
						t.Fatal(err)
					}
					fastest = min(fastest, time.Since(<-sent))
					received <- struct{}{}
					if res.StatusCode != http.StatusOK || res.Header.Get("X-Accel-Buffering") != "no" {
						t.Errorf("%s, X-Accel-Buffering %q", res.Status, res.Header.Get("X-Accel-Buffering"))
					}
					_ = res.Body.Close()
				}
				if fastest > 100*time.Millisecond {
					t.Errorf("the head took %v at best", fastest)
				}
			})
		}
	}
}

// Each event is sent only when the client has the one before.
func TestD4_EachEventArrivesAtOnce(t *testing.T) {
	const events = 50
	next := make(chan struct{})
	upstream, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		for i := range events {
			_, _ = fmt.Fprintf(w, "id: %d\ndata: {}\n\n", i)
			_ = out.Flush()
			if _, err := await(r.Context(), next, "event"); err != nil {
				return
			}
		}
	}))
	h := start(t, upstream, nil)
	res, err := newClient(t).Do(request(t, within(t), http.MethodGet, h.url, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	seen := 0
	for lines.Scan() {
		switch lines.Text() {
		case fmt.Sprintf("id: %d", seen):
			seen++
		case "":
			next <- struct{}{}
		}
	}
	if lines.Err() != nil || seen != events {
		t.Errorf("%d events, %v", seen, lines.Err())
	}
}

// soon is how long a departure may take to be seen upstream: far more than it needs, far less than a time limit or a
// probe of a dead connection takes.
const soon = 3 * time.Second

func TestC_AClientThatLeavesIsGoneUpstream(t *testing.T) {
	tests := map[string]struct {
		method string
		answer func(w http.ResponseWriter) // what the upstream has sent when the client leaves
		bytes  int                         // how many bytes of body the client has read then
	}{
		"before the head":       {http.MethodPost, nil, 0},
		"before the first byte": {http.MethodPost, stream(""), 0},
		"D13 in a stream":       {http.MethodPost, stream("data: 1\n\n"), 9},
		"in a GET stream":       {http.MethodGet, stream("data: 1\n\n"), 9},
		"in JSON of any length": {http.MethodPost, func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, strings.Repeat(" ", 64<<10))
		}, 32 << 10},
	}
	for name, test := range tests {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s,http2=%v", name, http2), func(t *testing.T) {
				arrived, left := make(chan struct{}), make(chan time.Time, 1)
				upstream, trust := serve(t, http2, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if test.answer != nil {
						test.answer(w)
						_ = http.NewResponseController(w).Flush()
					}
					close(arrived)
					<-r.Context().Done()
					left <- time.Now()
				}))
				h := start(t, upstream, trust)
				ctx, leave := context.WithCancel(within(t))
				defer leave()
				answered := make(chan error, 1)
				c, r := newClient(t), request(t, ctx, test.method, h.url, "{}")
				go func() {
					res, err := c.Do(r)
					if err == nil {
						defer res.Body.Close()
						_, err = io.ReadFull(res.Body, make([]byte, test.bytes))
					}
					answered <- err
					<-ctx.Done() // the answer stays open until then
				}()
				if _, err := await(ctx, arrived, "the request at the upstream"); err != nil {
					t.Fatal(err)
				}
				if test.answer != nil {
					if err, late := await(ctx, answered, "the beginning of the answer"); err != nil || late != nil {
						t.Fatal(err, late)
					}
				}
				gone := time.Now()
				leave()
				at, err := await(within(t), left, "the end of the request at the upstream")
				if err != nil {
					t.Fatal(err)
				}
				if took := at.Sub(gone); took > soon {
					t.Errorf("the upstream saw it after %v", took)
				}
			})
		}
	}
}

// stream answers an event stream that begins with text.
func stream(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
	}
}

// request makes a request as MCP clients send them. A GET has no body.
func request(t testing.TB, ctx context.Context, method, url, body string) *http.Request {
	t.Helper()
	var from io.Reader
	if method == http.MethodPost {
		from = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, url, from)
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "application/json, text/event-stream")
	return r
}
