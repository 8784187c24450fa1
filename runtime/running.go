package runtime

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"durward/runtime/internal/config"
	"durward/runtime/internal/generation"
	"durward/runtime/internal/passage"
	"durward/runtime/internal/pluginhost"
	"durward/runtime/internal/proxy"
	"durward/runtime/internal/telemetry"
)

// running is one generation: an immutable configuration and everything it runs on.
type running struct {
	number uint64
	since  time.Time
	config *config.Config
	bounds bounds
	*directory
	// policies are held by name, save those that run inside the host.
	policies map[string]*policyPart
	// chains are in the order of config.Routes; named are the same by the IDs of the routes.
	chains []*chain
	named  map[string]*chain
}

// policyPart is a policy's process, shared by the generations in which nothing it depends on differs.
type policyPart = generation.Part[*policyProcess]

type policyProcess struct {
	*pluginhost.Policy
	key processKey
	// instance tells this process's public answers from those of any other.
	instance string
	meter    *telemetry.Meter
}

// processKey is what a policy's process depends on: if one of these changes, it is started anew (G5).
type processKey struct {
	name       string
	hash       [sha256.Size]byte // type, options with secrets, routes that use it, public origins
	executable string
	memory     int64 // its bound, in bytes
}

// build makes a generation of a configuration, beside the one that runs: what is the same is shared, what is new is
// started. If anything fails, everything new is undone and the problem says what failed.
func (h *Host) build(ctx context.Context, cfg *config.Config, number uint64) (_ *generation.Part[*running], err error) {
	g := &running{
		number:    number,
		since:     h.options.Now(),
		config:    cfg,
		bounds:    h.options.bounds(cfg),
		policies:  make(map[string]*policyPart),
		directory: newDirectory(cfg, h.loopback),
		named:     make(map[string]*chain, len(cfg.Routes)),
	}
	var undo generation.Undo
	defer func() {
		if err != nil {
			undo.Run()
		}
	}()
	if err := h.startPolicies(ctx, g, &undo); err != nil {
		return nil, err
	}
	byName := policiesByName(cfg)
	for i := range cfg.Routes {
		c := h.chain(g, &cfg.Routes[i], byName)
		undo.Add(c.release)
		g.chains, g.named[c.id] = append(g.chains, c), c
	}
	g.findMessages()
	undo.Keep()
	return generation.NewPart(g, (*running).release), nil
}

// release gives back what the generation held, when the last request has let it go.
func (g *running) release() {
	for _, p := range g.policies {
		p.Release()
	}
	for _, c := range g.chains {
		c.release()
	}
}

// startPolicies holds or starts every policy of g, the new ones side by side.
func (h *Host) startPolicies(ctx context.Context, g *running, undo *generation.Undo) error {
	type started struct {
		name string
		part *policyPart
		err  error
	}
	results := make(chan started)
	pending := 0
	wait := func() error {
		var failed []error
		for range pending {
			s := <-results
			if s.err != nil {
				failed = append(failed, fmt.Errorf("policy %q: %w", s.name, s.err))
				continue
			}
			undo.Add(s.part.Release)
			g.policies[s.name] = s.part
		}
		return errors.Join(failed...)
	}
	for i := range g.config.Policies {
		p := &g.config.Policies[i]
		if p.Middleware != nil {
			continue
		}
		key, exe, err := h.processKey(p, g.config)
		if err != nil {
			return errors.Join(err, wait())
		}
		if part := h.processes.Hold(key, (*policyProcess).alive); part != nil {
			undo.Add(part.Release)
			g.policies[p.Name] = part
			continue
		}
		pending++
		go func() {
			meter := h.metrics.Policy(p.Name)
			process, err := h.plugins.Start(ctx, pluginhost.Spec{
				Name: p.Name, Type: p.Type, Executable: exe, Input: p.Input, Report: p.Report,
				Store: countedStore{h.store.Policy(p.Name), meter}, Audit: h.audit(p.Name, p.Redact), Redact: p.Redact,
				Memory: key.memory,
			})
			if err != nil {
				results <- started{name: p.Name, err: err}
				return
			}
			results <- started{name: p.Name, part: h.processes.Add(key, &policyProcess{
				Policy: process, key: key, instance: rand.Text(), meter: meter,
			}, h.stopPolicy)}
		}()
	}
	return wait()
}

// processKey answers what the process of a policy would be made of now, and what to start.
func (h *Host) processKey(p *config.Policy, cfg *config.Config) (processKey, pluginhost.Executable, error) {
	exe, err := h.executables[p.Type]()
	if err != nil {
		return processKey{}, exe, fmt.Errorf("policy %q: %w", p.Name, err)
	}
	return processKey{p.Name, p.Hash, exe.ID(), cfg.Gateway.PolicyMemory}, exe, nil
}

// alive tells whether a process may serve another generation: one that is down for good is replaced.
func (p *policyProcess) alive() bool { return p.Status().State != pluginhost.Down }

// stopPolicy ends a process whose last lease was given back, and forgets what only it could answer.
func (h *Host) stopPolicy(p *policyProcess) {
	h.answers.Forget(p.instance)
	h.stopping.Go(func() {
		p.Stop(context.Background())
		h.draining.processes.remove(p)
	})
}

// chain compiles a route to one handler. byName answers the policies by name.
func (h *Host) chain(g *running, r *config.Route, byName map[string]*config.Policy) *chain {
	c := &chain{host: h, id: r.ID, methods: slices.Sorted(slices.Values(r.Methods)), cors: r.CORS.Policy, bounds: &g.bounds, meter: h.metrics.Route(r.ID)}
	executables := make(map[string]string)
	for place, name := range r.Inbound {
		if p := byName[name]; p.Middleware == nil {
			part := g.policies[name]
			c.guards = append(c.guards, newGuard(p, r, part, place))
			executables[name] = part.Value.key.executable
		}
	}
	c.key = keyOfLane(r, byName, executables)
	c.lane = h.lanes.Hold(c.key, func(*lane) bool { return true })
	if c.lane == nil {
		c.lane = h.lanes.Add(c.key, new(lane), h.forgetLane)
	}
	transport, release := h.transports.Acquire(r.Upstream, g.bounds.connect)
	c.releaseTransport = release
	var answer passage.Changes
	for place, name := range r.Outbound {
		byName[name].Middleware.Answer(place, &answer)
	}
	c.next = proxy.New(proxy.Options{
		Upstream:      r.Upstream,
		ForwardSearch: r.ForwardSearch,
		Answer:        answer.List(),
		Transport:     transport,
		Logger:        h.options.Logger.With(telemetry.KeyRoute, r.ID),
		RequestID:     func(ctx context.Context) string { return telemetry.RequestFrom(ctx).ID },
		OnBroken:      func(error) { c.meter.Broken() },
		Streams:       &c.lane.Value.streams,
		MaxBody:       g.bounds.requestBytes,
		BodyWait:      g.bounds.requestBody,
		AnswerWait:    g.bounds.answer,
		Places:        &h.places,
		MaxStreams:    g.bounds.streams,
		OnFull:        c.meter.Full,
		Now:           h.options.Now,
		Listeners:     &h.listeners,
	})
	for place, name := range slices.Backward(r.Inbound) { // the first in the list is the outermost
		if p := byName[name]; p.Middleware != nil {
			c.next = p.Middleware.Wrap(place, c.refuser(name))(c.next)
		}
	}
	return c
}

// keyOfLane answers the key of a route, of whose policies those in processes have these executables.
func keyOfLane(r *config.Route, policies map[string]*config.Policy, executables map[string]string) (key laneKey) {
	sum := sha256.New()
	sum.Write(r.Hash[:])
	for _, name := range slices.Concat(r.Inbound, r.Outbound) {
		p := policies[name]
		if p.Middleware != nil {
			sum.Write(p.Hash[:])
			continue
		}
		sum.Write(p.DecisionHash[:])
		sum.Write([]byte(executables[name]))
	}
	sum.Sum(key[:0])
	return key
}

// forgetLane ends a lane that nobody holds any more.
func (h *Host) forgetLane(l *lane) {
	l.forget()
	h.draining.lanes.remove(l)
}

// release gives back what the generation holds of the chain.
func (c *chain) release() {
	c.releaseTransport()
	c.lane.Release()
}

// retire ends, after the drain time, what is open on routes that the current generation no longer has.
func (h *Host) retire(old, current *running) {
	kept := make(map[laneKey]bool, len(current.chains))
	for _, c := range current.chains {
		kept[c.key] = true
	}
	for name, part := range old.policies {
		if current.policies[name] != part {
			h.draining.processes.add(part.Value)
		}
	}
	for _, part := range current.policies { // a change that was taken back: one that was left may serve again
		h.draining.processes.remove(part.Value)
	}
	for _, c := range old.chains {
		if !kept[c.key] {
			h.draining.lanes.add(c.lane.Value)
			h.lanes.Forget(c.key, c.lane)
			c.lane.Value.endAfter(current.bounds.drain)
		}
	}
}
