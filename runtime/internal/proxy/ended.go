package proxy

import (
	"context"
	"errors"

	"durward/runtime/internal/ending"
	"durward/runtime/internal/mcp"
)

// An answer may have to end before its time: the passage says so (see package ending for the reasons). The call to the
// upstream is cancelled then, and the client is not taken for gone:
//   - one that has no answer yet gets 503 with Retry-After: 1 and a JSON-RPC error; or, if its credential is no longer what
//     it was, what the policies say of it now;
//   - an event stream ends cleanly behind the last event that was sent whole, for which one that is half sent may go on a
//     little; if it answers a call, the last event is a JSON-RPC error under the call's id. Where an event does not come
//     to its end in time the stream ends in its midst and without the error: the reader drops it (HTML standard, section
//     9.2.6), and must not take the error for a part of it;
//   - any other answer under way is broken off visibly: half a document must not pass for a whole one.
//
// What only listens (GET, and subscriptions/listen) ends at the end of the credential as well, and when listeners are told
// to go.

// endedBy answers why the host has ended the answer, or nothing.
func endedBy(ctx context.Context) ending.Reason {
	why, _ := errors.AsType[ending.Reason](context.Cause(ctx))
	return why
}

// endedText is what a caller is told in a stream that was cut. The call may have had its effect: only they know whether
// it can be made again.
func endedText(why ending.Reason) string {
	if why == ending.Revoked {
		return "the gateway ended this call before its answer was complete: the access it was made with was taken back"
	}
	return "the gateway ended this call before its answer was complete: the route has changed, or the gateway shuts down"
}

// lastWords are the event that ends the stream, nil if nobody waits for one: on a stream that listens, or that answers
// no request.
func lastWords(body []byte, why ending.Reason) []byte {
	m, err := mcp.Read(body)
	if err != nil || !m.Request() || m.Listens() {
		return nil
	}
	return mcp.ErrorEvent(m.ID, mcp.CodeInternal, endedText(why))
}
