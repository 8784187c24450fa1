package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/passage"
)

// Defaults of Options.
const (
	DefaultMaxBody  = 4 << 20
	DefaultBodyWait = time.Minute
	DefaultStall    = 30 * time.Second
)

// Options say how one route is proxied.
type Options struct {
	// Upstream is the MCP endpoint: the whole URL that is called, whatever path the client used. Required. It is not
	// to be changed afterwards.
	Upstream *url.URL
	// ForwardSearch appends the client's query to that of Upstream.
	ForwardSearch bool
	// Answer is what becomes of the headers of the upstream's answers. What the gateway answers itself stays as it is.
	Answer []passage.Change
	// Transport reaches the upstream; see Transports. Required.
	Transport http.RoundTripper
	// MaxBody bounds a request's body, in bytes; above it the answer is 413. Zero: DefaultMaxBody.
	MaxBody int64
	// BodyWait is how long a request's body may take to arrive. Zero: DefaultBodyWait.
	BodyWait time.Duration
	// AnswerWait is how long the upstream may take until its answer begins, to anything but a request that only listens;
	// then the answer is 504. Zero: as long as the client waits, since the first byte may be as long in coming as the
	// longest tool runs.
	AnswerWait time.Duration
	// Stall is how long a client may take none of the bytes that wait for it before it counts as gone. Zero:
	// DefaultStall.
	Stall time.Duration
	// Logger is told of upstreams that fail. Required.
	Logger *slog.Logger
	// RequestID answers the id of the request that ctx belongs to. It is sent upstream as X-Request-Id, so that the
	// upstream's log leads to ours, and stands in log lines. nil: no id.
	RequestID func(ctx context.Context) string
	// OnBroken is called for each answer that the upstream began and did not finish while client and host still wanted
	// it. On a healthy upstream it is never called. nil: nobody counts.
	OnBroken func(error)
	// Streams counts the event streams that are open. nil: nobody counts.
	Streams *atomic.Int64
	// Places bound the event streams of all routes that share them, to MaxStreams; above it the answer is 503. nil, and zero:
	// no bound.
	Places     *Places
	MaxStreams int64
	// OnFull is called for each request that is refused for want of a place. nil: nobody counts.
	OnFull func()
	// Now is the clock by which credentials end. nil: time.Now.
	Now func() time.Time
	// Listeners are told when streams that only listen are to end although calls go on. nil: never.
	Listeners *ending.Group
}

// New answers the handler of one route. It serves POST, GET and DELETE.
func New(o Options) http.Handler {
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.BodyWait == 0 {
		o.BodyWait = DefaultBodyWait
	}
	if o.Stall == 0 {
		o.Stall = DefaultStall
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	if o.OnBroken == nil {
		o.OnBroken = func(error) {}
	}
	if o.OnFull == nil {
		o.OnFull = func() {}
	}
	if o.Streams == nil {
		o.Streams = new(atomic.Int64)
	}
	if o.Places == nil {
		o.Places = new(Places)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Listeners == nil {
		o.Listeners = new(ending.Group)
	}
	return &handler{Options: o, buffers: newBuffers()}
}

type handler struct {
	Options
	buffers *buffers
}

// exchange is a request on its way to the upstream, and its answer on the way back.
type exchange struct {
	w      http.ResponseWriter
	method string
	body   []byte // of the request
	way    *passage.Passage
	// placed says that the exchange has a place among the event streams.
	placed bool
	// ctx is that of the call to the upstream, and cancel its end.
	ctx    context.Context
	cancel context.CancelCauseFunc
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost, http.MethodGet, http.MethodDelete:
	default:
		refuseMethod(w)
		return
	}
	body, ok := ReadBody(w, r, h.MaxBody, h.BodyWait)
	if !ok {
		return
	}
	x := exchange{w: w, method: r.Method, body: body, way: passage.From(r.Context())}
	if !h.take(&x, r.Header) {
		h.refuseFull(&x)
		return
	}
	defer h.giveBack(&x)
	x.ctx, x.cancel = context.WithCancelCause(r.Context())
	defer x.cancel(nil)
	x.way.OnEnd(x.cancel)
	defer x.way.OnEnd(nil)
	if x.method == http.MethodGet { // a stream that has no head yet listens, too
		defer h.listen(&x)()
	}

	begun := h.awaitAnswer(&x)
	res, err := h.Transport.RoundTrip(h.request(x.ctx, r, body))
	begun()
	if err != nil {
		h.refuse(&x, unanswered(x.ctx, err))
		return
	}
	defer func() { _ = res.Body.Close() }() // what is left of it is of no interest, nor is whether it ended well
	if fault := unfit(x.ctx, res); fault != nil {
		h.refuse(&x, fault)
		return
	}
	answerHeader(w.Header(), res.Header)
	changeAnswer(w.Header(), h.Answer)
	w.WriteHeader(res.StatusCode)
	if isEventStream(res.Header) {
		h.relayEvents(&x, res)
		return
	}
	h.giveBack(&x)
	h.relay(&x, res)
}
