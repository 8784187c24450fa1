package runtime

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"durward/policies"
	"durward/runtime/internal/config"
	"durward/runtime/internal/decision"
	"durward/runtime/internal/mcp"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/telemetry"
)

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
