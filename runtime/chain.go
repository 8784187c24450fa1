package runtime

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"durward/policies"
	"durward/runtime/internal/config"
	"durward/runtime/internal/cors"
	"durward/runtime/internal/decision"
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
	lane    *lanePart
	key     laneKey
	meter   *telemetry.Meter
	next    http.Handler

	releaseTransport func()
}

// guard is one policy of a chain: what its decisions on this route depend on, and whom to ask.
type guard struct {
	policy string
	route  string
	place  int // in the route's list
	vary   policies.Vary
	// methods and names are those of vary.
	methods, names map[string]struct{}
	part           *policyPart
	base           decision.Key
}

func newGuard(p *config.Policy, r *config.Route, part *policyPart, place int) guard {
	vary := p.Report.Vary[r.ID]
	return guard{
		policy: p.Name, route: r.ID, place: place, vary: vary, part: part,
		methods: setOf(vary.Methods), names: setOf(vary.Names),
		base: decision.NewKey().Bytes(p.DecisionHash[:]).Bytes(r.Hash[:]).String(part.Value.key.executable).Sum(),
	}
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

// decide answers the policy's decision on a request: the one that is remembered, or a new one. If it allows, hold joins
// those who are told when it is taken back; nil is nobody.
func (g *guard) decide(l *lease, hold *decision.Hold) policies.Decision {
	h, r := l.chain.host, l.request
	log := telemetry.RequestFrom(r.Context())
	query := decision.Query{
		Policy: g.policy, Key: g.key(r, l.caller, l.message), Client: l.caller.Address, Anonymous: !g.varies(r),
		Wait: l.chain.bounds.policyWait,
	}
	d, source, remembered := h.decisions.Lookup(query, hold)
	if !remembered {
		request := g.request(r, l.caller, l.message)
		began := h.options.Now()
		d, source = h.decisions.Decide(r.Context(), query, hold, func(ctx context.Context) (policies.Decision, error) {
			return h.evaluate(ctx, g, policies.Call{Time: h.options.Now(), RequestID: log.ID}, request)
		})
		h.metrics.Decided(g.policy, source.String(), h.options.Now().Sub(began))
	}
	log.Decision = source.String()
	if p := d.Principal; p != nil {
		log.Subject, log.ClientID = p.Subject, p.Client
	}
	return d
}

// varies tells whether the request brings any of the headers that the policy decides by.
func (g *guard) varies(r *http.Request) bool {
	return slices.ContainsFunc(g.vary.Headers, func(name string) bool { return len(r.Header[name]) > 0 })
}

// evaluate asks the policy. A call may outlast the request that caused it, and with it the lease, because others wait
// for the same answer: so it takes a lease of its own. If the process has been replaced meanwhile by one that decides
// the same (another secret), that one is asked.
func (h *Host) evaluate(
	ctx context.Context, g *guard, call policies.Call, request policies.Request,
) (policies.Decision, error) {
	part := g.part
	if !part.Hold() {
		if part = h.successor(g); part == nil {
			return policies.Decision{}, errors.New("the policy has been replaced")
		}
	}
	defer part.Release()
	return part.Value.Evaluate(ctx, call, request)
}

// successor holds the process that now decides on the same route by the same things, for the caller; nil if there is none.
func (h *Host) successor(g *guard) *policyPart {
	acquired := h.current.Acquire()
	if acquired == nil {
		return nil
	}
	defer acquired.Release()
	c := acquired.Value.named[g.route] // the key of another route is another
	if c == nil {
		return nil
	}
	for i := range c.guards {
		if now := &c.guards[i]; now.policy == g.policy && now.base == g.base {
			now.part.Hold()
			return now.part
		}
	}
	return nil
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

// request holds what the policy said its decisions depend on, and nothing else.
func (g *guard) request(r *http.Request, caller origin.Caller, message mcp.Message) policies.Request {
	request := policies.Request{Route: g.route}
	if len(g.vary.Headers) > 0 {
		request.Header = make(http.Header, len(g.vary.Headers))
		for _, name := range g.vary.Headers {
			if values, has := r.Header[name]; has {
				request.Header[name] = values
			}
		}
	}
	if g.vary.Origin {
		request.Origin = caller.Origin
	}
	if g.vary.ClientAddress {
		request.ClientAddress = caller.Address
	}
	request.Method, request.Name = g.listed(message)
	return request
}

// listed answers the method and the name of a message where the policy decides by them one by one. All others are one
// to it: so are the names of other methods than those that it lists.
func (g *guard) listed(message mcp.Message) (method, name string) {
	if _, ok := g.methods[message.Method]; ok {
		method = message.Method
	}
	if _, ok := g.names[message.Name]; ok && (method != "" || len(g.methods) == 0) {
		name = message.Name
	}
	return method, name
}

// byMessage says that decisions of the policy depend on the message.
func (g *guard) byMessage() bool { return len(g.methods)+len(g.names) > 0 }

// setOf is what the hot path looks names up in: there may be a thousand. It is nil if there are none.
func setOf(names []string) map[string]struct{} {
	if len(names) == 0 {
		return nil
	}
	set := make(map[string]struct{}, len(names))
	for _, name := range names {
		set[name] = struct{}{}
	}
	return set
}

// key is the decision's place in the cache: everything that request would say, and what the policy and the route are.
// It is made from the same inputs without making the request, since the usual one needs no more than the key.
func (g *guard) key(r *http.Request, caller origin.Caller, message mcp.Message) decision.Key {
	k := decision.NewKey().Bytes(g.base[:])
	for _, name := range g.vary.Headers {
		k = k.Values(r.Header[name])
	}
	if g.vary.Origin {
		k = k.String(caller.Origin)
	}
	if g.vary.ClientAddress {
		k = k.String(caller.Address)
	}
	method, name := g.listed(message)
	return k.String(method).String(name).Sum()
}

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
