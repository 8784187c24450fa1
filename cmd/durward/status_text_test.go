package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"durward/runtime"
)

// statusOf is what is printed of a gateway that has started now and to which this has been done.
func statusOf(last runtime.Reload) statusText {
	now := time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)
	last.At = now
	s := runtime.Status{Started: now, Number: max(last.Number, 1), Since: now, LastReload: last}
	return statusText{before: s, after: s, between: time.Second, now: now}
}

func TestStatusCountsNotes(t *testing.T) {
	for _, tt := range []struct {
		notes int
		want  string
	}{
		{0, "No reload yet\n\n"},
		{1, "No reload yet\n1 note: durward validate shows it\n\n"},
		{2, "No reload yet\n2 notes: durward validate shows them\n\n"},
	} {
		text := statusOf(runtime.Reload{Number: 1, Why: "start", Notes: make([]runtime.Problem, tt.notes)}).String()
		if !strings.Contains(text, tt.want) {
			t.Errorf("with %d notes:\n%s", tt.notes, text)
		}
	}
}

// Why something has changed is told whole, but on a terminal that is too narrow for it.
func TestStatusCutsChangesOnATerminalOnly(t *testing.T) {
	text := statusOf(runtime.Reload{Number: 2, Result: runtime.Applied, Changes: runtime.Changes{Routes: []runtime.RouteChange{{
		ID: "tools", Change: runtime.Changed, Reasons: []runtime.Reason{
			{What: "upstream", Was: json.RawMessage(`"https://one.example.com/mcp/with/a/long/path"`),
				Is: json.RawMessage(`"https://two.example.com/mcp"`)},
		},
	}}}})
	const whole = `  route tools changed: upstream: "https://one.example.com/mcp/with/a/long/path" -> "https://two.example.com/mcp"`
	for columns, want := range map[int]string{
		0: whole, 200: whole, len(whole): whole,
		len(whole) - 1: whole[:len(whole)-4] + "...",
		80:             whole[:77] + "...",
		1:              whole[:19] + "...",
	} {
		text.columns = columns
		if got := text.String(); !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("on %d columns, want %s:\n%s", columns, want, got)
		}
	}
}
