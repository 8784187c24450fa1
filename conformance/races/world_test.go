package races

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
	"durward/runtime"
)

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// world is a gateway with the policy that ships and a hostile one.
type world struct {
	t       *testing.T
	g       *gateway.Gateway
	up      *upstream
	barrier *barrier
	client  *http.Client
	clients atomic.Int64
	labels  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, up: startUpstream(t), barrier: startBarrier(t)}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport}
	w.g = hostile.Start(t, func(g *gateway.Gateway) {
		g.Transport = transport
		g.Setenv("DURWARD_DEMO_UPSTREAM", w.up.URL)
		g.Setenv("DURWARD_TEST_POLICY_WAIT", "20s") // a decision that is held is waited for
		g.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"]}`)
		hostile.Configure(t, g, w.hostile())
	})
	return w
}

// hostile is the hostile policy, under a label of its own each time.
func (w *world) hostile() hostile.Policy {
	w.labels++
	return hostile.Policy{Name: "hostile", Upstream: w.up.URL, Options: map[string]any{
		"barrier": w.barrier.URL, "label": w.labels, "ttlSeconds": 600,
	}}
}

// exchange has another process of the hostile policy take the place of the one that runs.
func (w *world) exchange() {
	w.t.Helper()
	w.g.SaveAndWait("policies.json", hostile.Policies(w.t, w.hostile()), runtime.Applied)
}

// rounds is how often each race is run.
func rounds() int {
	if os.Getenv("DURWARD_SOAK") != "" {
		return 100
	}
	return 10
}

func (w *world) post(ctx context.Context, target string, header map[string]string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(gateway.Echo))
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json", "Accept": "application/json, text/event-stream",
		"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo",
		"X-Forwarded-For": w.address(),
	} {
		r.Header.Set(name, value)
	}
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return w.client.Do(r)
}

// insist asks for something until it is answered as it must be: a policy whose process has just died cannot answer yet,
// and a request that it had is not put to it twice.
func (w *world) insist(want int, ask func() (*http.Response, error)) {
	w.t.Helper()
	last := 0
	if !gateway.Within(waiting, func() bool {
		resp, err := ask()
		if err != nil {
			w.t.Errorf("no answer: %v", err)
			return true
		}
		_ = resp.Body.Close()
		last = resp.StatusCode
		return last == want
	}) {
		w.t.Fatalf("answered %d, want %d", last, want)
	}
}

// kill ends the policy's process, and waits for the next.
func (w *world) kill(policy string) {
	w.t.Helper()
	before := w.g.Policy(policy).PID
	gateway.ProcessOf(before).Kill(w.t)
	if !gateway.Within(waiting, func() bool {
		now := w.g.Policy(policy)
		return now.State == "running" && now.PID != before && now.PID != 0
	}) {
		w.t.Errorf("policy %q does not run again", policy)
	}
}
