package streams

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/runtime"
)

// lifetime is that of access tokens: the shortest that can be configured.
const lifetime = time.Minute

// G4: what ends by a clock. The host runs in the test's own process, so that its clock can be moved and its drain is
// short.
func TestG4_Deadlines(t *testing.T) {
	t.Parallel()
	u := startUpstream(t)
	leads := map[string]string{"demo": u.URL + "/demo", "changes": u.URL + "/before"}
	g := gateway.Prepare(t, func(g *gateway.Gateway) {
		withRoutes(t, g, leads)
		g.SetOption(t, "gateway", map[string]any{"accessTokenTtlSeconds": int(lifetime.Seconds())})
	})
	var ahead atomic.Int64
	host, end := g.Host(func(o *runtime.Options) {
		o.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		o.Drain = time.Second
	})
	ada := g.Person(t, "Ada Lovelace")

	t.Run("the credential expires", func(t *testing.T) {
		c, before := login(t, g, ada, "demo"), host.Status().Ended
		early := open(t, u, "begun early", c, call)
		ahead.Add(int64(lifetime - 4*time.Second)) // what is left of the credential
		late := openAll(t, u, "begun late", c)
		others := openAll(t, u, "another grant", login(t, g, ada, "demo"))
		calls := []*exchange{early}
		for _, x := range late {
			if x.kind == get || x.kind == listen {
				x.wantEnd(t, "", 0)
			} else {
				calls = append(calls, x)
			}
		}
		goOn(t, calls)
		goOn(t, others)
		if ended := host.Status().Ended["expired"] - before["expired"]; ended != 2 {
			t.Errorf("status: %d streams were ended, want 2", ended)
		}
		if status, body, err := c.Call(t.Context()); status != http.StatusUnauthorized {
			t.Errorf("a call with the credential that has expired: %d %s, %v", status, body, err)
		}
		for _, x := range calls {
			if x.kind == call {
				x.finishes(t)
			}
		}
	})

	t.Run("the route changes", func(t *testing.T) {
		stays, goes := login(t, g, ada, "demo"), login(t, g, ada, "changes")
		kept, changed := openAll(t, u, "on the route kept", stays), openAll(t, u, "on the route changed", goes)
		leads["changes"] = u.URL + "/after"
		withRoutes(t, g, leads)
		if r := host.Reload(t.Context(), "the test"); r.Result != runtime.Applied && r.Result != runtime.Unchanged {
			t.Fatalf("reload: %+v", r)
		}
		wantEnds(t, changed, drained, http.StatusServiceUnavailable)
		goOn(t, kept)
	})

	t.Run("the gateway ends", func(t *testing.T) {
		open := openAll(t, u, "at the end", login(t, g, ada, "demo"))
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		wantEnds(t, open, drained, http.StatusServiceUnavailable)
		if err := <-ended; err != nil {
			t.Errorf("the host ended with %v", err)
		}
	})
}
