// Package cors answers the browser's questions about MCP routes: any origin may call, never with credentials (D7, Q39).
//
// That is safe because a route takes no cookie: who calls is told by a header that a page cannot send without knowing
// its content. Which origins may call at all on a loopback listener is package origin's question, asked before this one.
package cors

import (
	"net/http"
	"strings"
)

const maxHeaders = 1024

// Allow writes what every answer of a route carries, and answers a preflight whole. It reports whether it did the
// latter: then the caller is done. methods are those of the path.
func Allow(w http.ResponseWriter, r *http.Request, methods []string) (done bool) {
	if r.Header.Get("Origin") == "" {
		if r.Method != http.MethodOptions {
			return false
		}
		w.Header().Set("Allow", strings.Join(methods, ", ")+", OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return true
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	if r.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers",
			"WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, Retry-After")
		return false
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(methods, ", "))
	asked := strings.Join(r.Header.Values("Access-Control-Request-Headers"), ",")
	if asked != "" && len(asked) <= maxHeaders && strings.Trim(asked,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ") == "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	h.Set("Vary", "Access-Control-Request-Headers")
	w.WriteHeader(http.StatusNoContent)
	return true
}
