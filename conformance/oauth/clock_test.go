package oauth

import (
	"sync"
	"time"

	"durward/runtime"
)

// movedClock is the time of the setting moved: the machine's, and what rows have put forward.
type movedClock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *movedClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *movedClock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// withClock gives a host the clock, and the variables in place of those of the demo's parts.
func withClock(c *movedClock, env map[string]string) func(*runtime.Options) {
	return func(o *runtime.Options) {
		o.Now = c.now
		o.LookupEnv = func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	}
}
