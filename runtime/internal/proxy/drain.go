package proxy

import (
	"context"
	"errors"
)

var errDrained = errors.New("the route has been drained")

type drainKey struct{}

// WithDrain lets drain end what is done for ctx without taking the client for gone. Once drain is done, the call to the
// upstream is cancelled and
//   - a client that has no answer yet gets 503 with Retry-After: 1;
//   - an event stream ends cleanly, behind the bytes already sent. What was sent of an event that is not complete is
//     dropped by the reader (HTML standard, section 9.2.6), so it needs no mending;
//   - any other answer under way is broken off visibly: half a document must not pass for a whole one.
func WithDrain(ctx, drain context.Context) context.Context {
	return context.WithValue(ctx, drainKey{}, drain)
}

// untilDrained answers a context that also ends, with errDrained as its cause, when the drain of ctx is done. end must
// be called.
func untilDrained(ctx context.Context) (_ context.Context, end func()) {
	drain, ok := ctx.Value(drainKey{}).(context.Context)
	if !ok {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(drain, func() { cancel(errDrained) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

func drained(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errDrained) }
