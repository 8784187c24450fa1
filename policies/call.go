package policies

import (
	"context"
	"time"
)

// Call is what the host says of the call it makes to a policy.
type Call struct {
	// Time is the host's clock. A policy uses no other for expiry.
	Time time.Time
	// RequestID is the id under which the host logs the request that caused the call.
	RequestID string
	// Origin is "scheme://host[:port]" as the client called it. Set for ServeHTTP; Evaluate has its own.
	Origin string
	// ClientAddress is the client's IP address after trusted proxies. Set for ServeHTTP; Evaluate has its own.
	ClientAddress string
}

type callKey struct{}

// WithCall gives ctx the call.
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom answers the call that ctx belongs to, or the zero Call outside of one.
func CallFrom(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}
