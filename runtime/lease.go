package runtime

import (
	"net/http"
	"sync/atomic"

	"durward/policies"
	"durward/runtime/internal/decision"
	"durward/runtime/internal/ending"
	"durward/runtime/internal/mcp"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/passage"
	"durward/runtime/internal/telemetry"
)

// lease is what one request holds of its chain, and what is said of it on its way. Besides the policies and the lane
// that is a place among those whose answers a change of the route ends, and one for each decision it passes on.
type lease struct {
	chain   *chain
	decided bool
	way     passage.Passage
	lane    ending.Member
	holds   []decision.Hold  // one for each guard
	few     [2]decision.Hold // where they lie, if they are few
	request *http.Request    // what is decided on, with caller and message
	caller  origin.Caller
	message mcp.Message
}

// hold takes the leases that serving the chain needs. The caller has acquired the generation that holds them all, so
// none can have ended.
func (c *chain) hold() *lease {
	l := &lease{chain: c}
	if len(c.guards) <= len(l.few) {
		l.holds = l.few[:len(c.guards)]
	} else {
		l.holds = make([]decision.Hold, len(c.guards))
	}
	for i := range c.guards {
		c.guards[i].part.Hold()
	}
	c.lane.Hold()
	c.lane.Value.open.Add(1)
	c.lane.Value.answers.Join(&l.lane)
	return l
}

// pass asks the policies in their order. If one of them does not let the request pass it answers that one and what it
// said.
func (l *lease) pass() (*guard, policies.Decision) {
	for i := range l.chain.guards {
		g := &l.chain.guards[i]
		d := g.decide(l, &l.holds[i])
		if d.Outcome != policies.Allow {
			return g, d
		}
		if p := d.Principal; p != nil {
			l.way.Principal = p
			if !p.Expires.IsZero() && (l.way.Expires.IsZero() || p.Expires.Before(l.way.Expires)) {
				l.way.Expires = p.Expires
			}
		}
		for name, values := range d.SetHeader {
			l.way.Set(g.place, name, values)
		}
	}
	return nil, policies.Decision{}
}

// Refuse answers the request if the policies, asked once more, no longer let it pass. It makes the lease a
// passage.Judge: the decision that the request passed on has been taken back, and the client is to learn what it needs
// now. The policies' leases have been given back, so it is whoever decides now that is asked.
func (l *lease) Refuse(w http.ResponseWriter) bool {
	for i := range l.chain.guards {
		g := &l.chain.guards[i]
		if d := g.decide(l, nil); d.Outcome != policies.Allow {
			l.chain.refuse(w, l.request, g, d, l.caller)
			return true
		}
	}
	return false
}

// attend has the request's way ended by whatever it depends on. What has ended since it was held ends it now.
func (l *lease) attend() {
	l.way.Judge = l
	l.lane.Tell(&l.way)
	for i := range l.holds {
		l.holds[i].Tell(&l.way)
	}
}

// releasePolicies gives the policies back: all is decided.
func (l *lease) releasePolicies() {
	if l.decided {
		return
	}
	l.decided = true
	for i := range l.chain.guards {
		l.chain.guards[i].part.Release()
	}
}

// end gives back whatever is still held.
func (l *lease) end() {
	l.releasePolicies()
	l.lane.Leave()
	for i := range l.holds {
		l.holds[i].Leave()
	}
	if why := l.way.Cut; why != "" {
		telemetry.RequestFrom(l.request.Context()).Ended = string(why)
		l.chain.host.ended.count(why)
	}
	l.chain.lane.Value.open.Add(-1)
	l.chain.lane.Release()
}

// endings counts the answers that the host has ended before their time. The zero value is ready.
type endings struct{ drained, revoked, expired atomic.Uint64 }

func (e *endings) of(why ending.Reason) *atomic.Uint64 {
	switch why {
	case ending.Revoked:
		return &e.revoked
	case ending.Expired:
		return &e.expired
	default:
		return &e.drained
	}
}

func (e *endings) count(why ending.Reason) { e.of(why).Add(1) }

// counts answers how many there were by reason, those that never came about too.
func (e *endings) counts() map[string]uint64 {
	counts := make(map[string]uint64)
	for _, why := range ending.Reasons() {
		counts[string(why)] = e.of(why).Load()
	}
	return counts
}
