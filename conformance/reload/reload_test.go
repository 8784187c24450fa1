package reload

import (
	"maps"
	"os"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
)

// rounds is how often all edits are made: once, and in a soak until there were two hundred of them.
func rounds() int {
	if soak() {
		return 5
	}
	return 1
}

func soak() bool { return os.Getenv("DURWARD_SOAK") != "" }

// "Must be shown" 1 of the fourth issue: while callers, two hundred streams and sign-ins go on, the configuration and an
// executable are edited, well and badly. No request fails, no connection is closed, no stream on a route that did not
// change is cut, every sign-in completes, and afterwards nothing is in use that was not before. Each edit changes what it
// has to change and nothing else.
func TestG3_EditsUnderTraffic(t *testing.T) {
	u := newUpstream(t)
	executable := hostile.Executable(t)
	g := hostile.Start(t, func(g *gateway.Gateway) {
		g.Setenv(hostile.EnvExecutable, executable)
		configure(t, g, u.URL)
	})
	newUsers(t, g, u).end(t) // what is made at the first use, and stays
	before := settled(t, g)

	all := newUsers(t, g, u)
	e := newEditor(t, g, all.crowd, executable)
	files := maps.Clone(e.good)
	hashes := hashesOf(g.Status())
	began := time.Now()
	for round := range rounds() {
		e.round(t, round+1, edits(executable))
		if t.Failed() {
			break
		}
	}
	if now := g.Status(); !maps.Equal(hashes, hashesOf(now)) {
		t.Errorf("the policies' hashes are %v and were %v for the same configuration", hashesOf(now), hashes)
	}
	took := time.Since(began)
	left := len(childrenOf(g.PID())) - len(g.Status().Policies)
	durward := row{"Durward", len(edits(executable)) * rounds(), all.end(t), left}
	e.finish(t, files)
	gaveBack(t, g, before)
	t.Logf("%v in %v; %d people signed in\n%s", e.results, took, all.logins.Load(), table(durward))
	t.Run("nginx beside it", func(t *testing.T) {
		reloads := durward.reloads
		if !soak() {
			reloads /= 5
		}
		t.Logf("under the same callers and streams:\n%s", table(durward, besideNginx(t, reloads, took/time.Duration(durward.reloads))))
	})
}
