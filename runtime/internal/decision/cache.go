package decision

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"durward/policies"
	"durward/runtime/internal/ending"
)

// Options are what a cache is made with. The zero value of each field is its default.
type Options struct {
	// Now is the clock by which decisions end. Default time.Now.
	Now func() time.Time
	// MaxEntries and MaxBytes bound what is remembered: 100,000 and 64 MiB. An eighth of each is for decisions other
	// than allow. Bytes are an estimate that errs on the high side.
	MaxEntries int
	MaxBytes   int64
	// Wait is how long a request waits for a decision before it is Unavailable, unless its Query says so. Default 2 s.
	Wait time.Duration
	// Misses is how many calls to one policy are in flight at most; more wait. Default 64.
	Misses int
	// Logger is told of a panic in a call. Default: nobody is told.
	Logger *slog.Logger
}

// Query is a decision to be made.
type Query struct {
	// Policy is the name of the policy: it has its own tags and its own bound on misses.
	Policy string
	// Key holds everything that the decision may depend on, the policy included.
	Key Key
	// Client is the IP address of the client, for the limit on refused credentials.
	Client string
	// Anonymous says that the request brings nothing that a decision could depend on as a credential. The limit does not
	// hold it back: whoever shares an address with somebody who guesses must still be told where to sign in.
	Anonymous bool
	// Wait is how long this request waits for the decision, and how long the call may take that it starts. Zero:
	// Options.Wait.
	Wait time.Duration
}

// Load asks the policy. It is called without a lock and must return soon after its context ends. It may be called
// twice.
type Load func(context.Context) (policies.Decision, error)

// Cache remembers decisions. Its methods are safe for concurrent use.
type Cache struct {
	now    func() time.Time
	wait   time.Duration
	misses int
	logger *slog.Logger

	refusals *limiter

	// purging is held from when a purge removes what it ends until all who pass on that have been told.
	purging sync.Mutex

	mu        sync.RWMutex
	allows    *table[made]
	others    *table[made] // of their own, so that nobody can push allows out by being refused
	standings standings
	flights   map[Key]*flight
	purges    purges
	states    map[string]*state // by policy; their number is that of the names ever configured
}

// state is what the cache keeps for each policy.
type state struct {
	slots  chan struct{} // one for each call in flight
	counts [sources]atomic.Uint64
}

// New makes an empty cache.
func New(options Options) *Cache {
	c := &Cache{
		now:       options.Now,
		wait:      options.Wait,
		misses:    options.Misses,
		logger:    options.Logger,
		standings: make(standings),
		flights:   make(map[Key]*flight),
		states:    make(map[string]*state),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.wait <= 0 {
		c.wait = 2 * time.Second
	}
	if c.misses <= 0 {
		c.misses = 64
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	entries, bytes := options.MaxEntries, options.MaxBytes
	if entries <= 0 {
		entries = 100_000
	}
	if bytes <= 0 {
		bytes = 64 << 20
	}
	c.refusals = newLimiter(c.now)
	c.others = newTable[made](max(1, entries/8), bytes/8)
	c.allows = newTable[made](max(1, entries-entries/8), bytes-bytes/8)
	c.others.removed, c.allows.removed = c.forgotten, c.forgotten
	return c
}

// Lookup answers a decision that is remembered. It costs less than Decide, which does the same first: the caller need
// not have made a Load. The decision belongs to the cache and must not be changed.
//
// With an allow, hold joins those who are told when the decision is purged. nil: nobody is to be told.
func (c *Cache) Lookup(q Query, hold *Hold) (policies.Decision, Source, bool) {
	now := c.now()
	c.mu.RLock()
	e, source := c.remembered(q.Key, now)
	if e == nil {
		c.mu.RUnlock()
		return policies.Decision{}, 0, false
	}
	if e.value.Outcome == policies.Allow {
		hold.join(c, e.value.standing) // under the lock: what is remembered, a purge finds
	}
	state := c.states[q.Policy]
	c.mu.RUnlock()
	state.counts[source].Add(1)
	return e.value.Decision, source, true
}

// Decide answers a decision: one that is remembered, or else what load says, or Unavailable with a reason. The decision
// belongs to the cache and must not be changed. hold is as with Lookup, and in no decision yet.
//
// load runs with the values of ctx, but not its end: others may wait for the same answer.
func (c *Cache) Decide(ctx context.Context, q Query, hold *Hold, load Load) (policies.Decision, Source) {
	if d, source, ok := c.Lookup(q, hold); ok {
		return d, source
	}
	state := c.state(q.Policy)
	d, source := c.miss(ctx, q, hold, state, load)
	state.counts[source].Add(1)
	return d, source
}

// Purge ends every decision of the policy that carries one of the tags. Once it has returned they are in force
// nowhere: everybody who holds one has been told, and a decision being made under such a tag is thrown away and made
// anew. seq numbers the purges of the store; they come in its order.
func (c *Cache) Purge(seq int64, policy string, tags []string) {
	names := make([]tag, len(tags))
	for i, name := range tags {
		names[i] = tag{policy, name}
	}
	c.purging.Lock() // another purge of the same must not return before this one has told everybody
	defer c.purging.Unlock()
	for _, s := range c.outdate(seq, names) {
		s.holders.End(ending.Revoked)
	}
}

// outdate forgets what a purge ends and answers it: nobody finds it any more, and nobody comes to hold it.
func (c *Cache) outdate(seq int64, names []tag) []*standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.purges.add(seq, names)
	ended := c.standings.purge(names)
	for _, s := range ended {
		if e := s.entry.Load(); e != nil {
			c.tableOf(e.value.Decision).remove(e)
		}
	}
	return ended
}

// Stats answers how many decisions came from each source, by policy and the source's text, since the start.
func (c *Cache) Stats() map[string]map[string]uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	stats := make(map[string]map[string]uint64, len(c.states))
	for policy, state := range c.states {
		stats[policy] = make(map[string]uint64, sources)
		for source := range sources {
			stats[policy][source.String()] = state.counts[source].Load()
		}
	}
	return stats
}

// Size answers how many decisions are remembered, ended ones included, and about how many bytes they take.
func (c *Cache) Size() (entries int, bytes int64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return len(c.allows.entries) + len(c.others.entries), c.allows.bytes + c.others.bytes
}

// remembered answers what holds now, or nil. The caller holds the lock, at least for reading.
func (c *Cache) remembered(key Key, now time.Time) (*entry[made], Source) {
	if e := c.allows.get(key); e != nil && now.Before(e.expires) {
		return e, Cached
	}
	if e := c.others.get(key); e != nil && now.Before(e.expires) {
		if e.value.RefusedCredential {
			return e, Refused
		}
		return e, Cached
	}
	return nil, 0
}

// tableOf answers where a decision is remembered, if it is.
func (c *Cache) tableOf(d policies.Decision) *table[made] {
	if d.Outcome == policies.Allow {
		return c.allows
	}
	return c.others
}

// forgotten is told of each entry that a table has dropped. The caller holds the lock.
func (c *Cache) forgotten(e *entry[made]) {
	if s := e.value.standing; s != nil {
		s.entry.Store(nil)
		c.standings.release(s)
	}
}

// state answers the state of the policy. A decision is remembered only after its policy has one.
func (c *Cache) state(policy string) *state {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.states[policy]
	if s == nil {
		s = &state{slots: make(chan struct{}, c.misses)}
		c.states[policy] = s
	}
	return s
}
