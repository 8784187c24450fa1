package hostile

import (
	"net/http"
	"os"
	"slices"
	"sync"
	"testing"
	"time"
)

// row is a fault of a policy that runs.
type row struct {
	// track names the policy that has the fault, together with others that leave it as it was, when all rows run at once.
	track, fault string
	// strike brings it about; nil asks the policy for it.
	strike func(p *patient)
	// seen returns when the fault has been seen to strike, and says what must be so then.
	seen func(p *patient)
}

// patient is a policy with a fault.
type patient struct {
	*world
	name string
	// restarts is how often its process had been started again before the fault.
	restarts int
}

// bystander is a policy without a fault, whose decisions hold.
const bystander = "bystander"

// Policies with every kind of fault, side by side, while everybody calls. Then one reload mends them all.
func TestG7_FaultsWhileRunning(t *testing.T) {
	t.Parallel()
	if os.Getenv("DURWARD_SOAK") == "" {
		run(t, rows(), 0)
		return
	}
	for _, r := range rows() {
		r.track = "alone"
		t.Run(r.fault, func(t *testing.T) { run(t, []row{r}, 10*time.Second) })
	}
}

// run has the rows strike, those of a track one after another, keeps everybody calling for a while longer, and mends them.
func run(t *testing.T, rows []row, longer time.Duration) {
	tracks := make(map[string][]row)
	policies := []Policy{{Name: bystander}}
	var names []string
	for _, r := range rows {
		if tracks[r.track] == nil {
			names = append(names, r.track)
			// Decisions hold no longer than a second, so that the policy is asked again and again.
			policies = append(policies, Policy{Name: r.track, Options: map[string]any{"ttlSeconds": 1, "size": size(r.fault)}})
		}
		tracks[r.track] = append(tracks[r.track], r)
	}
	w := newWorld(t, policies)
	load := w.load(names...)
	for _, name := range append(names, bystander) {
		w.wantSoon(name, http.StatusOK)
	}
	groups := w.pids()
	began := time.Now()
	var work sync.WaitGroup
	for name, rows := range tracks {
		work.Go(func() {
			for _, r := range rows {
				p := &patient{w, name, w.status(name).Restarts}
				if r.strike != nil {
					r.strike(p)
				} else {
					w.steer(name, "fault?name="+r.fault)
				}
				r.seen(p)
				t.Logf("%s: seen after %v", r.fault, time.Since(began))
			}
		})
	}
	work.Wait()
	within(longer, func() bool { return false })
	groups = append(groups, w.pids()...)
	w.wantSoon(bystander, http.StatusOK)
	if s := w.status(bystander); s.Decisions["evaluated"] != 1 || s.Restarts != 0 {
		t.Errorf("the policy that does nothing was asked more than once, or has ended: %+v", s)
	}
	w.wantBounded()
	w.mend("mended")
	t.Logf("mended after %v", time.Since(began))
	load.stop()
	for _, name := range names {
		load.wantOrderly(t, name)
	}
	w.wantUnmoved()
	w.wantGone(groups)
}

// wantGone wants no process to be left of the groups, save those of policies that run.
func (w *world) wantGone(groups []int) {
	w.t.Helper()
	var left []process
	if !soon(func() bool {
		running := w.pids()
		left = processes(w.t, func(p process) bool {
			return slices.Contains(groups, p.group) && !slices.Contains(running, p.group)
		})
		return len(left) == 0
	}) {
		w.t.Errorf("G6: processes of policies that are gone live: %+v", left)
	}
}

// pids are the processes of the hostile policies.
func (w *world) pids() []int {
	var pids []int
	for _, p := range w.g.Status().Policies {
		if p.Name != "clerk" && p.PID != 0 {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
