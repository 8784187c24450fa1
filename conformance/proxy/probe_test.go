package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// exchange is one POST with a streamed answer of two events, in the order that loses the second one if the body that
// goes upstream is the server's live one (golang/go#40747):
//
//   - the upstream has the whole request and sends the first event, the client receives it;
//   - only then does the transport read the request's body once more, to see that nothing follows;
//   - then the upstream sends the second event.
type exchange struct {
	received chan struct{} // closed when the client has the first event
	probed   chan struct{} // closed when the transport has read once more
}

// stage holds the exchange that is going on. There is one at a time.
type stage struct{ current atomic.Pointer[exchange] }

// settle is how long a fault that the late read has caused gets to show.
const settle = 50 * time.Millisecond

// upstream answers with the two events. early: it begins before it has read the body.
func (s *stage) upstream(early bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := s.current.Load()
		if !early {
			_, _ = io.Copy(io.Discard, r.Body) // a body that broke off shows at the client
		}
		w.Header().Set("Content-Type", "text/event-stream")
		out := http.NewResponseController(w)
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = out.Flush()
		if _, err := await(r.Context(), e.probed, "late read"); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(settle):
		}
		_, _ = io.WriteString(w, "data: second\n\n")
	})
}

// slowProbe delays the transport's last read of each body until the client has the first event.
func (s *stage) slowProbe(base http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			return nil, errors.New("a request without a body came to the probe")
		}
		r = r.Clone(r.Context())
		r.Body = &slowBody{ReadCloser: r.Body, ctx: r.Context(), left: r.ContentLength, e: s.current.Load()}
		return base.RoundTrip(r)
	})
}

type slowBody struct {
	io.ReadCloser
	ctx  context.Context
	left int64 // -1: not known, so that no read is known to be the last
	e    *exchange
}

func (b *slowBody) Read(p []byte) (int, error) {
	if b.left != 0 {
		n, err := b.ReadCloser.Read(p)
		if b.left > 0 {
			b.left -= int64(n)
		}
		return n, err
	}
	b.left = -1
	if _, err := await(b.ctx, b.e.received, "first event"); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	close(b.e.probed)
	return n, err
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// post sends one POST and answers the data of the events that came. With chunked the body's length is not announced.
func (s *stage) post(ctx context.Context, c *http.Client, url string, chunked bool) ([]string, error) {
	e := &exchange{received: make(chan struct{}), probed: make(chan struct{})}
	s.current.Store(e)
	var body io.Reader = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"count"}}`)
	if chunked {
		body = io.MultiReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	res, err := c.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %s", res.Status)
	}
	var events []string
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if events = append(events, data); len(events) == 1 {
				close(e.received)
			}
		}
	}
	return events, lines.Err()
}
