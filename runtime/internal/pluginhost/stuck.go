package pluginhost

import (
	"sync"
	"time"
)

const (
	// stuckMisses is how many Evaluates in a row must run out of time before a process counts as stuck.
	stuckMisses = 3
	// leastChance is the part of Options.StuckAfter that a process must have had for an answer, or the call does not count:
	// it may have spent its time in waiting for its turn.
	leastChance = 10
	// slowService is how long a call of a host service may take before it is what holds a process up.
	slowService = 250 * time.Millisecond
	// lateNotice is how late the host sees that the time of a call is over if it did not run itself meanwhile. Usually it
	// sees it within milliseconds.
	lateNotice = time.Second
)

// silence is how long a process has left every Evaluate unanswered. Its health service may well answer meanwhile: what
// hangs is the policy's own code. An answer is anything that the process says, an error too; package sdk sees to it that
// a policy which ran out of time says so in time.
type silence struct {
	mu     sync.Mutex
	misses int
	// since is when the first of them began.
	since time.Time
}

// broken takes note of an answer, or of a good reason for there being none.
func (s *silence) broken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.misses = 0
}

// missed takes note of a call that had no answer between began and now, and reports whether the process is stuck.
func (s *silence) missed(began, now time.Time, after time.Duration) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.misses == 0 || began.Before(s.since) {
		s.since = began
	}
	s.misses++
	return s.misses >= stuckMisses && now.Sub(s.since) >= after
}

// workload is what the host is doing for one process: the calls of host services that are being worked on.
type workload struct {
	mu    sync.Mutex
	calls map[uint64]time.Time
	next  uint64
	// slow is when a slow call last ended.
	slow time.Time
}

// begin counts a call in; what it answers counts it out.
func (w *workload) begin() (end func()) {
	began := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls == nil {
		w.calls = make(map[uint64]time.Time)
	}
	id := w.next
	w.next++
	w.calls[id] = began
	return func() {
		now := time.Now()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.calls, id)
		if now.Sub(began) >= slowService {
			w.slow = now
		}
	}
}

// heldUp reports whether the host has been slow in what it does for the process since then, or still is.
func (w *workload) heldUp(since, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slow.After(since) {
		return true
	}
	for _, began := range w.calls {
		if now.Sub(began) >= slowService {
			return true
		}
	}
	return false
}
