package runtime

import (
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/generation"
)

// lanePart is what the open answers of one route hold: it outlives a reload that does not touch the route.
type lanePart = generation.Part[*lane]

// lane is what the open answers of one route have in common. It ends them when the route's definition is no longer
// current and the time for draining is over (G4).
type lane struct {
	open    atomic.Int64 // answers being written
	streams atomic.Int64 // event streams among them
	answers ending.Group

	mu    sync.Mutex
	timer *time.Timer
}

// laneKey is what an open answer depends on: the route's definition and what its policies decide by.
type laneKey [sha256.Size]byte

// endAfter ends what is still open after d.
func (l *lane) endAfter(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(d, func() { l.answers.End(ending.Drained) })
}

// forget stops what is to end answers: there are none left.
func (l *lane) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
}

// count answers how many answers are open, and how many of them are event streams.
func (l *lane) count() (open, streams int64) { return l.open.Load(), l.streams.Load() }
