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
	f := g.find(r)
	log.Client = f.caller.Address
	switch {
	case f.refusal != nil:
		acquired.Release()
		writeRefusal(w, f.refusal.Status, "invalid_request", f.refusal.Text)
	case f.policy != "":
		part := g.policies[f.policy]
		part.Hold()
		acquired.Release()
		h.servePath(w, r, part, f.caller)
	case f.routed:
		c := g.chains[f.route]
		log.Route, log.Meter = c.id, c.meter
		l := c.hold()
		acquired.Release()
		c.serve(w, r, f.caller, l)
	case f.allow != nil && r.Method == http.MethodOptions:
		acquired.Release()
		cors.Allow(w, r, f.allow)
	case f.allow != nil:
		acquired.Release()
		methodNotAllowed(w, r, f.allow)
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
