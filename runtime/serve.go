package runtime

import (
	"net/http"
	"strings"

	"durward/runtime/internal/cors"
	"durward/runtime/internal/telemetry"
)

// serve is the front of the public listener.
func (h *Host) serve(w http.ResponseWriter, r *http.Request) {
	acquired := h.current.Acquire()
	if acquired == nil {
		unavailable(w, "the gateway is shutting down")
		return
	}
	g := acquired.Value
	log := telemetry.RequestFrom(r.Context())
	log.Generation = g.number
	caller, refusal := g.origins.Caller(r)
	log.Client = caller.Address
	if refusal != nil {
		acquired.Release()
		writeRefusal(w, refusal.Status, "invalid_request", refusal.Text)
		return
	}
	path := r.URL.EscapedPath()
	if part := g.paths[path]; part != nil {
		part.Hold()
		acquired.Release()
		h.servePath(w, r, part, caller)
		return
	}
	c, allow, ok := g.routes.Match(r.Method, path)
	switch {
	case ok:
		log.Route, log.Meter = c.id, c.meter
		l := c.hold()
		acquired.Release()
		c.serve(w, r, caller, l)
	case allow != nil && r.Method == http.MethodOptions:
		acquired.Release()
		cors.Allow(w, r, allow)
	case allow != nil:
		acquired.Release()
		methodNotAllowed(w, r, allow)
	default:
		acquired.Release()
		writeError(w, http.StatusNotFound, "not_found", "nothing is served at this path")
	}
}

// methodNotAllowed answers 405. A page may read it, as it may read any other answer of the route.
func methodNotAllowed(w http.ResponseWriter, r *http.Request, allow []string) {
	cors.Allow(w, r, allow)
	w.Header().Set("Allow", strings.Join(allow, ", "))
	writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "this route takes "+strings.Join(allow, ", "))
}
