package sdk

import (
	"context"
	"log/slog"

	"durward/policies"
)

// withRequestID adds the id of the request to every line that is logged with a call's context.
type withRequestID struct{ next slog.Handler }

func (h withRequestID) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h withRequestID) Handle(ctx context.Context, r slog.Record) error {
	if id := policies.CallFrom(ctx).RequestID; id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.next.Handle(ctx, r)
}

func (h withRequestID) WithAttrs(attrs []slog.Attr) slog.Handler {
	return withRequestID{h.next.WithAttrs(attrs)}
}

func (h withRequestID) WithGroup(name string) slog.Handler {
	return withRequestID{h.next.WithGroup(name)}
}
