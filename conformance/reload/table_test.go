package reload

import (
	"fmt"
	"strings"
)

// sum is what a crowd has seen.
type sum struct {
	requests, failed int64
	// closed are the connections that the gateway closed: callers', and streams' while they were open or after their ends.
	closed, after int64
	// cut are the streams that ended otherwise than they had to, drained the ends at the deadline of a change.
	streams, cut, drained int
	events                int64
}

// sum answers it once the crowd has stopped.
func (c *crowd) sum() sum {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := sum{failed: int64(len(c.failures))}
	for _, one := range c.callers {
		s.requests += one.done.Load()
		s.closed += one.cuts.Load()
	}
	s.streams, s.cut, s.drained = len(c.streams.all), len(c.streams.cuts), c.streams.drained
	s.after = c.streams.closed.Load()
	s.events = c.streams.events.Load()
	return s
}

// row is a gateway's in the table.
type row struct {
	name    string
	reloads int
	sum
	// left is how many processes of earlier configurations there are while the streams are still open.
	left int
}

// table shows rows side by side, in Markdown.
func table(rows ...row) string {
	var text strings.Builder
	text.WriteString("| | reloads | requests | failed | callers' connections closed | streams | events | cut | ended at the deadline stated | " +
		"streams' connections closed | old processes left |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&text, "| %s | %d | %d | **%d** | **%d** | %d | %d | **%d** | %d | **%d** | **%d** |\n",
			r.name, r.reloads, r.requests, r.failed, r.closed, r.streams, r.events, r.cut, r.drained, r.after, r.left)
	}
	return text.String()
}
