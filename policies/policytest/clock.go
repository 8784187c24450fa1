package policytest

import (
	"sync"
	"time"
)

// Clock is a host's clock that stands still until it is moved. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock answers a clock that stands at a fixed instant of the year 2027.
func NewClock() *Clock {
	return &Clock{now: time.Date(2027, time.March, 1, 12, 0, 0, 0, time.UTC)}
}

// Now answers where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock on by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
