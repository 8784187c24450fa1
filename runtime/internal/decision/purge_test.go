package decision

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
)

func TestPurgeEndsDecisionsByTag(t *testing.T) {
	c, p := New(Options{}), says(allow(time.Minute, "grant", "person"))
	q := query("k")
	other := Query{Policy: "q", Key: query("other").Key}
	decide(t, c, q, p, policies.Allow, Evaluated)
	decide(t, c, other, p, policies.Allow, Evaluated)

	c.Purge(1, "p", []string{"another grant"})
	decide(t, c, q, p, policies.Allow, Cached)
	c.Purge(2, "p", []string{"person", "another grant"})
	decide(t, c, other, p, policies.Allow, Cached)
	tagged := respond(403, time.Minute)
	tagged.Tags = []string{"grant"}
	p.say = says(tagged).say
	decide(t, c, q, p, policies.Respond, Evaluated)
	c.Purge(3, "q", []string{"grant"})
	decide(t, c, other, p, policies.Respond, Evaluated)
	decide(t, c, q, p, policies.Respond, Cached)
	c.Purge(4, "p", []string{"grant"})
	decide(t, c, q, p, policies.Respond, Evaluated)
}

func TestRepeatedPurgeHidesNoLaterOne(t *testing.T) {
	c, p := New(Options{}), &policy{}
	p.say = func(_ context.Context, call int) (policies.Decision, error) {
		purgeOn(c, call, 1, 2, "p", "grant")
		purgeOn(c, call, 1, 1, "p", "grant")
		return allow(time.Minute, "grant"), nil
	}
	c.Purge(1, "p", []string{"grant"})
	decide(t, c, query("k"), p, policies.Allow, Evaluated)
	p.wantCalls(t, 2)
}

func TestAnswerOlderThanPurgeIsMadeAnew(t *testing.T) {
	for _, tc := range []struct {
		name    string
		purge   func(c *Cache, call int) // during the call
		say     func(call int) policies.Decision
		outcome policies.Outcome
		source  Source
		calls   int64
	}{
		{
			name:    "one of its tags",
			purge:   func(c *Cache, call int) { purgeOn(c, call, 1, 1, "p", "person") },
			say:     func(int) policies.Decision { return allow(time.Minute, "grant", "person") },
			outcome: policies.Allow, source: Evaluated, calls: 2,
		},
		{
			name:  "the new answer counts",
			purge: func(c *Cache, call int) { purgeOn(c, call, 1, 1, "p", "grant") },
			say: func(call int) policies.Decision {
				if call == 1 {
					return allow(time.Minute, "grant")
				}
				return respond(401, time.Minute)
			},
			outcome: policies.Respond, source: Evaluated, calls: 2,
		},
		{
			name: "and again, then unavailable",
			purge: func(c *Cache, call int) {
				purgeOn(c, call, 1, 1, "p", "grant")
				purgeOn(c, call, 2, 2, "p", "grant")
			},
			say:     func(int) policies.Decision { return allow(time.Minute, "grant") },
			outcome: policies.Unavailable, source: Unavailable, calls: 2,
		},
		{
			name: "a number that comes late",
			purge: func(c *Cache, call int) {
				purgeOn(c, call, 1, 9, "p", "another")
				purgeOn(c, call, 1, 8, "p", "grant")
			},
			say:     func(int) policies.Decision { return allow(time.Minute, "grant") },
			outcome: policies.Allow, source: Evaluated, calls: 2,
		},
		{
			name:    "a tag it does not have",
			purge:   func(c *Cache, call int) { purgeOn(c, call, 1, 1, "p", "another") },
			say:     func(int) policies.Decision { return allow(time.Minute, "grant") },
			outcome: policies.Allow, source: Evaluated, calls: 1,
		},
		{
			name:    "a tag of another policy",
			purge:   func(c *Cache, call int) { purgeOn(c, call, 1, 1, "q", "grant") },
			say:     func(int) policies.Decision { return allow(time.Minute, "grant") },
			outcome: policies.Allow, source: Evaluated, calls: 1,
		},
		{
			name:  "a principal that has ended meanwhile",
			purge: func(*Cache, int) { time.Sleep(time.Second) },
			say: func(call int) policies.Decision {
				if call == 2 {
					return respond(401, time.Minute)
				}
				d := allow(time.Minute)
				d.Principal = &policies.Principal{Issuer: "i", Subject: "s", Expires: time.Now()}
				return d
			},
			outcome: policies.Respond, source: Evaluated, calls: 2,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := New(Options{Wait: time.Minute}), &policy{}
				p.say = func(_ context.Context, call int) (policies.Decision, error) {
					d := tc.say(call)
					tc.purge(c, call)
					return d, nil
				}
				decide(t, c, query("k"), p, tc.outcome, tc.source)
				p.wantCalls(t, tc.calls)
				if tc.outcome == policies.Allow {
					decide(t, c, query("k"), p, policies.Allow, Cached)
				}
				wantNoMemory(t, c)
			})
		})
	}
}

// purgeOn purges during one call, as seq.
func purgeOn(c *Cache, call, on int, seq int64, policy, name string) {
	if call == on {
		c.Purge(seq, policy, []string{name})
	}
}

// wantNoMemory wants no purge to be remembered, since no miss is in flight.
func wantNoMemory(t *testing.T, c *Cache) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.purges.latest) + len(c.purges.log) + c.purges.inFlight.Len() + len(c.flights); n != 0 {
		t.Errorf("%d purges and misses are remembered", n)
	}
}

func TestPurgesAreRememberedAsLongAsTheOldestMiss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		remembered := func(want int) {
			t.Helper()
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.purges.latest) != want || len(c.purges.log) < want {
				t.Errorf("%d purged tags remembered, want %d", len(c.purges.latest), want)
			}
		}
		c.Purge(1, "p", []string{"before"})
		remembered(0)
		var wg sync.WaitGroup
		release := map[string]chan struct{}{"old": make(chan struct{}), "young": make(chan struct{})}
		start := func(key string) {
			wg.Go(func() {
				decide(t, c, query(key), &policy{say: func(context.Context, int) (policies.Decision, error) {
					<-release[key]
					return allow(time.Minute, "unpurged"), nil
				}}, policies.Allow, Evaluated)
			})
			synctest.Wait()
		}
		start("old")
		c.Purge(2, "p", []string{"a", "b"})
		remembered(2)
		start("young")
		c.Purge(3, "p", []string{"b", "c"})
		remembered(3)
		close(release["old"])
		synctest.Wait()
		remembered(2)
		close(release["young"])
		wg.Wait()
		wantNoMemory(t, c)
	})
}

// One who begins to ask after a purge has returned must see what was true then, also if the call was under way before.
func TestNoAllowFromBeforeAPurge(t *testing.T) {
	for round := range 100 {
		c := New(Options{})
		var revoked atomic.Bool // the truth
		load := func(context.Context) (policies.Decision, error) {
			if revoked.Load() {
				return respond(401, time.Minute), nil
			}
			runtime.Gosched() // the answer is on its way while the truth changes
			return allow(time.Minute, "grant"), nil
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 40 {
					after := purgeReturned(c)
					d, source := c.Decide(t.Context(), query(fmt.Sprint(i%3)), nil, load)
					if after && d.Outcome == policies.Allow {
						t.Errorf("round %d: allowed (%s) after the purge had returned", round, source)
					}
				}
			})
		}
		wg.Go(func() {
			revoked.Store(true)
			c.Purge(1, "p", []string{"grant"})
		})
		wg.Wait()
		for i := range 3 {
			if d, _ := c.Decide(t.Context(), query(fmt.Sprint(i)), nil, load); d.Outcome == policies.Allow {
				t.Fatalf("round %d: an allow outlived the purge", round)
			}
		}
		wantNoMemory(t, c)
	}
}

// purgeReturned reports whether the purge has returned, or has nothing left to do than that.
func purgeReturned(c *Cache) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.purges.applied == 1
}
