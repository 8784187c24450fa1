package pluginhost

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// hclogger gives what go-plugin says of its own doings to slog, at the debug level: what matters of it, this package
// logs itself. It says of itself that it is off, which keeps go-plugin from parsing what processes write: its parser
// panics on a line that only looks like hclog's.
type hclogger struct {
	logger *slog.Logger
	name   string
	args   []any
}

var _ hclog.Logger = hclogger{}

// newHclogger answers an adapter to logger.
func newHclogger(logger *slog.Logger) hclog.Logger { return hclogger{logger: logger} }

func (h hclogger) Log(level hclog.Level, msg string, args ...any) {
	if !h.logger.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	attrs := []any{"from", "go-plugin", "severity", level.String()}
	for _, list := range [][]any{h.args, args} {
		for i := 0; i+1 < len(list); i += 2 {
			attrs = append(attrs, slog.String(fmt.Sprint(list[i]), clip(fmt.Sprint(list[i+1]), maxValue)))
		}
	}
	h.logger.Debug(clip(msg, maxMessage), attrs...)
}

func (h hclogger) Trace(msg string, args ...any) { h.Log(hclog.Trace, msg, args...) }
func (h hclogger) Debug(msg string, args ...any) { h.Log(hclog.Debug, msg, args...) }
func (h hclogger) Info(msg string, args ...any)  { h.Log(hclog.Info, msg, args...) }
func (h hclogger) Warn(msg string, args ...any)  { h.Log(hclog.Warn, msg, args...) }
func (h hclogger) Error(msg string, args ...any) { h.Log(hclog.Error, msg, args...) }

func (hclogger) IsTrace() bool { return false }
func (hclogger) IsDebug() bool { return false }
func (hclogger) IsInfo() bool  { return false }
func (hclogger) IsWarn() bool  { return false }
func (hclogger) IsError() bool { return false }

// GetLevel is Off: see hclogger.
func (hclogger) GetLevel() hclog.Level { return hclog.Off }
func (hclogger) SetLevel(hclog.Level)  {}

func (h hclogger) ImpliedArgs() []any { return h.args }
func (h hclogger) Name() string       { return h.name }

func (h hclogger) With(args ...any) hclog.Logger {
	h.args = append(slices.Clip(h.args), args...)
	return h
}

func (h hclogger) Named(name string) hclog.Logger {
	if h.name != "" {
		name = h.name + "." + name
	}
	return h.ResetNamed(name)
}

func (h hclogger) ResetNamed(name string) hclog.Logger {
	h.name = name
	return h
}

func (h hclogger) StandardLogger(*hclog.StandardLoggerOptions) *log.Logger {
	return log.New(io.Discard, "", 0)
}

func (hclogger) StandardWriter(*hclog.StandardLoggerOptions) io.Writer { return io.Discard }
