package decision

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func Test32AtOnceAreOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			time.Sleep(time.Second)
			return allow(time.Minute), nil
		}}
		var sources [32]Source
		var wg sync.WaitGroup
		for i := range sources {
			wg.Go(func() {
				var d policies.Decision
				if d, sources[i] = c.Decide(t.Context(), query("k"), nil, p.load); d.Outcome != policies.Allow {
					t.Errorf("outcome %v: %s", d.Outcome, d.Reason)
				}
			})
		}
		wg.Wait()
		p.wantCalls(t, 1)
		slices.Sort(sources[:])
		if sources[0] != Evaluated || sources[1] != Shared || sources[31] != Shared {
			t.Errorf("sources %v", sources)
		}
		want := map[string]uint64{"cached": 0, "evaluated": 1, "shared": 31, "refused": 0, "limited": 0, "unavailable": 0}
		if diff := cmp.Diff(want, c.Stats()["p"]); diff != "" {
			t.Errorf("stats (-want +got):\n%s", diff)
		}
	})
}

// The same without a clock that stands still: some look before the answer is there and come to ask after it.
func TestCloselyFollowingAreOneCall(t *testing.T) {
	for range 200 {
		c, p := New(Options{}), says(allow(time.Minute))
		var wg sync.WaitGroup
		for range 32 {
			wg.Go(func() {
				if d, source := c.Decide(t.Context(), query("k"), nil, p.load); d.Outcome != policies.Allow {
					t.Errorf("%s: %s", source, d.Reason)
				}
			})
		}
		wg.Wait()
		p.wantCalls(t, 1)
	}
}

func TestDecisionForOneRequestIsNotShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			time.Sleep(time.Second / 4)
			return allow(0), nil
		}}
		var wg sync.WaitGroup
		start := time.Now()
		for range 32 {
			wg.Go(func() { decide(t, c, query("k"), p, policies.Allow, Evaluated) })
		}
		wg.Wait()
		p.wantCalls(t, 32)
		if took := time.Since(start); took != time.Second/2 {
			t.Errorf("took %v: one after the other", took)
		}
	})
}

func TestFirstCallersEndIsNotTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type name struct{}
		c := New(Options{})
		p := &policy{say: func(ctx context.Context, _ int) (policies.Decision, error) {
			select {
			case <-ctx.Done():
				return policies.Decision{}, ctx.Err()
			case <-time.After(time.Second):
			}
			if ctx.Value(name{}) != "first" {
				t.Error("the call does not know its request")
			}
			return allow(time.Minute), nil
		}}
		ctx, cancel := context.WithCancel(context.WithValue(t.Context(), name{}, "first"))
		var wg sync.WaitGroup
		wg.Go(func() {
			if d, source := c.Decide(ctx, query("k"), nil, p.load); source != Unavailable {
				t.Errorf("first: %v %s", d.Outcome, source)
			}
		})
		synctest.Wait()
		wg.Go(func() { decide(t, c, query("k"), p, policies.Allow, Shared) })
		synctest.Wait()
		cancel()
		wg.Wait()
		decide(t, c, query("k"), p, policies.Allow, Cached)
		p.wantCalls(t, 1)
	})
}

func TestWaitIsBounded(t *testing.T) {
	hang := func(ctx context.Context, _ int) (policies.Decision, error) {
		<-ctx.Done()
		return allow(time.Minute), ctx.Err()
	}
	t.Run("each waits 2 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p, start := New(Options{}), &policy{say: hang}, time.Now()
			decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("waited %v", took)
			}
			synctest.Wait()
			p.say = says(allow(time.Minute)).say
			decide(t, c, query("k"), p, policies.Allow, Evaluated)
		})
	})
	t.Run("who joins late has 2 s of their own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := New(Options{}), &policy{}
			p.say = func(ctx context.Context, call int) (policies.Decision, error) {
				if call == 1 {
					return hang(ctx, call)
				}
				return allow(time.Minute), nil
			}
			var wg sync.WaitGroup
			wg.Go(func() { decide(t, c, query("k"), p, policies.Unavailable, Unavailable) })
			time.Sleep(1900 * time.Millisecond)
			decide(t, c, query("k"), p, policies.Allow, Evaluated)
			wg.Wait()
			p.wantCalls(t, 2)
		})
	})
	t.Run("a call that does not end holds nobody longer", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			c, start := New(Options{Wait: time.Second}), time.Now()
			p := &policy{say: func(context.Context, int) (policies.Decision, error) { <-release; return allow(time.Minute), nil }}
			decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
			decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
			if took := time.Since(start); took != 2*time.Second {
				t.Errorf("waited %v", took)
			}
			close(release)
		})
	})
}

func TestMissesWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Misses: 4})
		var inFlight, most atomic.Int64
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			if n := inFlight.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(100 * time.Millisecond)
			inFlight.Add(-1)
			return allow(time.Minute), nil
		}}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() { decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Evaluated) })
		}
		synctest.Wait()
		other := query("other policy")
		other.Policy = "q"
		decide(t, c, other, says(allow(time.Minute)), policies.Allow, Evaluated)
		wg.Wait()
		p.wantCalls(t, 40)
		if most.Load() != 4 {
			t.Errorf("%d calls at once, want 4", most.Load())
		}
	})
}

func TestMissThatNeverGetsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Misses: 1})
		hang := &policy{say: func(ctx context.Context, _ int) (policies.Decision, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // it takes its time to give up
			return policies.Decision{}, ctx.Err()
		}}
		var wg sync.WaitGroup
		wg.Go(func() { decide(t, c, query("a"), hang, policies.Unavailable, Unavailable) })
		synctest.Wait()
		p := says(allow(time.Minute))
		decide(t, c, query("b"), p, policies.Unavailable, Unavailable)
		p.wantCalls(t, 0)
		wg.Wait()
		time.Sleep(time.Second)
		decide(t, c, query("b"), p, policies.Allow, Evaluated)
	})
}
