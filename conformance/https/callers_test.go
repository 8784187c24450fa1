package https

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// startUpstream starts an MCP server's stand-in: it answers a call at once, and who listens with an event now and then.
func startUpstream(t *testing.T) *httptest.Server {
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if r.Method == http.MethodPost {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			_, _ = io.WriteString(w, "data: tick\n\n")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-ticker.C:
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(func() {
		u.CloseClientConnections()
		u.Close()
	})
	return u
}

// caller calls without a pause until it is told to end.
type caller struct {
	url, token string
	client     *http.Client
	http2      bool // must be spoken
	calls      atomic.Int64

	// least is the serial number of the certificate in use before the last change, newest that of the one after it: what a
	// handshake shows is neither older nor newer.
	least, newest *atomic.Int64
}

// call makes one call and tells what was wrong with it.
func (c *caller) call(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	r.Header.Set("Authorization", "Bearer "+c.token)
	least := c.least.Load() // a connection that is kept may be older, but not one made for this call
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	switch shown := answer.TLS.PeerCertificates[0].SerialNumber.Int64(); {
	case err != nil:
		return err
	case answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"result"`):
		return fmt.Errorf("answered %d %s", answer.StatusCode, body)
	case c.http2 != (answer.ProtoMajor == 2):
		return fmt.Errorf("spoke %s", answer.Proto)
	case !c.http2 && (shown < least || shown > c.newest.Load()):
		return fmt.Errorf("was shown certificate %d, between %d and %d", shown, least, c.newest.Load())
	}
	c.calls.Add(1)
	return nil
}

// run calls until ctx ends.
func (c *caller) run(ctx context.Context, t *testing.T) {
	for ctx.Err() == nil {
		if err := c.call(context.WithoutCancel(ctx)); err != nil {
			t.Errorf("a call failed: %v", err)
			return
		}
	}
}

// listener reads an event stream over HTTP/2 for as long as it is open.
type listener struct {
	events atomic.Int64
	ended  chan error
	cancel context.CancelFunc
}

func listen(t *testing.T, client *http.Client, url, token string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &listener{ended: make(chan error, 1), cancel: cancel}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	must(t, err)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(r)
	must(t, err)
	if answer.StatusCode != http.StatusOK || answer.ProtoMajor != 2 {
		t.Fatalf("the stream was answered %s over %s", answer.Status, answer.Proto)
	}
	go func() {
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			if lines.Text() == "data: tick" {
				l.events.Add(1)
			}
		}
		err := lines.Err()
		if errors.Is(err, context.Canceled) {
			err = nil
		} else if err == nil {
			err = errors.New("it came to its end")
		}
		l.ended <- err
	}()
	return l
}

// goesOn waits for an event.
func (l *listener) goesOn(t *testing.T) {
	t.Helper()
	seen, ticker, late := l.events.Load(), time.NewTicker(10*time.Millisecond), time.After(30*time.Second)
	defer ticker.Stop()
	for l.events.Load() == seen {
		select {
		case <-ticker.C:
		case err := <-l.ended:
			t.Fatalf("the stream has ended: %v", err)
		case <-late:
			t.Fatal("the stream is silent")
		}
	}
}

// clients are an HTTP/2 client that keeps its connection, and an HTTP/1.1 client that shakes hands for every call.
func (a *authority) clients() (keeps, comesAnew *http.Client) {
	config := func() *tls.Config {
		return &tls.Config{RootCAs: a.roots, ClientSessionCache: tls.NewLRUClientSessionCache(8)}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config(), ForceAttemptHTTP2: true}},
		&http.Client{Transport: &http.Transport{TLSClientConfig: config(), DisableKeepAlives: true,
			TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}}
}

// until runs callers until stop is called, which waits for them.
func until(t *testing.T, callers ...*caller) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, c := range callers {
		all.Go(func() { c.run(ctx, t) })
	}
	return func() {
		cancel()
		all.Wait()
	}
}
