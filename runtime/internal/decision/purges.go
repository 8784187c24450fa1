package decision

import "container/list"

// purges knows which tags were purged while misses were in flight: an answer older than a purge of one of its tags must
// not be used. The caller holds the cache's lock.
type purges struct {
	// applied is the number of the last purge in force here.
	applied int64
	// inFlight holds the misses, the one that noted the lowest number first.
	inFlight list.List
	// latest is the last purge of each tag, log the same in order, both as far back as the oldest miss reaches.
	latest map[tag]int64
	log    []purged
}

type purged struct {
	seq  int64
	name tag
}

// miss is one call in flight.
type miss struct {
	noted int64
	place *list.Element
}

// begin notes that the call is about to be made, for the first time or again.
func (p *purges) begin(m *miss) {
	m.noted = p.applied
	if m.place == nil {
		m.place = p.inFlight.PushBack(m)
	} else {
		p.inFlight.MoveToBack(m.place)
	}
	p.trim()
}

// end forgets the miss, and every purge that only it needed to know.
func (p *purges) end(m *miss) {
	if m.place != nil {
		p.inFlight.Remove(m.place)
		m.place = nil
		p.trim()
	}
}

// add remembers a purge, if there are misses in flight that may be older.
func (p *purges) add(seq int64, names []tag) {
	p.applied = max(p.applied, seq)
	if p.inFlight.Len() == 0 {
		return
	}
	if p.latest == nil {
		p.latest = make(map[tag]int64)
	}
	for _, name := range names {
		p.latest[name] = max(p.latest[name], seq)
		p.log = append(p.log, purged{seq, name})
	}
}

// outdates reports whether the tag was purged after the miss began.
func (p *purges) outdates(m *miss, name tag) bool {
	return p.latest[name] > m.noted
}

func (p *purges) trim() {
	oldest := p.inFlight.Front()
	if oldest == nil {
		p.latest, p.log = nil, nil
		return
	}
	n := 0
	for n < len(p.log) && p.log[n].seq <= oldest.Value.(*miss).noted {
		if past := p.log[n]; p.latest[past.name] == past.seq {
			delete(p.latest, past.name)
		}
		n++
	}
	p.log = p.log[n:]
}
