package generation

import "sync/atomic"

// Current points at the one current generation. The zero value points at none.
type Current[G any] struct {
	current atomic.Pointer[Part[G]]
}

// Acquire holds the current generation for the caller, who must Release it. It answers nil only if there never was
// one, or if the last was retired with Swap(nil).
func (c *Current[G]) Acquire() *Part[G] {
	for {
		g := c.current.Load()
		if g == nil {
			return nil
		}
		// The generation may have been retired, and let go by all, between the load and the hold.
		if g.Hold() {
			return g
		}
	}
}

// Swap makes next current, taking over the hold of its maker, and retires the generation before it: that one's parts
// end when those who acquired it have let go. nil retires without a successor.
func (c *Current[G]) Swap(next *Part[G]) {
	if old := c.current.Swap(next); old != nil {
		old.Release()
	}
}
