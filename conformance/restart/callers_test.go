package restart

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward/conformance/gateway"
)

// callers call the tool echo, each one call after the other, until they are stopped.
type callers struct {
	message func() *http.Request
	address string
	cancel  context.CancelFunc
	work    sync.WaitGroup

	fresh, kept, told atomic.Int64 // calls on connections of either kind; connections that were told of their end

	mu     sync.Mutex
	failed []string
}

// startCallers starts callers with the client's token: some open a connection for each call, some keep theirs for as
// long as the gateway does.
func startCallers(t *testing.T, c *gateway.Client, fresh, kept int) *callers {
	t.Helper()
	target, err := url.Parse(c.Resource)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &callers{address: target.Host, cancel: cancel, message: func() *http.Request {
		r := &http.Request{Method: http.MethodPost, URL: target, Host: target.Host, Header: http.Header{
			"Authorization": {"Bearer " + c.Tokens.AccessToken}, "Content-Type": {"application/json"},
			"Accept": {"application/json, text/event-stream"}, "Mcp-Protocol-Version": {"2026-07-28"},
			"Mcp-Method": {"tools/call"}, "Mcp-Name": {"echo"},
		}}
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(gateway.Echo)), int64(len(gateway.Echo))
		return r
	}}
	for range fresh {
		l.work.Go(func() {
			for ctx.Err() == nil {
				l.connection(func() bool { l.fresh.Add(1); return false })
			}
		})
	}
	for range kept {
		l.work.Go(func() {
			for ctx.Err() == nil {
				l.connection(func() bool { l.kept.Add(1); return ctx.Err() == nil })
			}
		})
	}
	t.Cleanup(func() { l.stop() })
	return l
}

// connection makes one call after another on one connection, for as long as again says so and the gateway does not say
// that it was the last. Whatever else happens to the connection is a failure.
func (l *callers) connection(again func() bool) {
	conn, err := net.Dial("tcp", l.address)
	if err != nil {
		l.fail("connect: %v", err)
		return
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	for calls := 0; ; calls++ {
		last, err := l.call(conn, answers)
		if err != nil {
			l.fail("call %d on a connection: %v", calls, err)
			return
		}
		if !again() {
			return
		}
		if last {
			l.told.Add(1)
			return
		}
	}
}

// call makes a call. last says that the gateway takes no other on the connection.
func (l *callers) call(conn net.Conn, answers *bufio.Reader) (last bool, err error) {
	r := l.message()
	if err := r.Write(conn); err != nil {
		return false, err
	}
	answer, err := http.ReadResponse(answers, r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "hello") {
		return false, fmt.Errorf("%s %s %w", answer.Status, body, err)
	}
	return answer.Close, nil
}

func (l *callers) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprintf(format, args...))
}

// stop ends the callers, after their last answer, and answers what failed. It may be called more than once.
func (l *callers) stop() []string {
	l.cancel()
	l.work.Wait()
	return l.failed
}
