package proxy_test

import (
	"bufio"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/runtime/internal/proxy"
)

const (
	subscribe = `{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen"}`
	notify    = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
)

// busy is an upstream that streams to whoever listens, and counts what it is asked otherwise.
func busy(asked *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method == http.MethodGet || string(body) == subscribe {
			event(w, "first")
			<-r.Context().Done()
			return
		}
		asked.Add(1)
		if string(body) == notify {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":"call-1","result":{}}`)
	}
}

// listenTo opens a stream and answers how to end it, once its first event is there.
func (g *gateway) listenTo(t *testing.T) (end func()) {
	t.Helper()
	res := do(t, g.client, request(t, http.MethodGet, g.url, nil))
	if line, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the stream began with %d, %q and %v", res.StatusCode, line, err)
	}
	return func() { _ = res.Body.Close() }
}

func TestPlaces(t *testing.T) {
	var places proxy.Places
	var asked, full atomic.Int64
	g := newGateway(t, busy(&asked), func(o *proxy.Options) {
		o.Places, o.MaxStreams, o.OnFull = &places, 2, func() { full.Add(1) }
	}, nil)
	for range 5 { // an answer that is no stream gives its place back
		if res := g.post(t, nil, call); res.StatusCode != http.StatusOK {
			t.Fatalf("a call was answered %d", res.StatusCode)
		}
	}
	end := g.listenTo(t)
	g.listenTo(t)
	asked.Store(0)

	for _, row := range []struct {
		name, method, body string
		header             http.Header
		want               int
		answer             string
	}{
		{name: "call", method: "POST", body: call, want: 503, answer: `"id":"call-1"`},
		{name: "subscription", method: "POST", body: subscribe, want: 503, answer: `"id":7`},
		{name: "listening stream", method: "GET", want: 503, answer: `"id":null`},
		{name: "call that takes anything for an answer", method: "POST", body: call, header: http.Header{"Accept": {"*/*"}}, want: 503},
		{name: "notification", method: "POST", body: notify, want: 202},
		{name: "call that takes no stream", method: "POST", body: call, header: http.Header{"Accept": {"application/json"}}, want: 200},
		{name: "end of a session", method: "DELETE", want: 200},
	} {
		t.Run(row.name, func(t *testing.T) {
			before, refused := asked.Load(), full.Load()
			req := request(t, row.method, g.url, strings.NewReader(row.body))
			maps.Copy(req.Header, row.header)
			res := do(t, g.client, req)
			text := readAll(t, res)
			if res.StatusCode != row.want || !strings.Contains(text, row.answer) {
				t.Errorf("it was answered %d %s, want %d with %s", res.StatusCode, text, row.want, row.answer)
			}
			if row.want == 503 {
				if res.Header.Get("Retry-After") == "" || asked.Load() != before || full.Load() != refused+1 {
					t.Errorf("Retry-After %q, the upstream was asked %d times, %d refusals were counted",
						res.Header.Get("Retry-After"), asked.Load()-before, full.Load()-refused)
				}
			}
		})
	}
	if n := places.Taken(); n != 2 {
		t.Errorf("%d places are taken by two streams", n)
	}
	end()
	for deadline := time.Now().Add(patience); places.Taken() > 1; {
		if time.Now().After(deadline) {
			t.Fatal("a stream that ended keeps its place")
		}
	}
	if res := g.post(t, nil, call); res.StatusCode != http.StatusOK {
		t.Errorf("with a place free a call was answered %d", res.StatusCode)
	}
}

// A stream that nobody could expect has its place all the same.
func TestPlacesOfUnexpectedStream(t *testing.T) {
	var places proxy.Places
	g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		event(w, "first")
		<-r.Context().Done()
	}, func(o *proxy.Options) { o.Places = &places }, nil)
	res := g.post(t, http.Header{"Accept": {"application/json"}}, call)
	if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil || places.Taken() != 1 {
		t.Errorf("the stream (%v) has %d places", err, places.Taken())
	}
}

func TestAnswerWait(t *testing.T) {
	silent := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		<-r.Context().Done()
	}
	g := newGateway(t, silent, func(o *proxy.Options) { o.AnswerWait = 20 * time.Millisecond }, nil)
	res := g.post(t, nil, call)
	if text := readAll(t, res); res.StatusCode != http.StatusGatewayTimeout || !strings.Contains(text, `"id":"call-1"`) {
		t.Errorf("a call that is not answered in time got %d %s", res.StatusCode, text)
	}
	if !strings.Contains(g.log.String(), "not begun in time") {
		t.Errorf("the log does not tell of it: %s", g.log)
	}
}

// What has begun, and what only listens, may take its time.
func TestAnswerWaitIsForTheHead(t *testing.T) {
	const wait = 50 * time.Millisecond
	slow := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		late := time.After(3 * wait)
		if string(body) == call {
			event(w, "first")
		}
		<-late
		event(w, "last")
	}
	g := newGateway(t, slow, func(o *proxy.Options) { o.AnswerWait = wait }, nil)
	for _, body := range []string{call, subscribe} {
		if text := readAll(t, g.post(t, nil, body)); !strings.HasSuffix(text, "data: last\n\n") {
			t.Errorf("of %s came %q", body, text)
		}
	}
	if text := readAll(t, do(t, g.client, request(t, http.MethodGet, g.url, nil))); text != "data: last\n\n" {
		t.Errorf("of what listens came %q", text)
	}
}
