package proxy_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"

	"github.com/google/go-cmp/cmp"
)

const (
	listen = `{"jsonrpc":"2.0","id":"l","method":"subscriptions/listen","params":{"notifications":{}}}`
	note   = `{"jsonrpc":"2.0","method":"notifications/initialized"}`

	drainedText = "the gateway ended this call before its answer was complete: the route has changed, or the gateway shuts down"
	revokedText = "the gateway ended this call before its answer was complete: the access it was made with was taken back"
)

// errorEvent is the event by which a call is told that it was ended.
func errorEvent(text string) string {
	return "event: message\ndata: " + jsonError(`"call-1"`, -32603, text) + "\n\n"
}

// ways hands over the passages of requests as they come.
type ways chan *passage.Passage

func (w ways) around(next http.Handler) http.Handler {
	return passing(func(p *passage.Passage) { w <- p })(next)
}

func TestG4_EndedBeforeTheHead(t *testing.T) {
	again := jsonError(`"call-1"`, -32603, "the gateway has ended the call: try again")
	refuses := judge(func(w http.ResponseWriter) bool {
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, "who are you now")
		return true
	})
	for _, tt := range []struct {
		name   string
		why    ending.Reason
		judge  passage.Judge
		status int
		body   string
	}{
		{"drained", ending.Drained, refuses, http.StatusServiceUnavailable, again},
		{"revoked", ending.Revoked, refuses, http.StatusUnauthorized, "who are you now"},
		{"revoked, and let pass now", ending.Revoked, judge(func(http.ResponseWriter) bool { return false }),
			http.StatusServiceUnavailable, again},
		{"revoked, with nobody to ask", ending.Revoked, nil, http.StatusServiceUnavailable, again},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gone := make(chan struct{})
			var way *passage.Passage
			g := newGateway(t, func(_ http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				way.End(tt.why)
				<-r.Context().Done()
				close(gone)
			}, nil, passing(func(p *passage.Passage) { p.Judge, way = tt.judge, p }))
			res := g.post(t, nil, call)
			if got := readAll(t, res); res.StatusCode != tt.status || got != tt.body {
				t.Errorf("got %d %s, want %d %s", res.StatusCode, got, tt.status, tt.body)
			}
			if got := res.Header.Get("Retry-After"); (got == "1") != (tt.status == http.StatusServiceUnavailable) {
				t.Errorf("Retry-After %q", got)
			}
			await(t, "cancelling the upstream", gone)
			if way.Cut != tt.why {
				t.Errorf("noted as %q", way.Cut)
			}
			if g.log.String() != "" {
				t.Errorf("the upstream was blamed: %s", g.log)
			}
		})
	}
}

type judge func(http.ResponseWriter) bool

func (j judge) Refuse(w http.ResponseWriter) bool { return j(w) }

// What the client reads of an event stream that is ended when it has read the first part of what the upstream sends.
func TestG4_EndedInAStream(t *testing.T) {
	endless := strings.Repeat("x", 64<<10)
	for _, tt := range []struct {
		name    string
		request string // empty: GET
		why     ending.Reason
		first   string
		then    string // once the end has been told
		forever bool   // then is sent again and again
		header  http.Header
		rest    string // what the client reads after the first part; with forever the beginning of it
	}{
		{name: "call, drained", request: call, why: ending.Drained, first: "data: one\n\n", rest: errorEvent(drainedText)},
		{name: "call, revoked", request: call, why: ending.Revoked, first: "data: one\n\n", rest: errorEvent(revokedText)},
		{name: "call without an event yet", request: call, why: ending.Revoked, rest: errorEvent(revokedText)},
		{name: "lines end with CRLF", request: call, why: ending.Revoked, first: "data: one\r\n\r\n", rest: errorEvent(revokedText)},
		{name: "lines end with CR", request: call, why: ending.Revoked, first: "id: 1\rdata: one\r\r", rest: errorEvent(revokedText)},
		{name: "half an event, whose end comes with more", request: call, why: ending.Revoked, first: "data: on",
			then: "e\n\ndata: two\n\n", rest: "e\n\n" + errorEvent(revokedText)},
		{name: "an event but for its empty line", request: call, why: ending.Drained, first: "data: one\n",
			then: "\ndata: two\n\n", rest: "\n" + errorEvent(drainedText)},
		{name: "half an event, whose end does not come", request: call, why: ending.Revoked, first: "data: on", rest: ""},
		{name: "an event without end", request: call, why: ending.Revoked, first: "data: on", then: endless, forever: true,
			rest: endless},
		{name: "a stream that cannot be read", request: call, why: ending.Revoked, first: "data: one\n\n",
			header: http.Header{"Content-Encoding": {"gzip"}}, rest: ""},
		{name: "a length was announced", request: call, why: ending.Drained, first: "data: one\n\n",
			header: http.Header{"Content-Length": {"100"}}, rest: errorEvent(drainedText)},
		{name: "GET, drained", why: ending.Drained, first: "data: one\n\n"},
		{name: "GET, revoked", why: ending.Revoked, first: "data: one\n\n"},
		{name: "subscription, revoked", request: listen, why: ending.Revoked, first: "data: one\n\n"},
		{name: "subscription, expired", request: listen, why: ending.Expired, first: "data: one\n\n"},
		{name: "no request", request: note, why: ending.Revoked, first: "data: one\n\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, version := range []string{"h1", "h2"} {
				told, gone := make(chan struct{}), make(chan struct{})
				to := serve(t, "h1", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					defer close(gone)
					w.Header().Set("Content-Type", "text/event-stream")
					maps.Copy(w.Header(), tt.header)
					io.WriteString(w, tt.first)
					http.NewResponseController(w).Flush()
					<-told
					for {
						if _, err := io.WriteString(w, tt.then); err != nil {
							return
						}
						http.NewResponseController(w).Flush()
						if !tt.forever {
							break
						}
					}
					<-r.Context().Done()
				}))
				w := make(ways, 1)
				var streams atomic.Int64
				broken := make(chan error, 1)
				handled := make(chan struct{})
				inner := w.around(proxy.New(proxy.Options{
					Upstream: to, Transport: transport(t, "h1"), Logger: discard(), Streams: &streams,
					OnBroken: func(err error) { broken <- err },
				}))
				front := serve(t, version, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					defer close(handled)
					inner.ServeHTTP(w, r)
				}))
				method := http.MethodPost
				if tt.request == "" {
					method = http.MethodGet
				}
				client := &http.Client{Transport: transport(t, version)}
				res := do(t, client, request(t, method, front, strings.NewReader(tt.request)))
				if _, err := io.ReadFull(res.Body, make([]byte, len(tt.first))); err != nil {
					t.Fatal(err)
				}
				if n := streams.Load(); n != 1 {
					t.Errorf("%s: %d streams are counted", version, n)
				}
				way := await(t, "the request", w)
				way.End(tt.why)
				close(told)
				rest := readAll(t, res)
				if tt.forever {
					rest = rest[:min(len(rest), len(tt.rest))]
				}
				if diff := cmp.Diff(tt.rest, rest); diff != "" {
					t.Errorf("%s: the rest (-want +got):\n%s", version, diff)
				}
				await(t, "cancelling the upstream", gone)
				await(t, "the end of the answer", handled)
				if way.Cut != tt.why || streams.Load() != 0 || len(broken) != 0 {
					t.Errorf("%s: noted as %q, %d streams are counted, the upstream was blamed %d times",
						version, way.Cut, streams.Load(), len(broken))
				}
			}
		})
	}
}

// What was begun when the stream was ended may be the upstream's last word. Then the answer is whole, and the call must not
// be told otherwise.
func TestG4_EndedWithinTheResult(t *testing.T) {
	told := make(chan struct{})
	w := make(ways, 1)
	g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: the res")
		http.NewResponseController(w).Flush()
		<-told
		io.WriteString(w, "ult\n\n")
		http.NewResponseController(w).Flush()
	}, nil, w.around)
	res := g.post(t, nil, call)
	io.ReadFull(res.Body, make([]byte, len("data: the res")))
	way := await(t, "the request", w)
	way.End(ending.Drained)
	close(told)
	if rest := readAll(t, res); rest != "ult\n\n" || way.Cut != "" {
		t.Errorf("read %q, noted as %q", rest, way.Cut)
	}
}

func TestG4_EndedInADocument(t *testing.T) {
	for _, length := range []string{"", "100"} {
		w := make(ways, 1)
		g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if length != "" {
				w.Header().Set("Content-Length", length)
			}
			io.WriteString(w, `{"half":`)
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, nil, w.around)
		res := g.post(t, nil, call)
		io.ReadFull(res.Body, make([]byte, len(`{"half":`)))
		way := await(t, "the request", w)
		way.End(ending.Revoked)
		if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("length %q: half a document passed for a whole one: %v", length, err)
		}
	}
}

func TestAnEndThatDoesNotComeChangesNothing(t *testing.T) {
	w := make(ways, 1)
	g := newGateway(t, echo, nil, w.around)
	if got := readAll(t, g.post(t, nil, call)); got != call {
		t.Errorf("got %q", got)
	}
	if way := await(t, "the request", w); way.Cut != "" {
		t.Errorf("noted as %q", way.Cut)
	}
}

func TestG4_EndedBeforeItBegan(t *testing.T) {
	g := newGateway(t, func(http.ResponseWriter, *http.Request) { t.Error("the upstream was called") }, nil,
		passing(func(p *passage.Passage) { p.End(ending.Drained) }))
	if res := g.post(t, nil, call); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", res.StatusCode)
	}
}

// A client that leaves is no end of the host's making.
func TestAClientThatLeavesIsNotCut(t *testing.T) {
	w := make(ways, 1)
	handled := make(chan struct{})
	g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		event(w, "one")
		<-r.Context().Done()
	}, nil, func(next http.Handler) http.Handler {
		next = w.around(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(handled)
			next.ServeHTTP(w, r)
		})
	})
	ctx, leave := context.WithCancel(t.Context())
	res := do(t, g.client, request(t, http.MethodGet, g.url, nil).WithContext(ctx))
	io.ReadFull(res.Body, make([]byte, len("data: one\n\n")))
	leave()
	await(t, "the end of the answer", handled)
	if way := await(t, "the request", w); way.Cut != "" {
		t.Errorf("noted as %q", way.Cut)
	}
}
