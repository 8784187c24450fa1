package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"durward/runtime"
)

// logHandler writes the log as gateway.json says, which is known only once something has been logged, and may change. It
// writes each record by one of two handlers, which have the same attributes.
type logHandler struct {
	// level is nil for what is always written.
	level          *slog.LevelVar
	text           *atomic.Bool
	asJSON, asText slog.Handler
}

// newLogHandler answers a handler that writes JSON from level info on.
func newLogHandler(out io.Writer) *logHandler {
	h := &logHandler{level: new(slog.LevelVar), text: new(atomic.Bool)}
	options := &slog.HandlerOptions{Level: h.level}
	h.asJSON, h.asText = slog.NewJSONHandler(out, options), slog.NewTextHandler(out, options)
	return h
}

// set is for runtime.Options.OnLog.
func (h *logHandler) set(s runtime.LogSettings) {
	h.level.Set(s.Level)
	h.text.Store(s.Format == "text")
}

// always writes to the same place, in the same form, and every record whatever the level: who did what must not be lost
// because somebody wanted a quieter log.
func (h *logHandler) always() slog.Handler { return &logHandler{nil, h.text, h.asJSON, h.asText} }

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return h.level == nil || level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.text.Load() {
		return h.asText.Handle(ctx, r)
	}
	return h.asJSON.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.level, h.text, h.asJSON.WithAttrs(attrs), h.asText.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.level, h.text, h.asJSON.WithGroup(name), h.asText.WithGroup(name)}
}
