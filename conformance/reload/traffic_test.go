package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// traffic is everybody who uses the gateway while its configuration is edited.
type traffic struct {
	g *gateway.Gateway
	// over is closed when the edits are done; each request is finished then. stop closes it and waits for that.
	over chan struct{}
	stop func()
	wg   sync.WaitGroup

	mu       sync.Mutex
	failures []string
	callers  []*caller
	streams  []*stream
	events   atomic.Int64
}

// caller is one that makes its requests one after the other, on one connection that it keeps.
type caller struct {
	name      string
	http      *http.Client
	transport *http.Transport
	// cuts counts how often the gateway ended the connection, done the requests.
	dials, cuts, done atomic.Int64
}

// RoundTrip notes an answer that announces the end of the connection.
func (c *caller) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.transport.RoundTrip(r)
	if err == nil && answer.Close {
		c.cuts.Add(1)
	}
	return answer, err
}

// kept is a caller's connection.
type kept struct {
	net.Conn
	caller *caller
}

// Read notes an end that is not the caller's own doing. Go's Transport closes a healthy connection by itself if it was
// kept from running for so long that the answer overtook its own note of having written the request.
func (k *kept) Read(b []byte) (int, error) {
	n, err := k.Conn.Read(b)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		k.caller.cuts.Add(1)
	}
	return n, err
}

// newTraffic makes traffic that does not outlast the test. streaming is closed when it is to stop.
func newTraffic(test testing.TB, g *gateway.Gateway, streaming chan struct{}) *traffic {
	t := &traffic{g: g, over: make(chan struct{})}
	t.stop = sync.OnceFunc(func() {
		close(t.over)
		close(streaming)
		t.wg.Wait()
	})
	test.Cleanup(t.stop)
	return t
}

func (t *traffic) fail(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, fmt.Sprintf(format, args...))
}

// caller adds one that makes a request every so often until the edits are over.
func (t *traffic) caller(name string, every time.Duration, request func(context.Context, *http.Client) error) {
	c := &caller{name: name}
	dialer := new(net.Dialer)
	c.transport = &http.Transport{
		MaxConnsPerHost: 1,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			c.dials.Add(1)
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &kept{conn, c}, nil
		},
	}
	c.http = &http.Client{Transport: c}
	t.callers = append(t.callers, c)
	t.wg.Go(func() {
		defer c.transport.CloseIdleConnections()
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-t.over:
				return
			case <-ticker.C:
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			if err := request(ctx, c.http); err != nil {
				t.fail("%s, after %d requests: %v", name, c.done.Load(), err)
			}
			cancel()
			c.done.Add(1)
		}
	})
}

// begin starts all of it. What needs to be signed in is, when begin returns.
func (t *traffic) begin(test testing.TB) {
	test.Helper()
	for i := range 8 {
		client := t.g.MustLogin(test)
		t.caller(fmt.Sprintf("caller %d", i+1), 25*time.Millisecond, func(ctx context.Context, c *http.Client) error {
			return echo(ctx, c, client)
		})
	}
	refreshed := t.g.MustLogin(test)
	t.caller("refresher", 150*time.Millisecond, func(ctx context.Context, c *http.Client) error {
		if err := refreshed.Refresh(context.WithValue(ctx, oauth2.HTTPClient, c)); err != nil {
			return fmt.Errorf("refresh: %w", err)
		}
		return echo(ctx, c, refreshed) // with a token that nobody has seen before
	})
	t.caller("stranger", 50*time.Millisecond, t.challenged)
	t.caller("newcomer", time.Second, func(ctx context.Context, _ *http.Client) error {
		client, err := t.g.Login(ctx, gateway.NewPerson(test, "Grace Hopper"))
		if err != nil {
			return err
		}
		return echo(ctx, http.DefaultClient, client)
	})
	for _, version := range []string{withSessions, withoutSessions} {
		t.counter(test, version)
	}
	for _, method := range []string{http.MethodPost, http.MethodPost, http.MethodGet} {
		t.stream(test, method)
	}
}

// end lets everything finish, and says what went wrong.
func (t *traffic) end(test testing.TB) {
	test.Helper()
	t.stop()
	for i, failure := range t.failures {
		if i == 20 {
			test.Errorf("... and %d more", len(t.failures)-i)
			break
		}
		test.Errorf("G3: %s", failure)
	}
	for _, c := range t.callers {
		if cuts := c.cuts.Load(); cuts > 0 {
			test.Errorf("G3: %s was cut off %d times; it connected %d times for %d requests", c.name, cuts, c.dials.Load(),
				c.done.Load())
		} else if dials := c.dials.Load(); dials > 1 {
			test.Logf("%s connected %d times for %d requests, by its own doing", c.name, dials, c.done.Load())
		}
		if c.done.Load() == 0 {
			test.Errorf("%s made no request", c.name)
		}
	}
	if t.events.Load() == 0 {
		test.Error("no event came on any stream")
	}
}

// requests answers how many have been made so far.
func (t *traffic) requests() (n int64) {
	for _, c := range t.callers {
		n += c.done.Load()
	}
	return n
}

// echo calls the tool with a client's token.
func echo(ctx context.Context, c *http.Client, client *gateway.Client) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, client.Resource, strings.NewReader(gateway.Echo))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + client.Tokens.AccessToken, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": withoutSessions,
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		r.Header.Set(name, value)
	}
	status, body, err := do(c, r)
	if err == nil && (status != http.StatusOK || !strings.Contains(body, "hello")) {
		err = fmt.Errorf("answered %d: %.300s", status, body)
	}
	return err
}

// challenged is what a client does that has no token: it asks, is refused, and reads where to sign in.
func (t *traffic) challenged(ctx context.Context, c *http.Client) error {
	for _, request := range []struct {
		method, url, want string
		status            int
	}{
		{http.MethodPost, t.g.MCP(), "", http.StatusUnauthorized},
		{http.MethodGet, t.g.URL + "/.well-known/oauth-protected-resource/mcp/demo", t.g.MCP(), http.StatusOK},
		{http.MethodGet, t.g.URL + "/.well-known/oauth-authorization-server", t.g.URL, http.StatusOK},
	} {
		r, err := http.NewRequestWithContext(ctx, request.method, request.url, nil)
		if err != nil {
			return err
		}
		status, body, err := do(c, r)
		if err != nil {
			return err
		}
		if status != request.status || !strings.Contains(body, request.want) {
			return fmt.Errorf("%s: answered %d: %.300s", request.url, status, body)
		}
	}
	return nil
}

func do(c *http.Client, r *http.Request) (int, string, error) {
	answer, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, string(body), err
}
