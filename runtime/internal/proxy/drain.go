package proxy

import (
	"context"
	"errors"

	"durward/runtime/internal/passage"
)

var errDrained = errors.New("the route has been drained")

// untilDrained answers a context that also ends, with errDrained as its cause, when the Drain of its passage is done.
// The call to the upstream is cancelled then, and the client is not taken for gone:
//   - one that has no answer yet gets 503 with Retry-After: 1;
//   - an event stream ends cleanly, behind the bytes already sent. What was sent of an event that is not complete is
//     dropped by the reader (HTML standard, section 9.2.6), so it needs no mending;
//   - any other answer under way is broken off visibly: half a document must not pass for a whole one.
//
// end must be called.
func untilDrained(ctx context.Context) (_ context.Context, end func()) {
	way := passage.From(ctx)
	if way == nil || way.Drain == nil {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(way.Drain, func() { cancel(errDrained) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

func drained(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errDrained) }
