package proxy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// pace is the time between the two events of an answer under load: long enough for the answer to be read in two pieces.
const pace = 5 * time.Millisecond

// twoEvents answers each request with two events that name its id, and counts what must not have come.
type twoEvents struct{ credentials atomic.Int64 }

func (u *twoEvents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "" {
		u.credentials.Add(1)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	id := strings.TrimSuffix(strings.TrimPrefix(string(body), `{"jsonrpc":"2.0","method":"tools/call","id":`), "}")
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = fmt.Fprintf(w, "data: first %s\n\n", id)
	_ = http.NewResponseController(w).Flush()
	select {
	case <-r.Context().Done():
	case <-time.After(pace):
		_, _ = fmt.Fprintf(w, "data: second %s\n\n", id)
	}
}

// Through the real gateway: the policy in its own process, a live token, and every answer whole.
func TestD_NoAnswerOfThreeThousandIsCut(t *testing.T) {
	var u twoEvents
	upstream := httptest.NewServer(&u)
	t.Cleanup(upstream.Close)
	g := gateway.Start(t, func(g *gateway.Gateway) { g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL) })
	token := g.MustLogin(t).Tokens.AccessToken
	c := newClient(t)

	for _, load := range []struct{ posts, parallel int }{{1000, 1}, {2000, 8}} {
		t.Run(fmt.Sprintf("%d at %d", load.posts, load.parallel), func(t *testing.T) {
			var next, bad atomic.Int64
			var callers sync.WaitGroup
			for range load.parallel {
				callers.Go(func() {
					for {
						id := next.Add(1)
						if id > int64(load.posts) {
							return
						}
						if err := call(t.Context(), c, g.MCP(), token, id); err != nil && bad.Add(1) <= 5 {
							t.Errorf("call %d: %v", id, err)
						}
					}
				})
			}
			callers.Wait()
			if n := bad.Load(); n > 0 {
				t.Errorf("%d of %d answers were not whole", n, load.posts)
			}
		})
	}
	if n := u.credentials.Load(); n > 0 {
		t.Errorf("D5: %d requests reached the upstream with a credential", n)
	}
	var broken int
	for range g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "upstream broke off" || l.Fields["aborted"] == true }) {
		broken++
	}
	if broken > 0 {
		t.Errorf("the log tells of %d broken answers", broken)
	}
}

// call sends one request and wants its own two events.
func call(ctx context.Context, c *http.Client, url, token string, id int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	number := strconv.FormatInt(id, 10)
	body := `{"jsonrpc":"2.0","method":"tools/call","id":` + number + "}"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := c.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	want := "data: first " + number + "\n\ndata: second " + number + "\n\n"
	if err != nil || res.StatusCode != http.StatusOK || !bytes.Equal(got, []byte(want)) {
		return fmt.Errorf("%s %q: %w", res.Status, got, err)
	}
	return nil
}
