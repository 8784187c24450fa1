package runtime_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// Limits change with a reload, for the requests that come then, and end nothing that is open.
func TestLimits(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/stream/one" })
	listening := w.listen("one")
	limits := func(limits map[string]any) func(*setup) {
		return func(s *setup) { s.gateway["limits"] = limits }
	}
	r := w.reload(runtime.Applied, limits(map[string]any{"requestBytes": 1024, "streams": 1}))
	if lines := strings.Join(r.Changes.Lines(), "\n"); lines != "gateway: limits.requestBytes: added 1024\ngateway: limits.streams: added 1" {
		t.Errorf("it changes %s", lines)
	}
	if r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good"); r.status != http.StatusServiceUnavailable ||
		r.header.Get("Retry-After") == "" || !strings.Contains(r.body, `"id":1`) {
		t.Errorf("with all places taken a call was answered %d %s", r.status, r.body)
	}
	large := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"` + strings.Repeat("a", 1024) + `"}}`
	if r := w.send(http.MethodPost, "/mcp/one", large, "Authorization", "Bearer good"); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body beyond the limit was answered %d %s", r.status, r.body)
	}
	listening.pass(t, "the stream lives on")
	w.reload(runtime.Applied, limits(map[string]any{"streams": 2}))
	second := w.listen("one")
	second.pass(t, "there is a second place")
}

// A policy that decides by the message reads the body before the proxy does: the same limit holds.
func TestLimitsWhereAPolicyReadsTheMessage(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").Deny = "forbidden"
		w.setup.gateway["limits"] = map[string]any{"requestBytes": 1024}
	})
	large := `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"` + strings.Repeat("a", 1024) + `"}}`
	if r := w.send(http.MethodPost, "/mcp/one", large, "Authorization", "Bearer good"); r.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body beyond the limit was answered %d %s", r.status, r.body)
	}
}

// The header's bound is that of the connection, and the answer says what is wrong.
func TestLimitOfTheHeader(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.gateway["limits"] = map[string]any{"headerBytes": 4096} })
	conn, err := net.Dial("tcp", w.host.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: localhost\r\nX: %s\r\n\r\n", strings.Repeat("x", 16<<10))
	if got := headLine(t, conn); got != "HTTP/1.1 431 Request Header Fields Too Large" {
		t.Errorf("answered %s", got)
	}
}

// A client that is slow to say what it wants loses its connection.
func TestTimeoutOfTheHeader(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.gateway["timeouts"] = map[string]any{"readHeaderSeconds": 1} })
	conn, err := net.Dial("tcp", w.host.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localh"); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was left open: %v", err)
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("one").upstream = w.upstream.URL + "/wait/one" },
		func(o *runtime.Options) { o.PolicyWait, o.Drain = 0, 0 })
	timeouts := func(timeouts map[string]any) func(*setup) {
		return func(s *setup) { s.gateway["timeouts"] = timeouts }
	}
	w.reload(runtime.Applied, timeouts(map[string]any{"upstreamResponseSeconds": 1, "policyWaitSeconds": 4, "drainSeconds": 1}))
	if r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good"); r.status != http.StatusGatewayTimeout ||
		!strings.Contains(r.body, `"id":1`) {
		t.Errorf("a call that the upstream leaves unanswered got %d %s", r.status, r.body)
	}
	w.upstream.next(t)
	began := time.Now()
	if r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer held"); r.status != http.StatusServiceUnavailable {
		t.Errorf("a call on which nobody decides got %d %s", r.status, r.body)
	}
	if took := time.Since(began); took < 3*time.Second { // the default is 2 s
		t.Errorf("a decision was waited for only %v", took)
	}
	w.gate.next(t).open()
	w.reload(runtime.Applied, timeouts(map[string]any{"drainSeconds": 1}))
	open := make(chan reply)
	go func() { open <- w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good") }()
	w.upstream.next(t)
	w.reload(runtime.Applied, func(s *setup) { s.drop("one") })
	if r := <-open; r.status != http.StatusServiceUnavailable {
		t.Errorf("at the end of the drain a call got %d %s", r.status, r.body)
	}
}

// What gateway.json says of the log is told before anything is opened, and with each change.
func TestOnLog(t *testing.T) {
	t.Parallel()
	told := make(chan runtime.LogSettings, 10)
	w := start(t, func(w *world) { w.setup.gateway["log"] = map[string]any{"level": "debug"} },
		func(o *runtime.Options) { o.OnLog = func(s runtime.LogSettings) { told <- s } })
	w.reload(runtime.Applied, func(s *setup) { s.gateway["log"] = map[string]any{"level": "error", "format": "text"} })
	w.reload(runtime.Refused, func(s *setup) { s.gateway["log"] = map[string]any{"level": "loud"} })
	w.reload(runtime.Applied, func(s *setup) { delete(s.gateway, "log") })
	close(told)
	var got []runtime.LogSettings
	for s := range told {
		got = append(got, s)
	}
	want := []runtime.LogSettings{{Level: slog.LevelDebug, Format: "json"}, {Level: slog.LevelError, Format: "text"}, {Format: "json"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// The defaults that the schema promises are those of the host.
func TestDefaultsAreTheSchemas(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../schema/gateway.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type property struct {
		Default    any                 `json:"default"`
		Properties map[string]property `json:"properties"`
	}
	var schema property
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	said := func(names ...string) any {
		p := schema
		for _, name := range names {
			p = p.Properties[name]
		}
		return p.Default
	}
	seconds := func(d time.Duration) any { return d.Seconds() }
	for _, row := range []struct {
		names []string
		want  any
	}{
		{[]string{"listen"}, runtime.DefaultListen},
		{[]string{"admin"}, runtime.DefaultAdmin},
		{[]string{"data"}, runtime.DefaultData},
		{[]string{"limits", "headerBytes"}, float64(runtime.DefaultHeaderBytes)},
		{[]string{"timeouts", "drainSeconds"}, seconds(runtime.DefaultDrain)},
		{[]string{"timeouts", "policyWaitSeconds"}, seconds(runtime.DefaultPolicyWait)},
		{[]string{"timeouts", "readHeaderSeconds"}, seconds(runtime.DefaultReadHeader)},
		{[]string{"timeouts", "idleSeconds"}, seconds(runtime.DefaultIdle)},
		{[]string{"limits", "requestBytes"}, float64(runtime.DefaultRequestBytes)},
		{[]string{"timeouts", "requestBodySeconds"}, seconds(runtime.DefaultRequestBody)},
		{[]string{"timeouts", "upstreamConnectSeconds"}, seconds(runtime.DefaultUpstreamConnect)},
	} {
		if got := said(row.names...); got != row.want {
			t.Errorf("%s: the schema says %v, the host %v", strings.Join(row.names, "."), got, row.want)
		}
	}
}
