package runtime_test

import (
	"net/http"
	"testing"

	"durward/runtime"
)

// A change that is taken back while the old process still owes an answer has it serve again: it is not left over any more.
func TestProcessThatComesBackIsNotLeft(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		*w.setup.policy("b") = guardOptions{Gate: w.gate.URL, Secret: "first"}
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/two", []string{"b"}
	})
	pid := w.policy("b").PID
	held := make(chan reply)
	go func() { held <- w.send(http.MethodPost, "/b/hold", "") }()
	visit := w.gate.next(t)
	w.reload(runtime.Applied, func(s *setup) { s.policy("b").Secret = "another" })
	if left := w.host.Status().Draining; left.Policies != 1 {
		t.Errorf("with its answer owed there is left: %+v", left)
	}
	w.reload(runtime.Applied, func(s *setup) { s.policy("b").Secret = "first" })
	if now := w.policy("b").PID; now != pid || visit.pid != pid {
		t.Fatalf("process %d serves, want that which never ended: %d", now, pid)
	}
	w.within("the process between has ended", func() bool { return w.host.Status().Draining.Policies == 0 })
	visit.open()
	if r := <-held; r.status != http.StatusOK {
		t.Errorf("the answer it owed: %d %s", r.status, r.body)
	}
}
