package watch

import "time"

// debounce turns a burst of stirs into one moment: when they have been quiet for a while, or have gone on for too long.
type debounce struct {
	quiet, ceiling time.Duration
	timer          *time.Timer
	since          time.Time // the first stir of the burst; zero: no burst
}

func newDebounce(quiet, ceiling time.Duration) *debounce {
	d := &debounce{quiet: quiet, ceiling: ceiling, timer: time.NewTimer(quiet)}
	d.timer.Stop()
	return d
}

// stir begins a burst or goes on with it.
func (d *debounce) stir() {
	now := time.Now()
	if d.since.IsZero() {
		d.since = now
	}
	d.timer.Reset(min(d.quiet, d.since.Add(d.ceiling).Sub(now)))
}

// over answers the channel on which the moment comes.
func (d *debounce) over() <-chan time.Time { return d.timer.C }

// settle ends the burst, once its moment has come.
func (d *debounce) settle() { d.since = time.Time{} }
