package runtime

import (
	"net/http"

	"durward/policies"
	"durward/runtime/internal/cors"
	"durward/runtime/internal/mcp"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/passage"
	"durward/runtime/internal/telemetry"
)

// chain is one route, compiled: the policies that decide, in their order, then those that run inside the host, in
// theirs, then the proxy. Serving it needs a lease on each policy that decides, until all is decided, and one on the lane,
// which the answer holds.
type chain struct {
	host    *Host
	id      string
	methods []string
	cors    *cors.Policy
	bounds  *bounds
	guards  []guard
	// messages says that somebody decides by the messages that are sent to the route's path, if only where it takes POST.
	messages bool
	lane     *lanePart
	key      laneKey
	meter    *telemetry.Meter
	next     http.Handler

	releaseTransport func()
}

// serve answers a request on the route. It gives back the lease.
func (c *chain) serve(w http.ResponseWriter, r *http.Request, caller origin.Caller, l *lease) {
	defer l.end()
	in, ok := c.read(w, r)
	if !ok {
		return
	}
	r = in.request
	l.request, l.caller, l.message = r, caller, in.message
	refusing, d := l.pass()
	l.releasePolicies() // before anything is written: a client that does not read keeps no process alive
	if refusing != nil {
		c.refuse(w, r, refusing, d, caller)
		return
	}
	if in.fault != nil {
		in.fault.write(w)
		return
	}
	l.attend()
	c.next.ServeHTTP(w, r.WithContext(passage.With(r.Context(), &l.way)))
}

// refuse answers a request that may not pass.
func (c *chain) refuse(w http.ResponseWriter, r *http.Request, g *guard, d policies.Decision, caller origin.Caller) {
	if d.Outcome == policies.Respond {
		response := *d.Response
		response.Header = response.Header.Clone() // the decision belongs to the cache
		ownCookies(response.Header, policies.CookiePrefix(g.policy, caller.Origin))
		hostsCORS(response.Header)
		writeResponse(w, &response)
		return
	}
	c.host.options.Logger.WarnContext(r.Context(), "no decision", telemetry.KeyRequest, telemetry.RequestFrom(r.Context()).ID,
		telemetry.KeyPolicy, g.policy, telemetry.KeyRoute, g.route, "reason", d.Reason)
	unavailable(w, "the gateway cannot decide on this request right now: try again shortly")
}

// refuser answers how a policy inside the host refuses a request that it cannot send on as it was told to. It is a fault
// of what is configured, or of what an identity provider says of a person: trying again does not mend it.
func (c *chain) refuser(policy string) middleware.Refuse {
	return func(w http.ResponseWriter, r *http.Request, reason string) {
		c.host.options.Logger.WarnContext(r.Context(), "request not sent on", telemetry.KeyRequest,
			telemetry.RequestFrom(r.Context()).ID, telemetry.KeyPolicy, policy, telemetry.KeyRoute, c.id, "reason", reason)
		boundWrite(w)
		mcp.WriteError(w, http.StatusInternalServerError, nil, mcp.CodeInternal,
			"the gateway cannot tell the upstream who is calling: whoever runs it finds the reason in its log")
	}
}
