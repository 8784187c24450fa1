package streams

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// patience bounds how long a test waits for what must happen; nothing waits for it to pass.
const patience = 30 * time.Second

// exchange is a request whose answer is under way, as the client sees it.
type exchange struct {
	name  string
	kind  kind
	there *state // the same as the upstream sees it
	ticks atomic.Int64
	done  chan struct{}
	// What came of it, once done is closed: the status, everything but ticks, and how the body ended.
	status    int
	challenge string
	rest      string
	err       error
}

// kind is a kind of request.
type kind int

const (
	call   kind = iota // a tool that tells of its progress
	held               // a tool that has not answered yet
	get                // the stream of the earlier era
	listen             // the stream of the later one
)

func kinds() []kind { return []kind{call, held, get, listen} }

func (k kind) String() string { return [...]string{"call", "held call", "GET", "subscription"}[k] }

// request is what is sent. The id is the exchange's.
func (k kind) request(id string) (method, body string) {
	message := `{"jsonrpc":"2.0","id":"` + id + `","method":"%s","params":%s}`
	switch k {
	case get:
		return http.MethodGet, ""
	case listen:
		return http.MethodPost, fmt.Sprintf(message, "subscriptions/listen", `{"notifications":{"toolsListChanged":true}}`)
	case held:
		return http.MethodPost, fmt.Sprintf(message, "tools/call", `{"name":"hold"}`)
	default:
		return http.MethodPost, fmt.Sprintf(message, "tools/call", `{"name":"tick"}`)
	}
}

// openAll opens one exchange of each kind with a client's token.
func openAll(t *testing.T, u *upstream, who string, c *gateway.Client) (all []*exchange) {
	t.Helper()
	for _, k := range kinds() {
		all = append(all, open(t, u, who, c, k))
	}
	return all
}

// open opens an exchange, and returns when it is under way: what is answered with events has sent one.
func open(t *testing.T, u *upstream, who string, c *gateway.Client, k kind) *exchange {
	t.Helper()
	id := strings.ReplaceAll(who+" "+k.String(), " ", "-")
	x := &exchange{name: who + "'s " + k.String(), kind: k, there: u.exchange(id), done: make(chan struct{})}
	method, body := k.request(id)
	r, err := http.NewRequestWithContext(t.Context(), method, c.Resource, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + c.Tokens.AccessToken, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", idHeader: id,
	} {
		r.Header.Set(name, value)
	}
	go x.run(r)
	x.await(t, "to be under way", func() bool {
		return isClosed(x.there.begun) && (k == held || x.ticks.Load() > 0)
	})
	return x
}

// run reads the answer.
func (x *exchange) run(r *http.Request) {
	defer close(x.done)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		x.err = err
		return
	}
	defer answer.Body.Close()
	x.status, x.challenge = answer.StatusCode, answer.Header.Get("WWW-Authenticate")
	var rest strings.Builder
	for body := bufio.NewReader(answer.Body); ; {
		line, err := body.ReadString('\n')
		if line != "" && strings.HasPrefix(tick, line) {
			x.ticks.Add(1)
			line, err = body.ReadString('\n') // the event's empty line
			line = strings.TrimPrefix(line, "\n")
		}
		rest.WriteString(line)
		if err != nil {
			x.rest = rest.String()
			if err != io.EOF {
				x.err = err
			}
			return
		}
	}
}

// await waits for what must come, and fails if the exchange ends before.
func (x *exchange) await(t *testing.T, what string, so func() bool) {
	t.Helper()
	if !gateway.Within(patience, func() bool { return so() || isClosed(x.done) }) {
		t.Fatalf("%s: waited too long for it %s", x.name, what)
	}
	if isClosed(x.done) {
		t.Fatalf("%s: waited for it %s, and it ended with %d %q, %v", x.name, what, x.status, x.rest, x.err)
	}
}

// goesOn wants the exchange to go on: two events more, since one may have been on its way; or still no answer.
func (x *exchange) goesOn(t *testing.T) {
	t.Helper()
	from := x.ticks.Load()
	x.await(t, "to go on", func() bool { return x.kind == held || x.ticks.Load() >= from+2 })
}

// finishes has the upstream finish, and wants the whole answer.
func (x *exchange) finishes(t *testing.T) {
	t.Helper()
	close(x.there.finish)
	x.wait(t)
	if x.err != nil || !strings.HasSuffix(x.rest, `"result":{"done":true}}`+"\n\n") {
		t.Errorf("%s was to finish, and ended with %d %q, %v", x.name, x.status, x.rest, x.err)
	}
}

// wait waits for the end.
func (x *exchange) wait(t *testing.T) {
	t.Helper()
	if !gateway.Within(patience, func() bool { return isClosed(x.done) }) {
		t.Fatalf("%s does not end", x.name)
	}
}

// wantEnd wants the exchange to have been ended, as is right for its kind, and the upstream to have been left. text is
// what calls are told in their streams.
func (x *exchange) wantEnd(t *testing.T, text string, heldStatus int) {
	t.Helper()
	x.wait(t)
	id := strings.ReplaceAll(strings.ReplaceAll(x.name, "'s ", " "), " ", "-")
	failure := `{"jsonrpc":"2.0","id":"` + id + `","error":{"code":-32603,"message":"%s"}}`
	status, rest := http.StatusOK, ""
	switch x.kind {
	case call:
		rest = "event: message\ndata: " + fmt.Sprintf(failure, text) + "\n\n"
	case held:
		if status = heldStatus; status == http.StatusServiceUnavailable {
			rest = fmt.Sprintf(failure, "the gateway has ended the call: try again")
		}
	}
	if x.err != nil || x.status != status || (x.rest != rest && status != http.StatusUnauthorized) {
		t.Errorf("%s ended with %d %q, %v; want %d %q", x.name, x.status, x.rest, x.err, status, rest)
	}
	if status == http.StatusUnauthorized && !strings.Contains(x.challenge, `error="invalid_token"`) {
		t.Errorf("%s is answered without the challenge: %q", x.name, x.challenge)
	}
	if !gateway.Within(patience, func() bool { return isClosed(x.there.gone) }) {
		t.Errorf("%s has ended, and the upstream was not told", x.name)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// What calls are told.
const (
	revoked = "the gateway ended this call before its answer was complete: the access it was made with was taken back"
	drained = "the gateway ended this call before its answer was complete: the route has changed, or the gateway shuts down"
)
