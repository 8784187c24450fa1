package decision

import (
	"sync/atomic"

	"durward/policies"
	"durward/runtime/internal/ending"
)

// tag is a policy's name for what a decision depends on.
type tag struct{ policy, name string }

// standing is what a decision is worth to those who pass on it: it lasts until one of the decision's tags is purged.
//
// It begins with the call that makes the decision, so that everybody who waits for the answer holds it before there is
// one: no purge can come between the decision and its use. It is found by tag as long as the decision is remembered or
// anybody holds it, whichever is longer; so a purge also reaches those whose decision has been pushed out, has ended
// with its TTL or never had one.
type standing struct {
	holders ending.Group
	// entry is where the decision is remembered, nil if it is not. It changes under the cache's lock.
	entry atomic.Pointer[entry[made]]
	// tags are those it is found by, if it is. The cache's lock guards them.
	tags []tag
}

// made is a decision with its standing; nil if it has no tags, and so cannot be purged.
type made struct {
	policies.Decision
	standing *standing
}

// Hold is a request's place among those who are told when the decision that they passed on is purged. The zero value is
// ready. It lies with the request, must not be copied, and is given back with Leave, whatever was decided.
type Hold struct {
	cache    *Cache
	standing *standing
	member   ending.Member
}

// Tell says who is told, with ending.Revoked. If the decision has been purged already that is now.
func (h *Hold) Tell(ender ending.Ender) { h.member.Tell(ender) }

// Leave gives the hold back. Nobody is told any more when it has returned.
func (h *Hold) Leave() {
	c, s := h.cache, h.standing
	if s == nil {
		return
	}
	h.cache, h.standing = nil, nil
	// The entry is looked at after the place is given up, and whoever forgets the entry looks at the places after that:
	// one of the two sees that nothing is left. The usual request needs no more than this look.
	if !h.member.Leave() || s.entry.Load() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.standings.release(s)
}

// join takes a place, if there is anything to be told of. nil is nobody.
func (h *Hold) join(c *Cache, s *standing) {
	if h == nil || s == nil {
		return
	}
	h.cache, h.standing = c, s
	s.holders.Join(&h.member)
}

// leave is Leave for somebody who may be nobody.
func (h *Hold) leave() {
	if h != nil {
		h.Leave()
	}
}

// standings finds standings by tag. The caller holds the cache's lock.
type standings map[tag]map[*standing]struct{}

func (all standings) add(s *standing, tags []tag) {
	s.tags = tags
	for _, name := range tags {
		if all[name] == nil {
			all[name] = make(map[*standing]struct{})
		}
		all[name][s] = struct{}{}
	}
}

// remove has s found no more.
func (all standings) remove(s *standing) {
	for _, name := range s.tags {
		delete(all[name], s)
		if len(all[name]) == 0 {
			delete(all, name)
		}
	}
	s.tags = nil
}

// release removes s if it is of no more use: nobody holds it, and nobody comes to hold it.
func (all standings) release(s *standing) {
	if s.entry.Load() == nil && s.holders.Empty() {
		all.remove(s)
	}
}

// purge removes what is found by one of the names, and answers it.
func (all standings) purge(names []tag) (ended []*standing) {
	for _, name := range names {
		for s := range all[name] {
			ended = append(ended, s)
			all.remove(s)
		}
	}
	return ended
}
