package browser

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/cmd/durward/demo/sample"
	"durward/conformance/gateway"
	"durward/plugins/clerk"
	"durward/runtime"
)

// clock is one that a test moves.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) wait(d time.Duration) { c.ahead.Add(int64(d)) }

// TestExpiry is what people see who take too long. The gateway's host runs in this process, so that its clock can be
// moved; the policy is a process of the real executable, whose time is what the host tells it.
func TestExpiry(t *testing.T) {
	var c clock
	w := newHost(t, &c)

	t.Run("consent page", func(t *testing.T) {
		a := w.newApp(t, "Left for lunch")
		v := w.visitor(t, a.origin)
		tb, r := v.tab(), a.ask()
		tb.open(r.url)
		c.wait(15*time.Minute + time.Second)
		tb.answer("allow")
		tb.message("answered", http.StatusForbidden)
		a.unanswered()
	})
	t.Run("login at the provider", func(t *testing.T) { // S24
		a := w.newApp(t, "Forgotten password")
		v := w.visitor(t, a.origin)
		tb, r := v.tab(), a.ask()
		tb.open(r.url)
		tb.answer("allow")
		tb.atProvider()
		c.wait(15*time.Minute + time.Second)
		tb.signIn("ada")
		tb.at("/oauth/callback")
		tb.message("stale_login", http.StatusBadRequest)
		a.unanswered()
	})
	t.Run("session", func(t *testing.T) {
		a := w.newApp(t, "Next morning")
		v := w.visitor(t, a.origin)
		tb, r := v.login(a, "ada")
		a.works(a.tokens(r).AccessToken)
		c.wait(8*time.Hour + time.Second)
		r = a.ask()
		tb.open(r.url)
		if strings.Contains(tb.text(), "ada@example.com") {
			t.Error("the browser's session has not ended")
		}
		tb.answer("allow")
		tb.atProvider()
		tb.signIn("ada")
		tb.inApp()
		a.works(a.tokens(r).AccessToken)
	})
}

// newHost makes a world on loopback whose gateway goes by c, and its provider too.
func newHost(t *testing.T, c *clock) *world {
	t.Helper()
	chromium.get(t)
	w := &world{client: newClient(t), messages: readMessages(t), provider: newProvider(t, nil, c.now)}
	var journal journal
	w.logged = func(id string) bool { return journal.holds(`"request_id":"` + id + `"`) }
	env := w.provider.env()
	env["DURWARD_DEMO_UPSTREAM"] = upstream(t)
	host, err := runtime.New(runtime.Options{
		Config: filepath.Join(gateway.Root(), "config"), Data: filepath.Join(t.TempDir(), "data"),
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Now: c.now,
		Logger:    slog.New(slog.NewJSONHandler(&journal, nil)),
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		Plugins: []runtime.Plugin{{
			Modules: []string{"@zuplo/runtime"}, Export: clerk.Export, PolicyType: clerk.PolicyType,
			Schema: clerk.Type().Describe().Options, Validate: clerk.Type().Validate,
			Executable: runtime.Executable{Path: gateway.Binary(t), Args: []string{"policy", clerk.PolicyType}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run the gateway: %v", err)
		}
		if t.Failed() {
			t.Logf("the gateway's log:\n%s", journal.text())
		}
	})
	select {
	case <-host.Ready():
	case err := <-ended:
		ended <- nil
		t.Fatalf("run the gateway: %v\n%s", err, journal.text())
	}
	w.origin = "http://" + host.Addr().String()
	w.issuer = w.origin
	return w
}

// upstream starts the demo's MCP server and answers its URL.
func upstream(t *testing.T) string {
	t.Helper()
	server := sample.New(sample.Options{})
	l := listen(t, "")
	l.serve(server)
	t.Cleanup(server.Close)
	return l.origin + "/mcp"
}

// journal keeps a log.
type journal struct {
	mu   sync.Mutex
	kept bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept.Write(p)
}

func (j *journal) text() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept.String()
}

func (j *journal) holds(text string) bool { return strings.Contains(j.text(), text) }
