package tokens

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/mutant"
)

// deed is a request that writes, and what must be so when it was cut off and the gateway is there again.
type deed struct {
	name, mode string
	// asks says that the gateway asks the provider again about people, and so has been given what to ask with.
	asks bool
	// seldom says that it is left to the soak, and played once there: what it writes is written by another deed as well.
	seldom bool
	// prepare brings a new client to where the request is due.
	prepare func(*testing.T, *world) *victim
	do      func(*testing.T, *victim) answer
	// verdict is what the request is answered undisturbed, commits how many changes it makes.
	verdict verdict
	commits int
	// check repeats the request, and looks at what has become of it.
	check func(*testing.T, *victim, cut)
	// breaks is an edit of the product with which that goes wrong.
	breaks mutant.Edit
}

// victim is a client in the middle of a deed.
type victim struct {
	*app
	*points
	// held are the tokens that it has got.
	held []answer
	// also is another client of the same person's, of the same sign-in, and alsoHeld what it has got.
	also     *app
	alsoHeld answer
}

// cut says how far a deed has come: the points that it has passed.
type cut []string

// commits is how many of its changes are durable.
func (c cut) commits() int { return c.count(pointCommitted) }

func (c cut) count(name string) (n int) {
	for _, passed := range c {
		if passed == name {
			n++
		}
	}
	return n
}

// Between any two writes of a deed, and before and after each, the host is killed, and the policy's process where it is
// that one's turn. Whatever was acknowledged or not, the gateway that is there again is whole: the deed is done or it is
// not, and the client that repeats it is told so.
func TestKilledBetweenWrites(t *testing.T) {
	t.Parallel()
	binary := os.Getenv(gateway.EnvBinary) // has the points, and a deed's edit
	if binary == "" {
		var err error
		if binary, err = mutant.Build(t.Context(), t.TempDir(), pointEdits()); err != nil {
			t.Fatal(err)
		}
	}
	t.Run(control, func(t *testing.T) {
		t.Parallel()
		w, _ := withPoints(t, binary, nil)
		ordinary(t, w)
	})
	for _, d := range deeds() {
		if d.seldom && !soak() && os.Getenv(gateway.EnvBinary) == "" {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			times := rounds()
			if d.seldom {
				times = 1
			}
			for round := range times {
				t.Run(strconv.Itoa(round), func(t *testing.T) { d.killAtEach(t, binary) })
			}
		})
	}
}

// passed answers the points that an undisturbed deed passes.
func (w *world) passed(t *testing.T, p *points, d deed) cut {
	t.Helper()
	v := w.prepare(t, p, d)
	p.arm(t, 0, "nobody")
	d.do(t, v).want(t, "undisturbed", d.verdict)
	all := cut(p.disarm(t))
	if n := all.commits(); n != d.commits {
		t.Fatalf("%d changes were made, want %d", n, d.commits)
	}
	return all
}

func (w *world) prepare(t *testing.T, p *points, d deed) *victim {
	t.Helper()
	v := d.prepare(t, w)
	v.points = p
	if d.asks {
		p.forward(t)
	}
	return v
}

// killAtEach has each point of a deed be the last in its turn.
func (d deed) killAtEach(t *testing.T, binary string) {
	var edit func(*gateway.Gateway)
	if d.asks {
		edit = func(g *gateway.Gateway) { askAgain(t, g) }
	}
	w, p := withPoints(t, binary, edit)
	w.rotate(d.mode)
	all := w.passed(t, p, d)
	for i, name := range all {
		if strings.HasPrefix(name, "policy: ") {
			v := w.prepare(t, p, d)
			w.killPolicy(t, v, d, all[:i+1])
			if !t.Run("policy, "+name, func(t *testing.T) { d.check(t, v, all[:i+1]) }) {
				return
			}
		}
		v := w.prepare(t, p, d)
		w.killHost(t, v, d, all[:i+1])
		if !t.Run(name, func(t *testing.T) { d.check(t, v, all[:i+1]) }) {
			return
		}
	}
}

// killHost kills the host at the last of some points of a deed, and starts it again.
func (w *world) killHost(t *testing.T, v *victim, d deed, at cut) {
	t.Helper()
	v.arm(t, len(at), "host")
	d.do(t, v).want(t, "killed where it "+at[len(at)-1], unanswered)
	<-w.Exited()
	v.wantPassed(t, at)
	w.Launch()
}

// killPolicy kills the policy's process in the host's place. The host stays, says that it cannot answer, and starts
// another.
func (w *world) killPolicy(t *testing.T, v *victim, d deed, at cut) {
	t.Helper()
	before := w.Policy("clerk").PID
	v.arm(t, len(at), "policy")
	d.do(t, v).want(t, "the policy killed where it "+at[len(at)-1], unavailable)
	v.wantPassed(t, at)
	if !gateway.Within(waiting, func() bool {
		now := w.Policy("clerk")
		return now.State == "running" && now.PID != before
	}) {
		t.Fatal("the policy does not run again")
	}
}

// wantPassed wants these points passed before the kill. Who was not killed may have come to others since, in trying again.
func (p *points) wantPassed(t *testing.T, want cut) {
	t.Helper()
	if passed := p.disarm(t); len(passed) < len(want) || !slices.Equal(passed[:len(want)], want) {
		t.Fatalf("points passed before the kill: %q, want %q", passed, want)
	}
}
