package pluginhost

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
)

func TestSilenceRule(t *testing.T) {
	const after = 5 * time.Second
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }
	// A call without an answer from and to; an answer is a call with neither.
	type call struct{ from, to int }
	cases := []struct {
		name  string
		calls []call
		stuck bool // after the last, and not before
	}{
		{"three one after the other", []call{{0, 2}, {2, 4}, {4, 6}}, true},
		{"too few", []call{{0, 2}, {10, 12}}, false},
		{"many at once, but not for long", []call{{0, 2}, {0, 2}, {0, 2}, {1, 3}}, false},
		{"many at once, and still", []call{{0, 2}, {0, 2}, {0, 2}, {3, 5}}, true},
		{"an answer between", []call{{0, 2}, {2, 4}, {}, {4, 6}, {6, 8}}, false},
		{"an answer, then silence", []call{{0, 2}, {}, {2, 4}, {4, 6}, {6, 8}}, true},
		{"the first to begin is the last to end", []call{{1, 2}, {1, 3}, {0, 5}}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var s silence
			for i, call := range c.calls {
				if call == (struct{ from, to int }{}) {
					s.broken()
					continue
				}
				if got, want := s.missed(at(call.from), at(call.to), after), c.stuck && i == len(c.calls)-1; got != want {
					t.Errorf("after call %d: stuck %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestWorkloadKnowsWhenTheHostIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w workload
		began := time.Now()
		held := func(want bool, when string) {
			t.Helper()
			if got := w.heldUp(began, time.Now()); got != want {
				t.Errorf("%s: held up %v, want %v", when, got, want)
			}
		}
		held(false, "nothing to do")
		end := w.begin()
		time.Sleep(slowService - time.Millisecond)
		held(false, "a quick call is under way")
		end()
		held(false, "a quick call has ended")
		end = w.begin()
		time.Sleep(slowService)
		held(true, "a slow call is under way")
		w.begin()()
		held(true, "and others come and go")
		end()
		held(true, "a slow call has ended")
		time.Sleep(time.Millisecond)
		began = time.Now()
		held(false, "a slow call had ended before")
	})
}

// G7: a process that answers for its health, but no Evaluate, would make every unseen token wait for ever.
func TestG7_ProcessThatHangsInEvaluateIsReplaced(t *testing.T) {
	h, j := newHost(t, func(o *Options) { o.StuckAfter = 300 * time.Millisecond })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	other := start(t, h, testSpec("other", self(t, "good"), `{}`))
	pid := p.Status().PID
	for deadline := time.Now().Add(patience); p.Status().PID == pid && time.Now().Before(deadline); {
		if err := ask(t, p, "deaf", 150*time.Millisecond); err == nil {
			t.Fatal("a deaf process has answered")
		}
	}
	line := j.await(t, "leaves all requests unanswered")
	if line["policy"] != "first" || line["pid"] != float64(pid) {
		t.Errorf("line = %v", line)
	}
	if got := awaitState(t, p, Running, pid); got.Restarts != 1 {
		t.Errorf("status = %+v", got)
	}
	if err := ask(t, p, "", patience); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if got := other.Status(); got.Restarts != 0 {
		t.Errorf("the other policy: %+v", got)
	}
}

// ask has the policy evaluate a request of the name, for as long as the wait.
func ask(t *testing.T, p *Policy, name string, wait time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := p.Evaluate(ctx, testCall(), policies.Request{Route: "demo", Name: name})
	return err
}

// A store that hangs holds up every policy at once. Killing them would only make it worse.
func TestStoreThatHangsKillsNoPolicy(t *testing.T) {
	h, _ := newHost(t, func(o *Options) { o.StuckAfter = 500 * time.Millisecond })
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	pid := p.Status().PID
	store := hangStore(t, p, spec)
	for range stuckMisses + 1 {
		if err := ask(t, p, "deaf with the store", 2*slowService); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("error = %v", err)
		}
	}
	close(store.hang)
	if err := ask(t, p, "deaf with the store", patience); err != nil {
		t.Errorf("when the store is back: %v", err)
	}
	if got := p.Status(); got.PID != pid || got.Restarts != 0 {
		t.Errorf("status = %+v", got)
	}
}

// hangStore has the policy's process call the store, and answers the store when it hangs.
func hangStore(t *testing.T, p *Policy, spec Spec) *memory {
	t.Helper()
	store, _ := spec.Store.(*memory)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_, _ = p.Evaluate(ctx, testCall(), policies.Request{Route: "demo", Name: "deaf with the store"})
	}()
	select {
	case <-store.hanging:
	case <-time.After(patience):
		t.Fatal("the process does not call the store")
	}
	return store
}

// What makes a call end early is not always the process.
func TestCallsThatSayNothingOfTheProcess(t *testing.T) {
	h, j := newHost(t, func(o *Options) { o.StuckAfter = time.Minute })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	in, _, err := p.look()
	if err != nil {
		t.Fatal(err)
	}
	end := time.Now()
	over, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	gone, leave := context.WithCancel(t.Context())
	leave()
	long := end.Add(-time.Hour)
	fails := errors.New("no answer")
	for _, c := range []struct {
		name       string
		ctx        context.Context
		began, now time.Time
		err        error
		want       int // misses after one that counts
	}{
		{"the caller left", gone, long, end, fails, 1},
		{"the process had no time", over, end.Add(-time.Minute / leastChance / 2), end, fails, 1},
		{"it answered at the last moment", over, long, end, nil, 0},
		{"it answered with an error", t.Context(), long, end, fails, 0},
		{"the host noticed late that the time was over", over, long, end.Add(lateNotice), fails, 0},
		{"it did not answer", over, long, end.Add(lateNotice - 1), fails, 2},
	} {
		in.silence.misses, in.silence.since = 1, long
		if p.listen(c.ctx, in, c.began, c.now, c.err); in.silence.misses != c.want {
			t.Errorf("%s: %d misses, want %d", c.name, in.silence.misses, c.want)
		}
	}
	for range stuckMisses {
		p.listen(over, in, long, end, fails)
	}
	j.await(t, "leaves all requests unanswered")
	awaitState(t, p, Running, in.pid())
}

func TestStopDoesNotWaitForAHostServiceThatHangs(t *testing.T) {
	h, j := newHost(t, func(o *Options) { o.StopTimeout = 300 * time.Millisecond })
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	defer close(hangStore(t, p, spec).hang)
	stopped := make(chan struct{})
	go func() {
		p.Stop(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("Stop waits for the store")
	}
	j.await(t, "a host service still works")
}
