// Package ending owns why an answer ends before its time, and how everybody whom that concerns is told.
//
// It promises that once [Group.End] has returned, every member that joined before has been told; that a member that joins
// later is told at once; that a member is told one time at the most, and never again once [Member.Leave] has returned.
// Joining and leaving cost a lock and no allocation: each request does both.
//
// It is not for what to do about it: that is said by whoever joined. Nor for when something ends, which is up to the
// owner of the group.
package ending

import "sync"

// Reason is why an answer ends before its time. Its text goes into the access log and names a metric. It is an error, so
// that it can be the cause of a context's end.
type Reason string

// The reasons.
const (
	// Drained: the route is no longer what it was, or the host shuts down, and the time for draining is over.
	Drained Reason = "drained"
	// Revoked: a policy has taken back the decision on which the request passed.
	Revoked Reason = "revoked"
	// Expired: the credential has come to its end. That ends what listens, and no call that has begun.
	Expired Reason = "expired"
)

// Reasons are all there are.
func Reasons() []Reason { return []Reason{Drained, Revoked, Expired} }

func (r Reason) Error() string { return "the answer was ended: " + string(r) }

// Ender is what is told. End is called with locks held: it must be quick, and must neither join nor leave a group.
type Ender interface{ End(why Reason) }

// Group is what its members depend on. The zero value is one that goes on. It must not be copied.
type Group struct {
	mu    sync.Mutex
	first *Member
	ended Reason // empty while it goes on
}

// Member is one place in a group. The zero value is in none. It must not be copied. Its methods are for the one who
// joined it, not for several at once.
type Member struct {
	group *Group // nil: in none

	// The group's lock guards the rest.
	prev, next *Member
	linked     bool
	told       Reason
	ender      Ender
}

// Join makes m a member, which must be in no group.
func (g *Group) Join(m *Member) {
	m.group = g
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended != "" {
		m.told = g.ended
		return
	}
	m.linked, m.next = true, g.first
	if m.next != nil {
		m.next.prev = m
	}
	g.first = m
}

// End tells every member, and those yet to come. The first reason stands.
func (g *Group) End(why Reason) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended != "" {
		return
	}
	g.ended = why
	for m := g.first; m != nil; m = g.first {
		m.unlink()
		m.told = why
		if m.ender != nil {
			m.ender.End(why)
		}
	}
}

// Empty tells whether the group has no members.
func (g *Group) Empty() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.first == nil
}

// Tell says who is to be told. If the group has ended already that is now; without a group it is never.
func (m *Member) Tell(ender Ender) {
	if m.group == nil {
		return
	}
	m.group.mu.Lock()
	defer m.group.mu.Unlock()
	if m.ender = ender; m.told != "" {
		ender.End(m.told)
	}
}

// Leave ends the membership, if there is one, and tells whether it was the last one of its group.
func (m *Member) Leave() (last bool) {
	g := m.group
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	m.unlink()
	*m = Member{}
	return g.first == nil
}

// unlink takes m off the list. The caller holds the lock.
func (m *Member) unlink() {
	if !m.linked {
		return
	}
	if m.prev == nil {
		m.group.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	}
	m.linked, m.prev, m.next = false, nil, nil
}
