package hostile

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"durward/conformance/hostile/kind"
	"durward/runtime"
)

// startFaults keep a policy from being started.
func startFaults() []string {
	return []string{
		kind.RefuseStart, kind.HangInStart, kind.PrintFirst, kind.EndlessFirstLine, kind.ForeignSocket, kind.HangInDescribe,
		kind.OtherType, kind.DieInConfigure, kind.FailInConfigure, kind.HangInConfigure, kind.LieInReport,
	}
}

// Every policy is to be replaced by one that does not start, each in its own way. The reload is refused as a whole and
// says why of each; what runs runs on (G2), and of what was begun nothing is left.
func TestG7_FaultsAtTheStart(t *testing.T) {
	t.Parallel()
	if os.Getenv("DURWARD_SOAK") == "" {
		begin(t, startFaults(), 1)
		return
	}
	for _, fault := range startFaults() {
		t.Run(fault, func(t *testing.T) { begin(t, []string{fault}, 5) })
	}
}

func begin(t *testing.T, faults []string, rounds int) {
	var well, ill []Policy
	for _, fault := range faults {
		well = append(well, Policy{Name: fault})
		ill = append(ill, Policy{Name: fault, Fault: fault})
	}
	w := newWorld(t, well)
	load := w.load(faults...)
	before := w.g.Status()
	good := w.g.Read("policies.json")
	for range rounds {
		began := time.Now()
		refused := w.g.SaveAndWait("policies.json", Policies(t, ill...), runtime.Refused)
		t.Logf("refused after %v: %s", time.Since(began), refused.Error)
		for _, fault := range faults {
			if !strings.Contains(refused.Error, `policy "`+fault+`": `) {
				t.Errorf("%s: the refusal says nothing of it", fault)
			}
		}
		w.g.SaveAndWait("policies.json", good, runtime.Unchanged)
	}
	after := w.g.Status()
	if after.Number != before.Number {
		t.Errorf("generation %d became %d", before.Number, after.Number)
	}
	for i, p := range after.Policies {
		if was := before.Policies[i]; p.PID != was.PID || p.State != "running" || p.Restarts != 0 {
			t.Errorf("%s: process %d became %+v", p.Name, was.PID, p)
		}
	}
	load.stop()
	for _, name := range faults {
		load.wantOrderly(t, name)
		load.wantAll(t, name, granted, http.StatusOK)
	}
	w.wantBounded()
	w.wantUnmoved()
}

// Paths that somebody serves already are problems of the configuration: nothing is started to find out.
func TestG7_CollidingPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []Policy{{Name: "one"}, {Name: "two"}})
	for _, path := range []string{"/oauth/token", "/mcp/demo", "/two/grant"} {
		before := w.g.Status()
		text := Policies(t, Policy{Name: "one", Options: map[string]any{"paths": []string{path}}}, Policy{Name: "two"})
		r := w.g.SaveAndWait("policies.json", text, runtime.Refused)
		if len(r.Problems) == 0 || !strings.Contains(r.Problems[0].Text, path) {
			t.Errorf("%s: the reload is %+v", path, r)
		}
		if w.status("one").PID != before.Policies[1].PID {
			t.Errorf("%s: the policy was started anew", path)
		}
	}
	w.mend("mended")
	w.wantUnmoved()
}
