package pluginhost

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of what a process can put into the host's log.
const (
	maxLine    = 16 << 10 // bytes of a line; the rest of it is dropped
	maxMessage = 4 << 10  // bytes of a message
	maxValue   = 4 << 10  // bytes of one attribute's value
	maxAttrs   = 32       // attributes of a line
	lineRate   = 200      // lines a second, in the long run
	lineBurst  = 1000     // lines at once
)

// logLines reads a process's standard error until it ends and puts its lines into logger. What the process writes is
// never trusted: a line is bounded, made UTF-8, and its attributes stand in a group of their own, so that none can pass
// for the host's, and redacted: the Go runtime writes here what an unrecovered panic's value is. Beyond the rate lines are
// counted and dropped; reading goes on, so that the process is not blocked.
func logLines(stderr io.Reader, logger *slog.Logger, redacted func(string) string, now func() time.Time) {
	lines := bufio.NewReaderSize(stderr, maxLine)
	limit := newLineLimit(now)
	for {
		line, err := readLine(lines)
		if len(line) > 0 {
			if ok, dropped := limit.allow(); ok {
				if dropped > 0 {
					logger.Warn("policy wrote too much to its log: lines dropped", "dropped", dropped)
				}
				logLine(logger, redacted(string(line)))
			}
		}
		if err != nil {
			if dropped := limit.dropped; dropped > 0 {
				logger.Warn("policy wrote too much to its log: lines dropped", "dropped", dropped)
			}
			return
		}
	}
}

// readLine answers the next line without its end, cut at the reader's size. The slice is valid until the next read.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, err
	}
	kept := slices.Clone(line)
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = r.ReadSlice('\n')
	}
	return kept, err
}

func logLine(logger *slog.Logger, line string) {
	text := strings.TrimRight(line, "\r\n")
	if text == "" {
		return
	}
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&fields); err != nil || fields == nil {
		// Policies log JSON. What is not comes from elsewhere: a library, or the runtime on a crash.
		logger.Warn("policy wrote to standard error", "text", clip(text, maxMessage))
		return
	}
	level := takeLevel(fields)
	message := takeText(fields, "msg", "@message")
	if message == "" {
		message = "policy wrote a line without a message"
	}
	for _, name := range []string{"time", "@timestamp"} {
		delete(fields, name) // the host's own time of the line will do
	}
	attrs := make([]any, 0, min(len(fields), maxAttrs))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if len(attrs) == maxAttrs {
			break
		}
		attrs = append(attrs, slog.String(clip(name, 64), clip(asText(fields[name]), maxValue)))
	}
	logger.Log(context.Background(), level, clip(message, maxMessage), slog.Group("log", attrs...))
}

// takeLevel reads slog's level ("INFO", "DEBUG+2") or hclog's ("info"), and calls anything else a warning.
func takeLevel(fields map[string]any) slog.Level {
	text := takeText(fields, "level", "@level")
	var level slog.Level
	if err := level.UnmarshalText([]byte(text)); err != nil {
		return slog.LevelWarn
	}
	return min(max(level, slog.LevelDebug), slog.LevelError)
}

// takeText takes the first of the named fields that is a text out of fields.
func takeText(fields map[string]any, names ...string) string {
	for _, name := range names {
		if text, ok := fields[name].(string); ok {
			delete(fields, name)
			return text
		}
	}
	return ""
}

func asText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case nil, bool, json.Number:
		return fmt.Sprint(value)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(encoded)
}

// clip makes s valid UTF-8 of at most longest bytes.
func clip(s string, longest int) string {
	const mark = "…"
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest-len(mark)], "") + mark
}

// lineLimit is a token bucket.
type lineLimit struct {
	now     func() time.Time
	tokens  float64
	last    time.Time
	dropped int
}

func newLineLimit(now func() time.Time) *lineLimit {
	return &lineLimit{now: now, tokens: lineBurst, last: now()}
}

// allow reports whether a line may be logged and how many were dropped since the last that could.
func (l *lineLimit) allow() (ok bool, dropped int) {
	now := l.now()
	passed := max(now.Sub(l.last).Seconds(), 0)
	l.tokens = min(l.tokens+passed*lineRate, lineBurst)
	l.last = now
	if l.tokens < 1 {
		l.dropped++
		return false, 0
	}
	l.tokens--
	dropped, l.dropped = l.dropped, 0
	return true, dropped
}
