package proxy

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"durward/runtime/internal/mcp"
)

// fullRetry is when, in seconds, whoever found no place may try again: streams end seldom.
const fullRetry = "5"

// Places are those of the event streams that are open at once, on all routes together. The zero value has none taken.
//
// Whether an answer is a stream shows only when it begins, and then the upstream has done what it was asked: to refuse it
// would have the client ask for it twice. So a request whose answer may be a stream takes its place before the upstream is
// asked, and gives it back when the answer turns out to be none.
type Places struct{ open atomic.Int64 }

// Taken answers how many places are taken.
func (p *Places) Taken() int64 { return p.open.Load() }

// take takes a place if fewer than limit are taken; 0 is no limit.
func (p *Places) take(limit int64) bool {
	if p.open.Add(1) <= limit || limit == 0 {
		return true
	}
	p.open.Add(-1)
	return false
}

// take takes the place that the exchange may need. false: there is none left. What a client answers a stream that is open
// already, and what it only tells, needs none.
func (h *handler) take(x *exchange, header http.Header) bool {
	if x.method == http.MethodDelete || x.method == http.MethodPost && !acceptsEvents(header) {
		return true
	}
	if x.placed = h.Places.take(h.MaxStreams); x.placed || x.method == http.MethodGet {
		return x.placed
	}
	m, err := mcp.Read(x.body)
	return err == nil && !m.Request()
}

// giveBack gives the place back, if the exchange has one.
func (h *handler) giveBack(x *exchange) {
	if x.placed {
		x.placed = false
		h.Places.open.Add(-1)
	}
}

// acceptsEvents says that the client takes an event stream for an answer, as MCP has it for every POST.
func acceptsEvents(header http.Header) bool {
	for _, accept := range header["Accept"] {
		if strings.Contains(accept, "text/event-stream") || strings.Contains(accept, "*/*") ||
			strings.Contains(accept, "text/*") {
			return true
		}
	}
	return len(header["Accept"]) == 0 // RFC 9110 section 12.5.1: anything
}

// awaitAnswer ends the call if its answer does not begin in time. begun must be called when it has. What only listens may
// wait for its first event as long as it likes.
func (h *handler) awaitAnswer(x *exchange) (begun func() bool) {
	if h.AnswerWait == 0 || x.method == http.MethodGet || x.subscribes() {
		return func() bool { return false }
	}
	return time.AfterFunc(h.AnswerWait, func() { x.cancel(errLate) }).Stop
}
