package runtime

import (
	"net/http"
	"strings"

	"durward/runtime/internal/generation"
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
	case f.allow != nil:
		serveRoute(w, r, acquired, f)
	default:
		text := "nothing is served at this path" + g.butForTheSlash(r)
		acquired.Release()
		writeError(w, http.StatusNotFound, "not_found", text)
	}
}

// serveRoute answers on the path of a route. Which pages may call is judged before anything else (D1): a page that may not
// costs no decision, its body is not read, and it cannot read the answer, whatever that is.
func serveRoute(w http.ResponseWriter, r *http.Request, acquired *generation.Part[*running], f found) {
	c := acquired.Value.chains[f.route]
	log := telemetry.RequestFrom(r.Context())
	if f.routed {
		log.Route, log.Meter = c.id, c.meter
	}
	switch {
	case !c.cors.Admit(w.Header(), r, f.caller.Own()):
		log.Route = c.id // whose corsPolicy it is
		acquired.Release()
		writeRefusal(w, http.StatusForbidden, "invalid_request", "pages of this origin may not call this route")
	case f.routed:
		l := c.hold()
		acquired.Release()
		c.serve(w, r, f.caller, l)
	case r.Method == http.MethodOptions:
		acquired.Release()
		c.cors.Preflight(w, r, c.methods, f.allow)
	default:
		acquired.Release()
		w.Header().Set("Allow", strings.Join(f.allow, ", "))
		writeRefusal(w, http.StatusMethodNotAllowed, "method_not_allowed", "this route takes "+strings.Join(f.allow, ", "))
	}
}
