package main

import (
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
