package proxy

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/mcp"
)

// Bounds of what an event that has begun may still take when its stream is ended.
const (
	eventGrace = time.Second
	eventBytes = 1 << 20
)

// clockTrust is for how long the clock is taken to go as a timer does.
const clockTrust = 30 * time.Second

// stream is an event stream on its way to the client, which may be ended from elsewhere.
type stream struct {
	cancel context.CancelCauseFunc // ends the call to the upstream

	mu    sync.Mutex
	at    position
	why   ending.Reason // empty while it goes on
	grace *time.Timer
	left  int // bytes that the event begun may still take; none if it cannot be seen to end
}

// newStream answers a stream of which nothing was sent. If it is encoded, no event is ever seen to end, and none is
// waited for.
func newStream(header http.Header, cancel context.CancelCauseFunc) *stream {
	s := &stream{cancel: cancel, left: eventBytes}
	if len(header["Content-Encoding"]) == 0 {
		s.at = beginning()
	} else {
		s.left = 0
	}
	return s
}

// end is what the end of the way means: the upstream is left at once, or when the event begun is over.
func (s *stream) end(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.why, _ = errors.AsType[ending.Reason](why)
	if s.at.between || s.left == 0 {
		s.cancel(why)
		return
	}
	s.grace = time.AfterFunc(eventGrace, func() { s.cancel(why) })
}

// pass answers what of the upstream's next bytes the client gets, and whether that is the last. An event that was begun
// when the stream was ended may turn out to be the upstream's own last, the call's result: so its end alone cuts nothing,
// but only what comes behind it, or that nothing does in time.
func (s *stream) pass(b []byte) (_ []byte, last bool) {
	if s == nil {
		return b, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.why == "":
		if s.left > 0 {
			s.at.pass(b)
		}
		return b, false
	case len(b) == 0: // how the reading ended says whether the answer is whole
		return nil, false
	case s.left == 0:
		return nil, true
	}
	n := s.at.rest(b[:min(len(b), s.left)])
	s.left -= n
	return b[:n], n < len(b) || s.left == 0
}

// close says why the stream was ended, if it was, and whether that was between two events.
func (s *stream) close() (why ending.Reason, between bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grace != nil {
		s.grace.Stop()
	}
	return s.why, s.at.between
}

// relayEvents sends an event stream on, to its end or to that of the way.
func (h *handler) relayEvents(x *exchange, res *http.Response) {
	out := h.client(x)
	if out.flush() != nil { // the head: the first event may be long in coming
		panic(http.ErrAbortHandler)
	}
	if !x.placed { // an answer that nobody could expect to be a stream
		h.Places.open.Add(1)
		x.placed = true
	}
	h.Streams.Add(1)
	defer h.Streams.Add(-1)
	s := newStream(res.Header, x.cancel)
	x.way.OnEnd(s.end)
	if x.subscribes() {
		defer h.listen(x)()
	}
	whole, read, wrote := h.buffers.copy(x.ctx, out, res.Body, res.ContentLength, s)
	x.way.OnEnd(nil)
	why, between := s.close()
	switch {
	case whole:
	case wrote != nil:
		x.cut(why) // a client that reads nothing is cut, too
		panic(http.ErrAbortHandler)
	case why == "":
		h.brokeOff(x, read)
	default:
		x.cut(why)
		if words := lastWords(x.body, why); between && words != nil && out.send(words, false) != nil {
			panic(http.ErrAbortHandler)
		}
	}
}

// listen ends the way of a request that only listens: at the end of its credential, and when listeners are told to go.
// stop must be called.
func (h *handler) listen(x *exchange) (stop func()) {
	if x.way == nil {
		return func() {}
	}
	place := new(ending.Member)
	h.Listeners.Join(place)
	place.Tell(x.way)
	forget := h.expire(x)
	return func() {
		forget()
		place.Leave()
	}
}

// expire ends the way at the end of the credential; if that has come already, before anything is sent. stop must be
// called.
//
// The end is a time of day, and what a timer counts is another thing: a machine that was asleep, or whose clock was set,
// has the stream live on, or end too soon. So the clock is looked at now and then.
func (h *handler) expire(x *exchange) (stop func() bool) {
	if x.way.Expires.IsZero() {
		return func() bool { return false }
	}
	var timer *time.Timer
	look := func() {
		switch left := x.way.Expires.Sub(h.Now()); {
		case left <= 0:
			x.way.End(ending.Expired)
		case x.ctx.Err() == nil: // else it was stopped meanwhile
			timer.Reset(min(left, clockTrust))
		}
	}
	timer = time.AfterFunc(clockTrust, look)
	look()
	return timer.Stop
}

// subscribes says that the request is a POST whose answer is a stream with no end of its own.
func (x *exchange) subscribes() bool {
	if x.method != http.MethodPost {
		return false
	}
	m, err := mcp.Read(x.body)
	return err == nil && m.Listens()
}

// cut notes why the answer is not whole.
func (x *exchange) cut(why ending.Reason) {
	if why != "" { // it takes a passage to end one
		x.way.Cut = why
	}
}
