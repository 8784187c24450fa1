package passage

import (
	"sync"

	"durward/runtime/internal/ending"
)

// way is how a request's way ends early. The zero value is one that goes on.
type way struct {
	mu    sync.Mutex
	ended ending.Reason
	react func(why error)
}

// End ends the way, unless it has ended. It is an ending.Ender, and may be called from anywhere at any time.
func (p *Passage) End(why ending.Reason) {
	p.way.mu.Lock()
	defer p.way.mu.Unlock()
	if p.way.ended != "" {
		return
	}
	p.way.ended = why
	if p.way.react != nil {
		p.way.react(why)
	}
}

// OnEnd has react called when the way ends, in place of what was to be called before; if it has ended, that is now. The
// reason is an ending.Reason, so that the end of a context will do for react, which must not call the passage. After
// OnEnd(nil) nothing is called any more. A nil passage never ends.
func (p *Passage) OnEnd(react func(why error)) {
	if p == nil {
		return
	}
	p.way.mu.Lock()
	defer p.way.mu.Unlock()
	p.way.react = react
	if p.way.ended != "" && react != nil {
		react(p.way.ended)
	}
}
