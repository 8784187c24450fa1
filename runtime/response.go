package runtime

import (
	"net/http"
	"slices"
	"strings"

	"durward/policies"
	"durward/runtime/internal/mcp"
)

// hostsCORS leaves it to the host which pages may read an answer on a route.
func hostsCORS(h http.Header) {
	for name := range h {
		if strings.HasPrefix(http.CanonicalHeaderKey(name), "Access-Control-") {
			delete(h, name)
		}
	}
}

// writeResponse answers what a policy has answered, save for what frames an answer and governs the connection: those are
// the server's, and a length that is not the body's would cost the client its connection.
func writeResponse(w http.ResponseWriter, response *policies.Response) {
	boundWrite(w)
	for name, values := range response.Header {
		switch name = http.CanonicalHeaderKey(name); name {
		case "Connection", "Content-Length", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		case "Vary":
			w.Header()[name] = slices.Concat(w.Header()[name], values)
		default:
			w.Header()[name] = values
		}
	}
	w.WriteHeader(response.Status)
	_, _ = w.Write(response.Body) //nolint:gosec // a policy writes its own pages; the client may have gone
}

func unavailable(w http.ResponseWriter, text string) {
	boundWrite(w)
	w.Header().Set("Retry-After", "1")
	mcp.WriteError(w, http.StatusServiceUnavailable, nil, mcp.CodeInternal, text)
}
