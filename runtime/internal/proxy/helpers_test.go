package proxy_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/runtime/internal/passage"
	"durward/runtime/internal/proxy"
)

const call = `{"jsonrpc":"2.0","id":"call-1","method":"tools/call","params":{"name":"count","arguments":{"to":2}}}`

// patience bounds how long a test waits for what must happen; nothing waits for it to pass.
const patience = 20 * time.Second

// serve starts a server of one protocol on a loopback port.
func serve(t testing.TB, version string, h http.Handler) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.Config.Protocols = protocols(version)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return parse(t, s.URL+"/")
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// transport speaks one protocol, without TLS.
func transport(t testing.TB, version string) *http.Transport {
	tr := &http.Transport{
		Protocols: protocols(version), DisableCompression: true,
		MaxIdleConnsPerHost: 256, IdleConnTimeout: 4 * time.Second,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func protocols(version string) *http.Protocols {
	p := new(http.Protocols)
	switch version {
	case "h1":
		p.SetHTTP1(true)
	case "h2":
		p.SetUnencryptedHTTP2(true)
	default:
		panic(version)
	}
	return p
}

// gateway is a proxy under test and what it told.
type gateway struct {
	url    *url.URL
	client *http.Client
	log    *lockedBuffer
	broken chan error
}

// newGateway puts the proxy in front of an upstream's handler, HTTP/1.1 throughout; change may alter the options, and
// around what surrounds the proxy.
func newGateway(t testing.TB, upstream http.HandlerFunc, change func(*proxy.Options), around func(http.Handler) http.Handler) *gateway {
	t.Helper()
	g := &gateway{log: new(lockedBuffer), broken: make(chan error, 16)}
	o := proxy.Options{
		Upstream:  serve(t, "h1", upstream).JoinPath("/real/mcp"),
		Transport: transport(t, "h1"),
		Logger:    slog.New(slog.NewTextHandler(g.log, nil)),
		OnBroken:  func(err error) { g.broken <- err },
	}
	if change != nil {
		change(&o)
	}
	h := proxy.New(o)
	if around != nil {
		h = around(h)
	}
	g.url = serve(t, "h1", h).JoinPath("/mcp/demo")
	g.client = &http.Client{
		Transport:     transport(t, "h1"),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return g
}

// post sends a call.
func (g *gateway) post(t testing.TB, header http.Header, body string) *http.Response {
	t.Helper()
	req := request(t, http.MethodPost, g.url, strings.NewReader(body))
	maps.Copy(req.Header, header)
	return do(t, g.client, req)
}

func request(t testing.TB, method string, to *url.URL, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, to.String(), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	return req
}

func do(t testing.TB, c *http.Client, req *http.Request) *http.Response {
	t.Helper()
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

func readAll(t testing.TB, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("read answer: %v after %q", err, b)
	}
	return string(b)
}

// await waits for something that must happen.
func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Errorf("%s did not happen", what)
	}
	return v
}

// echo answers with the body it was sent.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body) // whole: the server takes the rest away once the answer begins
	if err != nil {
		panic(err)
	}
	w.Write(b)
}

// event writes an event and sends it off.
func event(w http.ResponseWriter, data string) {
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, "data: "+data+"\n\n")
	http.NewResponseController(w).Flush()
}

// plain is the reverse proxy that anybody would write first, well tuned: what package proxy is measured against.
func plain(to *url.URL, tr http.RoundTripper) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { pr.SetURL(to) },
		Transport:     tr,
		FlushInterval: -1,
		BufferPool:    &pool{},
		ErrorLog:      slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

type pool struct{ sync.Pool }

func (p *pool) Get() []byte {
	if b, ok := p.Pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 32<<10)
}

func (p *pool) Put(b []byte) { p.Pool.Put(&b) }

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// passing gives each request a passage, as change has it.
func passing(change func(*passage.Passage)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			way := new(passage.Passage)
			change(way)
			next.ServeHTTP(w, r.WithContext(passage.With(r.Context(), way)))
		})
	}
}

// readRequest reads one request off a connection.
func readRequest(c io.Reader) bool {
	req, err := http.ReadRequest(bufio.NewReader(c))
	if err == nil {
		_, err = io.Copy(io.Discard, req.Body)
	}
	return err == nil
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// closedPort answers an origin at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}
