package hostile

import (
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
	"durward/runtime"
)

const (
	// waiting bounds what must happen soon, on a machine that does more.
	waiting = 30 * time.Second
	// growth bounds by how much the peak of the host's memory may grow, in MiB, with the race detector's part.
	growth = 128
	// granted has a grant of every policy, and stranger of none.
	granted, stranger = "ada", "eve"
)

// world is a gateway with hostile policies beside the one that ships, which must not notice them.
type world struct {
	t         *testing.T
	g         *gateway.Gateway
	up        *upstream
	policies  []Policy
	client    *http.Client
	neighbour *neighbour

	pid, clerk int
	peak       int
	had        belongings
}

// newWorld starts a gateway with the policies, all of them well, each with a route and a grant for the granted. edits are
// made before the launch.
func newWorld(t *testing.T, policies []Policy, edits ...func(*gateway.Gateway)) *world {
	t.Helper()
	w := &world{t: t, up: startUpstream(t)}
	folder, err := os.MkdirTemp("", "dw") // below the test's own, the names of sockets would be too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{Transport: transport}
	for _, p := range policies {
		p.Upstream = w.up.URL + "/" + p.Name
		w.policies = append(w.policies, p)
	}
	w.g = Start(t, func(g *gateway.Gateway) {
		g.Data, g.Transport = folder, transport
		g.Setenv("DURWARD_DEMO_UPSTREAM", w.up.URL)
		g.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"], "policyMemoryMiB": 256}`)
		Configure(t, g)
		for _, edit := range edits {
			edit(g)
		}
	})
	w.g.Save("routes.oas.json", routes(t, nil))
	w.change(nil, w.well())
	for _, p := range policies {
		w.steer(p.Name, "grant?subject="+granted)
	}
	w.neighbour = newNeighbour(t, w)
	transport.CloseIdleConnections()
	w.up.CloseClientConnections()
	w.pid, w.clerk = w.g.PID(), w.g.Policy("clerk").PID
	w.peak, w.had = peak(t, w.pid), belongingsOf(t, w.g)
	return w
}

// well are the policies without their faults. The types stay those of the faults that are types.
func (w *world) well() []Policy {
	var well []Policy
	for _, p := range w.policies {
		p.Fault = ""
		well = append(well, p)
	}
	return well
}

// steer asks the policy's process for something, which must be done.
func (w *world) steer(policy, what string) {
	w.t.Helper()
	if status := w.try(policy, what); status != http.StatusNoContent {
		w.t.Errorf("%s: %s is answered %d", policy, what, status)
	}
}

// try asks the policy's process for something and answers the status.
func (w *world) try(policy, what string) int {
	w.t.Helper()
	return w.send("/"+policy+"/"+what, "", "", "192.0.2.1")
}

// ask presents the subject's credential on the policy's route, "" for none, from the address, and answers the status.
func (w *world) ask(policy, subject, address string) int {
	w.t.Helper()
	credential := ""
	if subject != "" {
		credential = kind.Credential(subject)
	}
	return w.send("/mcp/"+policy, credential, policy+"/"+subject, address)
}

// send answers 0 if there was no answer. A refusal for now must say when to try again.
func (w *world) send(target, credential, who, address string) int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.g.URL+target, strings.NewReader(gateway.Echo))
	if err != nil {
		w.t.Error(err)
		return 0
	}
	for name, value := range map[string]string{
		"Authorization": credential, "Content-Type": "application/json", "X-Forwarded-For": address, forHeader: who,
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": "echo",
	} {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Errorf("POST %s: %v", target, err)
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		w.t.Errorf("POST %s: %v", target, err)
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		w.t.Errorf("POST %s: 503 without Retry-After", target)
	}
	return resp.StatusCode
}

// soon waits until done answers true, and tells whether it did in time.
func soon(done func() bool) bool { return within(waiting, done) }

func within(d time.Duration, done func() bool) bool {
	deadline := time.NewTimer(d)
	defer deadline.Stop()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return done()
		}
	}
	return true
}

// wantSoon wants the granted to be answered so on the policy's route.
func (w *world) wantSoon(policy string, want int) {
	w.t.Helper()
	last := 0
	if !soon(func() bool { last = w.ask(policy, granted, "192.0.2.2"); return last == want }) {
		w.t.Errorf("%s: the granted is answered %d, want %d", policy, last, want)
	}
}

// logged waits for a line of the policy's in the host's log that holds the text.
func (w *world) logged(policy, text string) {
	w.t.Helper()
	if !soon(func() bool {
		return len(w.g.Log.Lines(func(l gateway.Line) bool {
			return strings.Contains(l.Text, text) && l.Field("policy") == policy
		})) > 0
	}) {
		w.t.Errorf("%s: the log has no line %q", policy, text)
	}
}

// status answers what the host says of the policy.
func (w *world) status(policy string) runtime.PolicyStatus {
	for _, p := range w.g.Status().Policies {
		if p.Name == policy {
			return p
		}
	}
	w.t.Errorf("no policy %q runs", policy)
	return runtime.PolicyStatus{}
}

// change reloads the policies, and the routes of as many, a few at a time: a start takes a share of the machine, and has
// ten seconds. Those that come later are as in before until then.
func (w *world) change(before, after []Policy) {
	w.t.Helper()
	const atOnce = 4
	for n := 0; n < len(after); n += atOnce {
		end := min(n+atOnce, len(after))
		now := slices.Clone(after[:end])
		if len(before) > end {
			now = append(now, before[end:]...)
		}
		if len(before) < end {
			w.g.Save("routes.oas.json", routes(w.t, now))
		}
		w.g.SaveAndWait("policies.json", Policies(w.t, now...), runtime.Applied)
	}
}

// mend reloads every policy without its fault, each as a new process, and wants them all to be well: nothing of what was
// is left, and nobody else has noticed.
func (w *world) mend(label any) {
	w.t.Helper()
	well := w.well()
	for i, p := range well {
		options := map[string]any{"label": label}
		maps.Copy(options, p.Options)
		well[i].Options = options
	}
	before := w.g.Status()
	w.change(w.policies, well)
	for _, p := range before.Policies {
		if now := w.g.Policy(p.Name); p.Name != "clerk" && (now.PID == p.PID || now.State != "running") {
			w.t.Errorf("%s: after the reload that mends it its process %d is %d, %s", p.Name, p.PID, now.PID, now.State)
		}
	}
	for _, p := range w.policies {
		w.wantSoon(p.Name, http.StatusOK)
	}
}

// wantUnmoved wants the host and the neighbour's process to be those that they were, and what the host holds of its
// policies to be what it was. It comes when the load has ended.
func (w *world) wantUnmoved() {
	w.t.Helper()
	w.neighbour.stop()
	if !gateway.ProcessOf(w.pid).Alive() || w.g.PID() != w.pid {
		w.t.Fatalf("G7: the host's process %d is gone", w.pid)
	}
	if now := w.g.Policy("clerk"); now.PID != w.clerk || now.Restarts != 0 {
		w.t.Errorf("G7: the neighbour's process %d became %d after %d restarts", w.clerk, now.PID, now.Restarts)
	}
	w.t.Log(w.neighbour)
	w.up.wantOnly(w.t, granted, neighbourName)
	var left belongings
	if !soon(func() bool {
		w.client.CloseIdleConnections()
		w.up.CloseClientConnections()
		left = belongingsOf(w.t, w.g)
		return left.atMost(w.had)
	}) {
		w.t.Errorf("G6: what the host holds of its policies (-before +after):\n%s", cmp.Diff(w.had, left))
	}
}

// wantBounded wants the host's memory to have stayed bounded since the world began.
func (w *world) wantBounded() {
	w.t.Helper()
	now := peak(w.t, w.pid)
	w.t.Logf("the host's peak of memory was %d MiB and is %d MiB", w.peak, now)
	if now > w.peak+growth {
		w.t.Errorf("G7: the host's memory grew by %d MiB, more than %d", now-w.peak, growth)
	}
}
