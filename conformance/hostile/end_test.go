package hostile

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/conformance/hostile/kind"
)

// Policies that do not end when they are replaced: a call that never ends, children, a process that is stopped, one that
// does not listen. The reload is not held up, what was in flight is ended, and nothing is left.
func TestG7_FaultsAtTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, []Policy{
		{Name: kind.HangInEvaluate, Options: map[string]any{"ttlSeconds": 1}}, {Name: kind.HangInHTTP}, {Name: kind.Stopped},
		{Name: kind.Fork}, {Name: kind.Deaf, Type: kind.Deaf}, {Name: "leaver"},
	})
	groups := w.pids()
	w.steer(kind.Fork, "fault?name="+kind.Fork)
	for _, name := range []string{kind.HangInEvaluate, kind.HangInHTTP} {
		w.steer(name, "fault?name="+name)
	}
	load := w.load(kind.HangInEvaluate, kind.HangInHTTP, kind.Stopped, kind.Fork, kind.Deaf)
	held, giveUp := w.hold("/" + kind.HangInHTTP + "/pid")
	w.steer(kind.Stopped, "fault?name="+kind.Stopped)
	old := w.status(kind.HangInHTTP).PID

	began := time.Now()
	w.mend("mended")
	t.Logf("mended after %v", time.Since(began))
	// A call to a policy's own path keeps its process until it is answered, at most for as long as one may take.
	select {
	case <-held:
		t.Error("the call that hangs was ended before its client gave up")
	default:
	}
	if left := processes(t, func(p process) bool { return p.group == old }); len(left) != 1 {
		t.Errorf("while its call is in flight the replaced policy has processes %+v", left)
	}
	giveUp()
	<-held
	w.wantGone(groups)
	load.stop()
	w.wantBounded()
	w.wantUnmoved()
}

// hold sends a request that is not answered. held is closed when it has ended.
func (w *world) hold(target string) (held <-chan struct{}, giveUp func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	w.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.g.URL+target, strings.NewReader(""))
	if err != nil {
		w.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if resp, err := w.client.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	return ended, cancel
}
