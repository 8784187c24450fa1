package decision

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"runtime/debug"
	"time"

	"durward/policies"
)

// flight is one miss: a call to a policy, and those who wait for it. Its result is set before done is closed.
type flight struct {
	query  Query
	state  *state
	client netip.Addr // of the request that started it
	miss   miss       // under the cache's lock
	// standing is held by all who wait, before there is anything to be held.
	standing *standing

	done     chan struct{}
	decision policies.Decision
	source   Source
	others   sharing
}

// sharing says what the result of a flight is to those who did not start it.
type sharing int

const (
	// theirs too: it is the same decision for all.
	theirs sharing = iota
	// notTheirs: the decision was for that one request, so each must have one of its own.
	notTheirs
	// tryAgain: it failed for a reason of the one who started it: its limit, or its time.
	tryAgain
)

// miss gets a decision that is not remembered: by joining the flight for its key, or by starting one.
func (c *Cache) miss(ctx context.Context, q Query, hold *Hold, state *state, load Load) (policies.Decision, Source) {
	q.Wait = cmp.Or(q.Wait, c.wait)
	waiting, cancel := context.WithTimeout(ctx, q.Wait)
	defer cancel()
	client := clientOf(q.Client)
	alone := false
	for {
		if wait := c.limited(client, q); wait > 0 {
			return tooMany(wait), Limited
		}
		f, starts := c.board(q, hold, state, client, alone)
		if starts {
			go c.fly(context.WithoutCancel(ctx), f, load)
		}
		select {
		case <-f.done:
		case <-waiting.Done():
			hold.leave()
			return unavailable("no answer within the time for waiting"), Unavailable
		}
		switch {
		case starts:
			return f.decision, f.source
		case f.others == theirs:
			if f.source == Evaluated {
				return f.decision, Shared
			}
			return f.decision, f.source
		case f.others == notTheirs:
			alone = true
		}
		hold.leave()
	}
}

// limited answers how long the client must wait before the policy is asked about this key. A key that was allowed
// before is not unknown: whoever shares an address with an attacker keeps the sessions they have.
func (c *Cache) limited(client netip.Addr, q Query) time.Duration {
	if q.Anonymous {
		return 0
	}
	wait := c.refusals.wait(client)
	if wait > 0 {
		c.mu.RLock()
		defer c.mu.RUnlock()
		if c.allows.get(q.Key) != nil {
			return 0
		}
	}
	return wait
}

// board answers the flight for the key and whether the caller must start it. alone wants one that nobody joins. The
// caller holds what comes of it.
func (c *Cache) board(q Query, hold *Hold, state *state, client netip.Addr, alone bool) (f *flight, starts bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !alone {
		if f := c.flights[q.Key]; f != nil {
			hold.join(c, f.standing)
			return f, false
		}
		// A flight may have landed since the caller looked.
		if e, source := c.remembered(q.Key, c.now()); e != nil {
			hold.join(c, e.value.standing)
			f := &flight{decision: e.value.Decision, source: source, done: make(chan struct{})}
			close(f.done)
			return f, false
		}
	}
	f = &flight{query: q, state: state, client: client, standing: new(standing), done: make(chan struct{})}
	hold.join(c, f.standing)
	if !alone {
		c.flights[q.Key] = f
	}
	return f, true
}

// fly makes the call and lands.
func (c *Cache) fly(ctx context.Context, f *flight, load Load) {
	ctx, cancel := context.WithTimeout(ctx, f.query.Wait)
	defer cancel()
	select {
	case f.state.slots <- struct{}{}:
		defer func() { <-f.state.slots }()
	case <-ctx.Done():
		c.land(f, unavailable("too many decisions were being made at once"), Unavailable, tryAgain)
		return
	}
	// Those refused while it waited count: otherwise a flood that is waiting already would all get through.
	if wait := c.limited(f.client, f.query); wait > 0 {
		c.land(f, tooMany(wait), Limited, tryAgain)
		return
	}
	for range 2 {
		began := c.now()
		c.mu.Lock()
		c.purges.begin(&f.miss)
		c.mu.Unlock()
		d, err := c.call(ctx, load)
		if err != nil {
			others := theirs
			if ctx.Err() != nil {
				others = tryAgain
			}
			c.land(f, unavailable(err.Error()), Unavailable, others)
			return
		}
		d, fault := check(d)
		if fault != "" {
			c.land(f, unavailable(fault), Unavailable, theirs)
			return
		}
		if c.accept(f, d, began) {
			return
		}
	}
	c.land(f, unavailable("the decision ended twice while it was being made"), Unavailable, theirs)
}

// call runs load. It runs outside of any HTTP handler, so a panic would take the host down.
func (c *Cache) call(ctx context.Context, load Load) (d policies.Decision, err error) {
	defer func() {
		if v := recover(); v != nil {
			c.logger.Error("asking a policy panicked", "stack", string(debug.Stack())) // v may hold a credential
			err = fmt.Errorf("asking the policy panicked: %T", v)
		}
	}()
	return load(ctx)
}

// accept lands with a decision, and remembers it, unless it had ended before it arrived: by a purge of one of its tags,
// or with its principal's credential. All happens under one lock, so that a purge either comes before, and the decision
// is not used, or after, and finds it and those who waited for it.
func (c *Cache) accept(f *flight, d policies.Decision, began time.Time) bool {
	if d.Outcome == policies.Unavailable {
		c.land(f, d, Unavailable, theirs)
		return true
	}
	now := c.now()
	expires := began.Add(d.TTL) // not from its arrival: the policy counted from when it was asked
	if p := d.Principal; p != nil && !p.Expires.IsZero() {
		if !now.Before(p.Expires) {
			return false
		}
		if p.Expires.Before(expires) {
			expires = p.Expires
		}
	}
	tags := make([]tag, len(d.Tags))
	for i, name := range d.Tags {
		tags[i] = tag{f.query.Policy, name}
	}
	others := theirs
	if d.TTL == 0 {
		others = notTheirs
	}
	c.mu.Lock()
	for _, name := range tags {
		if c.purges.outdates(&f.miss, name) {
			c.mu.Unlock()
			return false
		}
	}
	e := &entry[made]{key: f.query.Key, value: made{Decision: d}, expires: expires, size: size(d)}
	if len(tags) > 0 {
		e.value.standing = f.standing
		c.standings.add(f.standing, tags)
	}
	c.remember(e, now)
	c.leave(f)
	c.mu.Unlock()
	if d.RefusedCredential {
		c.refusals.refused(f.client)
	}
	f.finish(d, Evaluated, others)
	return true
}

// remember puts a decision in place of any other under its key, unless it has ended or is too large. The caller holds
// the lock.
func (c *Cache) remember(e *entry[made], now time.Time) {
	c.allows.remove(c.allows.entries[e.key])
	c.others.remove(c.others.entries[e.key])
	s := e.value.standing
	if now.Before(e.expires) && c.tableOf(e.value.Decision).put(e) && s != nil {
		s.entry.Store(e)
	}
	if s != nil {
		c.standings.release(s) // those who waited may have left
	}
}

// land ends the flight with a result that is not remembered.
func (c *Cache) land(f *flight, d policies.Decision, source Source, others sharing) {
	c.mu.Lock()
	c.leave(f)
	c.mu.Unlock()
	f.finish(d, source, others)
}

// leave takes the flight out of the cache: nobody joins it any more. The caller holds the lock.
func (c *Cache) leave(f *flight) {
	if c.flights[f.query.Key] == f {
		delete(c.flights, f.query.Key)
	}
	c.purges.end(&f.miss)
}

func (f *flight) finish(d policies.Decision, source Source, others sharing) {
	f.decision, f.source, f.others = d, source, others
	close(f.done)
}

func unavailable(reason string) policies.Decision {
	return policies.Decision{Outcome: policies.Unavailable, Reason: reason}
}
