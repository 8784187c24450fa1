package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"

	"durward/runtime"
)

// It is a handler as log/slog wants one.
func TestLogHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return newLogHandler(&out)
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

// What is said of the log holds for loggers that were made before, with what they add to each line.
func TestLogHandlerChanges(t *testing.T) {
	var out bytes.Buffer
	h := newLogHandler(&out)
	logger := slog.New(h).With("policy", "clerk").WithGroup("of")
	logged := func() (lines string) {
		out.Reset()
		logger.Debug("one", "n", 1)
		logger.Info("two", "n", 2)
		logger.Error("three", "n", 3)
		return out.String()
	}
	if got := logged(); strings.Contains(got, "one") || !strings.Contains(got, `"msg":"two","policy":"clerk","of":{"n":2}}`) {
		t.Errorf("to begin with: %s", got)
	}
	h.set(runtime.LogSettings{Level: slog.LevelError, Format: "text"})
	if got := logged(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "level=ERROR msg=three policy=clerk of.n=3\n") {
		t.Errorf("errors as text: %s", got)
	}
	h.set(runtime.LogSettings{Level: slog.LevelDebug, Format: "json"})
	if got := logged(); strings.Count(got, "{\"time\"") != 3 {
		t.Errorf("everything as JSON: %s", got)
	}
}

// Who did what is written whatever is said of the log, but for its form.
func TestLogHandlerAlways(t *testing.T) {
	var out bytes.Buffer
	h := newLogHandler(&out)
	logger := slog.New(h.always()).With("policy", "clerk")
	h.set(runtime.LogSettings{Level: slog.LevelError + 1, Format: "json"})
	logger.Info("audit", "event", "grant.created")
	h.set(runtime.LogSettings{Level: slog.LevelError + 1, Format: "text"})
	logger.Info("audit", "event", "grant.revoked")
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasSuffix(lines[0], `"level":"INFO","msg":"audit","policy":"clerk","event":"grant.created"}`) ||
		!strings.HasSuffix(lines[1], "level=INFO msg=audit policy=clerk event=grant.revoked") {
		t.Errorf("%s", out.String())
	}
}

// It changes while others log.
func TestLogHandlerConcurrently(t *testing.T) {
	h := newLogHandler(io.Discard)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for n := range 100 {
				slog.New(h).With("n", n).Info("line")
			}
		})
	}
	for n := range 100 {
		h.set(runtime.LogSettings{Level: slog.Level(n%2) * 4, Format: []string{"json", "text"}[n%2]})
	}
	all.Wait()
}
