package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/runtime/internal/proxy"
)

func jsonError(id string, code int, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":%d,"message":%q}}`, id, code, text)
}

func TestD6_S75_AnswersThatAreNotRelayed(t *testing.T) {
	for _, tt := range []struct {
		status int
		text   string
	}{
		{401, "the upstream refused the gateway"},
		{403, "the upstream refused the gateway"},
		{407, "the upstream refused the gateway"},
		{301, "the upstream answered with a redirect"},
		{302, "the upstream answered with a redirect"},
		{307, "the upstream answered with a redirect"},
		{308, "the upstream answered with a redirect"},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			var calls atomic.Int64
			g := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
				calls.Add(1)
				w.Header().Set("WWW-Authenticate", `Bearer resource_metadata="https://evil.example/"`)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				io.WriteString(w, "secret of the upstream")
			}, nil, nil)
			res := g.post(t, nil, call)
			got := readAll(t, res)
			if want := jsonError(`"call-1"`, -32603, tt.text); res.StatusCode != http.StatusBadGateway || got != want {
				t.Errorf("got %d %s, want 502 %s", res.StatusCode, got, want)
			}
			for _, name := range []string{"Www-Authenticate", "Location"} {
				if v := res.Header.Get(name); v != "" {
					t.Errorf("%s: %s", name, v)
				}
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls, want 1", calls.Load())
			}
			if want := fmt.Sprintf("upstream answered %d", tt.status); !strings.Contains(g.log.String(), want) {
				t.Errorf("the log lacks %q: %s", want, g.log)
			}
		})
	}
}

func TestD12_AnswersThatAreRelayed(t *testing.T) {
	for _, status := range []int{200, 202, 204, 400, 404, 405, 406, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			want := "as the upstream says it"
			if status == 204 {
				want = ""
			}
			g := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				io.WriteString(w, want)
			}, nil, nil)
			res := g.post(t, nil, call)
			if got := readAll(t, res); res.StatusCode != status || got != want {
				t.Errorf("got %d %q", res.StatusCode, got)
			}
		})
	}
}

func TestUpstreamThatIsDown(t *testing.T) {
	for _, tt := range []struct{ name, body, id string }{
		{"request", call, `"call-1"`},
		{"request with a number", `{"jsonrpc":"2.0","id":7,"method":"ping"}`, `7`},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, `null`},
		{"answer to the server", `{"jsonrpc":"2.0","id":7,"result":{}}`, `null`},
		{"no message", `{"id":1`, `null`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, nil, func(o *proxy.Options) { o.Upstream = parse(t, closedPort(t)+"/mcp?key=canary") }, nil)
			res := g.post(t, nil, tt.body)
			want := jsonError(tt.id, -32603, "the upstream cannot be reached")
			if got := readAll(t, res); res.StatusCode != http.StatusBadGateway || got != want {
				t.Errorf("got %d %s, want 502 %s", res.StatusCode, got, want)
			}
			if kind := res.Header.Get("Content-Type"); kind != "application/json" {
				t.Errorf("Content-Type %s", kind)
			}
			if log := g.log.String(); !strings.Contains(log, "upstream failed") || strings.Contains(log, "canary") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// A server may close an idle connection as the next call is sent. What the Transport then does must depend on nothing
// that a client says: with an Idempotency-Key and a body it could read anew, it would send a POST twice.
func TestPostIsNeverSentTwice(t *testing.T) {
	for _, name := range []string{"", "Idempotency-Key", "X-Idempotency-Key"} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			go func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					go answerOnce(c, &calls)
				}
			}()
			g := newGateway(t, nil, func(o *proxy.Options) { o.Upstream = parse(t, "http://"+l.Addr().String()+"/mcp") }, nil)
			header := make(http.Header)
			if name != "" {
				header.Set(name, "key")
			}
			if res := g.post(t, header, call); res.StatusCode != http.StatusOK {
				t.Fatalf("first: %d", res.StatusCode)
			}
			if res := g.post(t, header, call); res.StatusCode != http.StatusBadGateway {
				t.Errorf("second: %d, want 502", res.StatusCode)
			}
			if calls.Load() != 2 {
				t.Errorf("%d calls arrived, want 2", calls.Load())
			}
		})
	}
}

// answerOnce answers the first request on a connection, reads the second and closes.
func answerOnce(c net.Conn, calls *atomic.Int64) {
	defer c.Close()
	from := bufio.NewReader(c)
	for range 2 {
		req, err := http.ReadRequest(from)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		if calls.Add(1) == 1 {
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
		} else {
			return
		}
	}
}

func TestUpstreamThatBreaksOff(t *testing.T) {
	for _, tt := range []struct{ name, kind, length string }{
		{"event stream", "text/event-stream", ""},
		{"JSON", "application/json", "1000"},
		{"JSON of unknown length", "application/json", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGateway(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", tt.kind)
				if tt.length != "" {
					w.Header().Set("Content-Length", tt.length)
				}
				io.WriteString(w, "data: one\n\n")
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}, nil, nil)
			b, err := io.ReadAll(g.post(t, nil, call).Body)
			if string(b) != "data: one\n\n" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("the client got %q, %v; want to see it broken off", b, err)
			}
			if err := await(t, "counting it", g.broken); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("counted %v", err)
			}
			if !strings.Contains(g.log.String(), "upstream broke off") {
				t.Errorf("log: %s", g.log)
			}
		})
	}
}

func TestClientThatBreaksOff(t *testing.T) {
	g := newGateway(t, func(http.ResponseWriter, *http.Request) { t.Error("the upstream was called") }, nil, nil)
	c, err := net.Dial("tcp", g.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST /mcp/demo HTTP/1.1\r\nHost: gateway\r\nContent-Length: 100\r\n\r\n{")
	c.(*net.TCPConn).CloseWrite()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	want := jsonError("null", -32700, "the request's body broke off")
	if got := readAll(t, res); res.StatusCode != http.StatusBadRequest || got != want {
		t.Errorf("got %d %s, want 400 %s", res.StatusCode, got, want)
	}
}

func TestOtherMethods(t *testing.T) {
	g := newGateway(t, func(http.ResponseWriter, *http.Request) { t.Error("the upstream was called") }, nil, nil)
	for _, method := range []string{"PUT", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND"} {
		res := do(t, g.client, request(t, method, g.url, nil))
		if got := res.Header.Get("Allow"); res.StatusCode != http.StatusMethodNotAllowed || got != "POST, GET, DELETE" {
			t.Errorf("%s: got %d, Allow %q", method, res.StatusCode, got)
		}
	}
}

// S82: a client that reads nothing holds no answer for ever, and no memory grows meanwhile.
func TestS82_ClientThatReadsNothing(t *testing.T) {
	gone := make(chan struct{})
	g := newGateway(t, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for r.Context().Err() == nil {
			event(w, strings.Repeat("x", 1<<16))
		}
		close(gone)
	}, func(o *proxy.Options) { o.Stall = 50 * time.Millisecond }, nil)
	res := g.post(t, nil, call)
	await(t, "giving the client up", gone)
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("the client saw a whole answer")
	}
	if len(g.broken) != 0 {
		t.Error("the upstream was blamed")
	}
}

// A stream that is silent for longer than Stall has a client that reads all there is.
func TestS82_SilenceIsNoStall(t *testing.T) {
	for _, version := range []string{"h1", "h2"} {
		t.Run(version, func(t *testing.T) {
			const stall = 20 * time.Millisecond
			to := serve(t, "h1", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				event(w, "one")
				<-time.After(5 * stall)
				event(w, "two")
			}))
			o := proxy.Options{Upstream: to, Transport: transport(t, "h1"), Logger: discard(), Stall: stall}
			front := serve(t, version, proxy.New(o))
			res := do(t, &http.Client{Transport: transport(t, version)}, request(t, http.MethodGet, front, nil))
			if got := readAll(t, res); got != "data: one\n\ndata: two\n\n" {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestLargeBodiesBothWays(t *testing.T) {
	g := newGateway(t, echo, nil, nil)
	body := strings.Repeat("0123456789abcdef", 4<<20/16)
	for _, length := range []int64{int64(len(body)), -1} {
		req := request(t, http.MethodPost, g.url, io.NopCloser(strings.NewReader(body)))
		req.ContentLength = length
		res := do(t, g.client, req)
		if got := readAll(t, res); res.StatusCode != http.StatusOK || got != body {
			t.Errorf("length %d: got %d and %d bytes, want %d", length, res.StatusCode, len(got), len(body))
		}
	}
}
