package races

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
)

// grantRound gives a new subject a grant of the hostile policy.
func (w *world) grantRound(race string, number int) *round {
	subject := fmt.Sprintf("%s-%d", race, number)
	w.insist(http.StatusNoContent, func() (*http.Response, error) {
		return w.post(w.t.Context(), w.g.URL+"/hostile/grant?subject="+subject, nil)
	})
	return &round{
		world: w, subject: subject, route: "/mcp/hostile", credential: kind.Credential(subject), number: number,
	}
}

// revoke takes the round's grant back, and returns when that is answered.
func (r *round) revoke() {
	r.t.Helper()
	r.insist(http.StatusNoContent, func() (*http.Response, error) {
		return r.post(r.t.Context(), r.g.URL+"/hostile/revoke?subject="+r.subject, nil)
	})
	r.takenBack()
}

// The first decision on a grant is held in the middle while the grant is taken back, and what else may happen to a
// policy happens to it. Nobody ever gets through: neither who waited for that decision nor who comes later.
func TestDecisionInFlight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, race := range []struct {
		name, at string
		// meanwhile happens while a decision is held in the process, before the grant is taken back.
		meanwhile func(r *round, h *hold, pid int)
		dies      bool
	}{
		{name: "before-the-store-is-read", at: "before"},
		{name: "after-the-store-was-read", at: "after"},
		{name: "in-the-process-that-is-exchanged", at: "after", meanwhile: func(r *round, _ *hold, _ int) { r.exchange() }},
		{name: "in-the-process-that-dies", at: "after", meanwhile: func(r *round, h *hold, pid int) {
			gateway.ProcessOf(pid).Kill(r.t)
			if again := h.visitor(r.t); again == pid { // the decision is asked for once more
				r.t.Errorf("round %d: process %d has died, and decides", r.number, pid)
			}
		}, dies: true},
	} {
		t.Run(race.name, func(t *testing.T) {
			w.t = t
			for number := range rounds() {
				if race.dies && number%3 == 2 {
					w.exchange() // a new budget of crashes
				}
				r := w.grantRound(race.name, number)
				h := w.barrier.hold(r.subject, race.at)
				var waiters sync.WaitGroup
				for range 3 {
					waiters.Go(func() { r.wantRefused(r.ask()) })
				}
				pid := h.visitor(t)
				if race.meanwhile != nil {
					race.meanwhile(r, h, pid)
				}
				r.revoke()
				for range 3 {
					waiters.Go(func() { r.wantRefused(r.ask()) }) // joins those who wait, or asks anew
				}
				h.open()
				waiters.Wait()
				r.wantRefused(r.ask())
				r.verdict(true)
				if early, _ := w.up.got(r.subject); early > 0 {
					t.Errorf("round %d: %d requests got through by a decision that was out of date", number, early)
				}
			}
		})
	}
}

func (r *round) wantRefused(status int) {
	if status != http.StatusUnauthorized && status != http.StatusServiceUnavailable {
		r.t.Errorf("round %d: answered %d", r.number, status)
	}
}

// An allow is remembered and in use, by calls that come and go, one that lasts and a stream, while the grant is taken
// back and the policy is exchanged or dies.
func TestAllowInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, race := range []struct {
		name      string
		meanwhile func(r *round)
		dies      bool
	}{
		{"nothing-else", func(*round) {}, false},
		{"the-policy-is-exchanged", func(r *round) { r.exchange() }, false},
		{"the-policys-process-dies", func(r *round) { r.kill("hostile") }, true},
	} {
		t.Run(race.name, func(t *testing.T) {
			w.t = t
			for number := range rounds() {
				if race.dies && number%3 == 2 {
					w.exchange()
				}
				r := w.grantRound(race.name, number)
				inUse(r, r.revoke, race.meanwhile)
			}
		})
	}
}

// inUse takes back a grant that is in use, while something else happens.
func inUse(r *round, revoke func(), meanwhile func(*round)) {
	if got := r.ask(); got != http.StatusOK {
		r.t.Fatalf("round %d: the granted is answered %d", r.number, got)
	}
	ended := r.open()
	stop := r.crowd(3)
	var other sync.WaitGroup
	other.Go(func() { meanwhile(r) })
	revoke()
	if !gateway.Within(waiting, func() bool { return r.asked.Load() >= 9 }) {
		r.t.Errorf("round %d: the callers do not get on", r.number)
	}
	other.Wait()
	r.ask() // of whatever process there is now
	stop()
	ended()
	r.verdict(true)
}
