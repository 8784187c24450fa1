package decision

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
	"durward/runtime/internal/ending"
)

// passer is a request that passes on a decision, and knows whether it was told.
type passer struct {
	hold Hold
	told atomic.Int64
}

func (p *passer) End(why ending.Reason) {
	if why == ending.Revoked {
		p.told.Add(1)
	}
}

// pass decides and stays.
func pass(t testing.TB, c *Cache, q Query, load Load) (*passer, policies.Decision, Source) {
	p := new(passer)
	d, source := c.Decide(t.Context(), q, &p.hold, load)
	p.hold.Tell(p)
	return p, d, source
}

// wantTags wants so many tags to be known.
func wantTags(t *testing.T, c *Cache, when string, want int) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.standings) != want {
		t.Errorf("%s: %d tags are known, want %d", when, len(c.standings), want)
	}
}

// G4: a purge reaches whoever passed on a decision, however they came by it and whatever has become of it since.
func TestG4_PurgeTellsWhoPassed(t *testing.T) {
	var q = query("k")
	tagged := says(allow(time.Minute, "grant", "person"))
	other := func(c *Cache, t *testing.T, name string) {
		pass(t, c, query(name), says(allow(time.Minute)).load)
	}
	for _, tc := range []struct {
		name    string
		options Options
		pass    func(t *testing.T, c *Cache) []*passer
	}{
		{"evaluated", Options{}, func(t *testing.T, c *Cache) []*passer {
			p, _, _ := pass(t, c, q, tagged.load)
			return []*passer{p}
		}},
		{"remembered", Options{}, func(t *testing.T, c *Cache) []*passer {
			pass(t, c, q, tagged.load)
			p, _, source := pass(t, c, q, tagged.load)
			if source != Cached {
				t.Errorf("source %s", source)
			}
			return []*passer{p}
		}},
		{"shared", Options{}, func(t *testing.T, c *Cache) (all []*passer) {
			load := func(context.Context) (policies.Decision, error) {
				synctest.Wait() // all are waiting
				return allow(time.Minute, "grant"), nil
			}
			var wg sync.WaitGroup
			passers := make(chan *passer, 3)
			for range 3 {
				wg.Go(func() {
					p, _, _ := pass(t, c, q, load)
					passers <- p
				})
			}
			wg.Wait()
			close(passers)
			for p := range passers {
				all = append(all, p)
			}
			return all
		}},
		{"for one request", Options{}, func(t *testing.T, c *Cache) []*passer {
			p, _, _ := pass(t, c, q, says(allow(0, "grant")).load)
			return []*passer{p}
		}},
		{"pushed out", Options{MaxEntries: 2}, func(t *testing.T, c *Cache) []*passer {
			p, _, _ := pass(t, c, q, tagged.load)
			other(c, t, "a")
			other(c, t, "b")
			other(c, t, "c")
			return []*passer{p}
		}},
		{"too large to be remembered", Options{MaxBytes: 4 * overhead}, func(t *testing.T, c *Cache) []*passer {
			p, _, _ := pass(t, c, q, tagged.load)
			return []*passer{p}
		}},
		{"ended, and made anew under another grant", Options{}, func(t *testing.T, c *Cache) []*passer {
			p, _, _ := pass(t, c, q, tagged.load)
			time.Sleep(time.Minute)
			pass(t, c, q, says(allow(time.Minute, "another grant")).load)
			return []*passer{p}
		}},
		{"made twice, as the first was outdated", Options{}, func(t *testing.T, c *Cache) []*passer {
			again := &policy{}
			again.say = func(_ context.Context, call int) (policies.Decision, error) {
				purgeOn(c, call, 1, 1, "p", "grant")
				return allow(time.Minute, "grant"), nil
			}
			p, _, _ := pass(t, c, q, again.load)
			if p.told.Load() != 0 {
				t.Error("told of a purge that its decision is younger than")
			}
			return []*passer{p}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := New(tc.options)
				passers := tc.pass(t, c)
				left, _, _ := pass(t, c, query("left"), tagged.load)
				left.hold.Leave()
				c.Purge(11, "p", []string{"another", "Grant"})
				c.Purge(12, "q", []string{"grant"})
				for _, p := range passers {
					if p.told.Load() != 0 {
						t.Error("told of a purge that is not its own")
					}
				}
				c.Purge(13, "p", []string{"grant", "person", "grant"})
				for _, p := range passers {
					if p.told.Load() != 1 {
						t.Errorf("told %d times when the purge had returned", p.told.Load())
					}
					p.hold.Leave()
				}
				if left.told.Load() != 0 {
					t.Error("told after it had left")
				}
				c.Purge(14, "p", []string{"another grant"})
				wantTags(t, c, "after all", 0)
				wantNoMemory(t, c)
			})
		})
	}
}

// What is found by tag goes when neither the memory nor anybody who passed has use for it.
func TestStandingsAreGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{MaxEntries: 2})
		load := says(allow(time.Minute, "a", "b")).load
		first, _, _ := pass(t, c, query("k"), load)
		second, _, _ := pass(t, c, query("k"), load)
		wantTags(t, c, "remembered and held", 2)
		first.hold.Leave()
		second.hold.Leave()
		wantTags(t, c, "remembered", 2)
		third, _, _ := pass(t, c, query("k"), load)
		for i := range 3 {
			pass(t, c, query(fmt.Sprint(i)), says(allow(time.Minute)).load)
		}
		wantTags(t, c, "held", 2)
		third.hold.Leave()
		wantTags(t, c, "neither", 0)

		once, _, _ := pass(t, c, query("once"), says(allow(0, "a")).load)
		wantTags(t, c, "held, and never remembered", 1)
		once.hold.Leave()
		wantTags(t, c, "given back, and never remembered", 0)

		refused := respond(403, 0)
		refused.Tags = []string{"a"}
		no, _, _ := pass(t, c, query("no"), says(refused).load)
		no.hold.Leave()
		wantTags(t, c, "refused", 0)

		ctx, cancel := context.WithCancel(t.Context())
		answered := make(chan struct{})
		slow := func(context.Context) (policies.Decision, error) {
			<-answered
			return allow(0, "a"), nil
		}
		var gone passer
		go c.Decide(ctx, query("slow"), &gone.hold, slow)
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(answered)
		synctest.Wait()
		wantTags(t, c, "nobody waited for it any more", 0)
	})
}

// G4: whoever was allowed has been told once the purge has returned, in whatever way the two met: there is no moment
// between the decision and the place among those who are told.
func TestG4_NoPassingBetweenDecisionAndPurge(t *testing.T) {
	const rounds, requests = 60, 24
	for round := range rounds {
		c := New(Options{MaxEntries: 1 + round%4}) // few entries: some decisions are pushed out at once
		var revoked, returned atomic.Bool
		load := func(ttl time.Duration) Load {
			return func(context.Context) (policies.Decision, error) {
				if revoked.Load() {
					return respond(401, time.Minute), nil
				}
				for range rand.IntN(4) {
					runtime.Gosched()
				}
				return allow(ttl, "grant", "person"), nil
			}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var passers []*passer
		wantTold := func() {
			mu.Lock()
			defer mu.Unlock()
			for _, p := range passers {
				if p.told.Load() != 1 {
					t.Errorf("round %d: one who was allowed has been told %d times", round, p.told.Load())
				}
			}
		}
		for i := range requests {
			wg.Go(func() {
				for n := range 8 {
					after := returned.Load()
					ttl := time.Duration((i+n)%3) * time.Minute // some of them for one request
					p, d, source := pass(t, c, query(fmt.Sprint((i*n)%5)), load(ttl))
					switch {
					case d.Outcome != policies.Allow:
						p.hold.Leave()
					case after:
						t.Errorf("round %d: allowed (%s) after the purge had returned", round, source)
					case n%3 == 0: // a short one
						p.hold.Leave()
					default:
						mu.Lock()
						passers = append(passers, p)
						mu.Unlock()
					}
					runtime.Gosched()
				}
			})
		}
		tag := []string{"grant", "person"}[round%2]
		for seq := range int64(2) { // the second may return only when all have been told, too
			wg.Go(func() {
				for range rand.IntN(200) {
					runtime.Gosched()
				}
				revoked.Store(true)
				c.Purge(seq+1, "p", []string{tag})
				returned.Store(true)
				wantTold()
			})
		}
		wg.Wait()
		wantTold()
		for _, p := range passers {
			p.hold.Leave()
		}
		c.mu.Lock()
		for name, found := range c.standings {
			for s := range found {
				if s.entry.Load() == nil {
					t.Errorf("round %d: a standing under %v is neither held nor remembered", round, name)
				}
			}
		}
		c.mu.Unlock()
		wantNoMemory(t, c)
	}
}
