package decision

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"durward/policies"
)

// Options are what a cache is made with. The zero value of each field is its default.
type Options struct {
	// Now is the clock by which decisions end. Default time.Now.
	Now func() time.Time
	// MaxEntries and MaxBytes bound what is remembered: 100,000 and 64 MiB. An eighth of each is for decisions other
	// than allow. Bytes are an estimate that errs on the high side.
	MaxEntries int
	MaxBytes   int64
	// Wait is how long a request waits for a decision before it is Unavailable. Default 2 s.
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

	mu      sync.RWMutex
	allows  *table[policies.Decision]
	others  *table[policies.Decision] // of their own, so that nobody can push allows out by being refused
	flights map[Key]*flight
	purges  purges
	states  map[string]*state // by policy; their number is that of the names ever configured
}

// state is what the cache keeps for each policy.
type state struct {
	slots  chan struct{} // one for each call in flight
	counts [sources]atomic.Uint64
}

// New makes an empty cache.
func New(options Options) *Cache {
	c := &Cache{
		now:     options.Now,
		wait:    options.Wait,
		misses:  options.Misses,
		logger:  options.Logger,
		flights: make(map[Key]*flight),
		states:  make(map[string]*state),
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
	c.others = newTable[policies.Decision](max(1, entries/8), bytes/8)
	c.allows = newTable[policies.Decision](max(1, entries-entries/8), bytes-bytes/8)
	return c
}

// Lookup answers a decision that is remembered. It costs less than Decide, which does the same first: the caller need
// not have made a Load. The decision belongs to the cache and must not be changed.
func (c *Cache) Lookup(q Query) (policies.Decision, Source, bool) {
	now := c.now()
	c.mu.RLock()
	d, source, ok := c.remembered(q.Key, now)
	state := c.states[q.Policy]
	c.mu.RUnlock()
	if ok {
		state.counts[source].Add(1)
	}
	return d, source, ok
}

// Decide answers a decision: one that is remembered, or else what load says, or Unavailable with a reason. The decision
// belongs to the cache and must not be changed.
//
// load runs with the values of ctx, but not its end: others may wait for the same answer.
func (c *Cache) Decide(ctx context.Context, q Query, load Load) (policies.Decision, Source) {
	if d, source, ok := c.Lookup(q); ok {
		return d, source
	}
	state := c.state(q.Policy)
	d, source := c.miss(ctx, q, state, load)
	state.counts[source].Add(1)
	return d, source
}

// Purge ends every decision of the policy that carries one of the tags. Once it has returned they are in force
// nowhere: a decision being made under such a tag is thrown away and made anew. seq numbers the purges of the store;
// they come in its order.
func (c *Cache) Purge(seq int64, policy string, tags []string) {
	names := make([]tag, len(tags))
	for i, name := range tags {
		names[i] = tag{policy, name}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.purges.add(seq, names)
	for _, name := range names {
		c.allows.purge(name)
		c.others.purge(name)
	}
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

// remembered answers what holds now. The caller holds the lock, at least for reading.
func (c *Cache) remembered(key Key, now time.Time) (policies.Decision, Source, bool) {
	if e := c.allows.get(key); e != nil && now.Before(e.expires) {
		return e.value, Cached, true
	}
	if e := c.others.get(key); e != nil && now.Before(e.expires) {
		if e.value.RefusedCredential {
			return e.value, Refused, true
		}
		return e.value, Cached, true
	}
	return policies.Decision{}, 0, false
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
