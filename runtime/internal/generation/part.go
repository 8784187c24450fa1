package generation

import "sync/atomic"

// Part is a value with holders. It begins with one holder, its maker, and ends when the last one has let go. A part
// that has ended cannot be held again.
type Part[T any] struct {
	Value   T
	holders atomic.Int64
	end     func(T)
}

// NewPart answers a part with one holder. end is called once, on the goroutine that releases last, so it must not
// block: work that does goes to a goroutine of its own.
func NewPart[T any](value T, end func(T)) *Part[T] {
	p := &Part[T]{Value: value, end: end}
	p.holders.Store(1)
	return p
}

// Hold adds a holder. It answers false if the part has ended; then nothing was added.
func (p *Part[T]) Hold() bool {
	for {
		n := p.holders.Load()
		if n <= 0 {
			return false
		}
		if p.holders.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Release takes one holder away. Releasing more often than was held is a fault in the program.
func (p *Part[T]) Release() {
	switch n := p.holders.Add(-1); {
	case n == 0:
		p.end(p.Value)
	case n < 0:
		panic("generation: a part was released more often than it was held")
	}
}
