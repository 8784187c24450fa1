package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/mcp"
	"durward/runtime/internal/telemetry"
)

// statusClientGone stands in the access log for a client that left before it had an answer. Nobody receives it.
const statusClientGone = 499

// fault is why there is no answer of the upstream's to relay.
type fault struct {
	status int
	text   string // for the client
	cause  error  // for the log; nil: nothing is wrong with the upstream
	ended  ending.Reason
}

// unanswered says what a failed round trip means.
func unanswered(ctx context.Context, err error) *fault {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	return &fault{status: http.StatusBadGateway, text: "the upstream cannot be reached", cause: err}
}

// errLate ends a call whose answer has not begun in time.
var errLate = errors.New("the answer has not begun in time")

// ended says what the end of ctx means to a client that has no answer yet.
func ended(ctx context.Context) *fault {
	if cause := context.Cause(ctx); errors.Is(cause, errLate) {
		return &fault{status: http.StatusGatewayTimeout, text: "the upstream did not answer in time", cause: cause}
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return &fault{status: statusClientGone, text: "the client has gone"}
	}
	return &fault{
		status: http.StatusServiceUnavailable, text: "the gateway has ended the call: try again", ended: endedBy(ctx),
	}
}

// unfit says why an answer must not be relayed, or nil.
func unfit(ctx context.Context, res *http.Response) *fault {
	switch status := res.StatusCode; {
	case ctx.Err() != nil:
		return ended(ctx)
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		// Relayed, it would send the client to sign in at the upstream, or to ours although its token is good (D6).
		return badGateway("the upstream refused the gateway", res)
	case status >= 300 && status < 400 && status != http.StatusNotModified:
		// Followed, it would take the request wherever the upstream says; relayed, the client with its token (S75).
		return badGateway("the upstream answered with a redirect", res)
	case status < 200:
		return badGateway("the upstream changed the protocol", res)
	}
	return nil
}

func badGateway(text string, res *http.Response) *fault {
	return &fault{status: http.StatusBadGateway, text: text, cause: fmt.Errorf("upstream answered %d", res.StatusCode)}
}

// refuse answers with a JSON-RPC error under the id of the request, unless there is more to say to whom the policies no
// longer let pass.
func (h *handler) refuse(x *exchange, f *fault) {
	if f.cause != nil {
		h.warn(x.ctx, "upstream failed", f.cause)
	}
	x.cut(f.ended)
	if (f.ended == ending.Revoked || f.ended == ending.Expired) && x.way.Judge != nil && x.way.Judge.Refuse(x.w) {
		return
	}
	if f.status == http.StatusServiceUnavailable {
		x.w.Header().Set("Retry-After", "1")
	}
	mcp.WriteError(x.w, f.status, requestID(x.body), mcp.CodeInternal, f.text)
}

// refuseFull answers that there are as many event streams as there may be. The upstream was not asked: whoever tries again
// has nothing done twice.
func (h *handler) refuseFull(x *exchange) {
	h.OnFull()
	x.w.Header().Set("Retry-After", fullRetry)
	mcp.WriteError(x.w, http.StatusServiceUnavailable, requestID(x.body), mcp.CodeInternal,
		"the gateway has as many event streams open as it may: try again shortly")
}

// requestID answers the JSON-RPC id under which the client waits, or nil.
func requestID(body []byte) json.RawMessage {
	if m, err := mcp.Read(body); err == nil && m.Request() {
		return m.ID
	}
	return nil
}

func refuseMethod(w http.ResponseWriter) {
	w.Header().Set("Allow", "POST, GET, DELETE")
	mcp.WriteError(w, http.StatusMethodNotAllowed, nil, mcp.CodeInvalidRequest, "the method is not allowed here")
}

// warn names the upstream by its host only: the rest of its URL may hold a key.
func (h *handler) warn(ctx context.Context, message string, err error) {
	h.Logger.LogAttrs(context.WithoutCancel(ctx), slog.LevelWarn, message,
		slog.String("upstream", h.Upstream.Host),
		slog.String(telemetry.KeyRequest, h.RequestID(ctx)),
		slog.String(telemetry.KeyError, err.Error()))
}
