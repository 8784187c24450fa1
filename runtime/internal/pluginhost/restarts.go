package pluginhost

import (
	"math"
	"slices"
	"time"
)

// The rule of restarts: a process may die crashBudget times within crashWindow, and is started again each time. The first
// start after quiet times is immediate; the pauses before the next grow twofold. One crash more, and the policy is down.
const (
	crashBudget  = 3
	crashWindow  = time.Minute
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// restarts says when a policy's process is to be started again.
type restarts struct {
	// random answers a number in [0,1).
	random  func() float64
	crashes []time.Time
}

// next notes a crash (or a restart that failed) and answers how long to wait before the next start. It answers false if
// the budget is spent: more than crashBudget crashes within crashWindow.
func (r *restarts) next(now time.Time) (time.Duration, bool) {
	r.crashes = slices.DeleteFunc(r.crashes, func(t time.Time) bool { return now.Sub(t) >= crashWindow })
	r.crashes = append(r.crashes, now)
	n := len(r.crashes)
	if n > crashBudget {
		return 0, false
	}
	if n == 1 {
		return 0, true
	}
	pause := min(time.Duration(float64(firstPause)*math.Exp2(float64(n-2))), longestPause)
	// Between half of it and all of it, so that policies which died together do not start together.
	return pause/2 + time.Duration(r.random()*float64(pause/2)), true
}
