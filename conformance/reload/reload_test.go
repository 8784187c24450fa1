package reload

import (
	"fmt"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
)

// patience bounds how long one request may take, on a machine that does much else.
const patience = 30 * time.Second

// rounds is how often all edits are made: once, and ten times in a soak.
func rounds() int {
	if os.Getenv("DURWARD_SOAK") != "" {
		return 10
	}
	return 1
}

// "Must be shown" 3 of the first issue: while streams, callers and sign-ins go on, the configuration is edited more than
// twenty times, well and badly. No request fails, no connection and no stream is cut, what is bad changes nothing, the
// policy's process is replaced exactly when it must be, and a sign-in across three of its processes completes.
func TestG3_EditsUnderTraffic(t *testing.T) {
	streaming := make(chan struct{})
	upstream := steady(t, streaming)
	g := gateway.Start(t, func(g *gateway.Gateway) {
		routes := g.Read(routesFile)
		at := strings.LastIndex(routes, "    }\n  }\n}") // the end of the last path
		if at < 0 {
			t.Fatal("the routes that ship have another shape")
		}
		steady := strings.TrimSuffix(strings.TrimRight(route("steady", upstream.URL, ""), " \n"), ",")
		g.Save(routesFile, routes[:at]+"    },\n    "+steady+"\n  }\n}\n")
	})
	traffic := newTraffic(t, g, streaming)
	traffic.begin(t)
	files := map[string]string{policiesFile: g.Read(policiesFile), routesFile: g.Read(routesFile), gatewayFile: ""}
	e := &editor{g: g, good: maps.Clone(files)}
	first := g.Status()
	for round := range rounds() {
		var person login
		person.open(t, g)
		for _, d := range edits() {
			requests := traffic.requests()
			e.now = fmt.Sprintf("edit %q of round %d", d.name, round+1)
			e.make(t, d)
			if t.Failed() {
				break // what follows builds on it
			}
			if traffic.requests() == requests {
				e.errorf(t, "no request was made meanwhile")
			}
			traffic.uncut(t, e.now)
			switch d.name {
			case "an option":
				person.approve(t)
			case "a route more that uses the policy":
				person.signIn(t)
			case "another scope":
				person.redeem(t)
			}
		}
		if t.Failed() {
			break
		}
		if diff := cmp.Diff(files, e.good); diff != "" {
			t.Errorf("the round does not end with the files that it began with:\n%s", diff)
		}
		if hash := g.Status().Policies[0].Hash; hash != first.Policies[0].Hash {
			t.Errorf("the policy's hash is %s and was %s for the same configuration", hash, first.Policies[0].Hash)
		}
	}
	traffic.end(t)
	for _, pid := range e.replaced {
		g.Wait(fmt.Sprintf("the end of process %d", pid), func(l gateway.Line) bool {
			return l.Msg() == "policy stopped" && l.Fields["pid"] == float64(pid)
		})
	}
	if n := len(g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "policy's process ended" })); n > 0 {
		t.Errorf("%d of the policy's processes ended by themselves", n)
	}
}
