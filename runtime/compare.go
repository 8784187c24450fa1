package runtime

import (
	"encoding/json"
	"fmt"
	"slices"

	"durward/runtime/internal/config"
	"durward/runtime/internal/pluginhost"
)

// compare tells what a configuration would change of what runs. It starts nothing. With refusals the configuration
// cannot be put to use while the host runs.
func (h *Host) compare(old *running, cfg *config.Config) (c Changes, refusals []string) {
	refusals = h.refusals(cfg)
	d := config.Compare(old.config, cfg)
	c.Gateway, c.Reordered = publicReasons(d.Gateway), d.Reordered
	executables := make(map[string]string)
	for _, p := range d.Policies {
		if p.New == nil {
			c.Policies = append(c.Policies, PolicyChange{Name: p.Old.Name, Type: p.Old.Type, Change: Removed})
			continue
		}
		change := PolicyChange{Name: p.New.Name, Type: p.New.Type, Reasons: publicReasons(p.Reasons)}
		switch {
		case p.New.Middleware == nil:
			key, _, err := h.processKey(p.New, cfg)
			if err != nil {
				refusals = append(refusals, err.Error())
			}
			executables[change.Name] = key.executable
			if running := old.policies[change.Name]; p.Old == nil {
				change.Change = Added
			} else if running == nil || running.Value.key != key || !running.Value.alive() {
				change.Change = Restarted
				change.Reasons = append(change.Reasons, processReasons(running, key, c.Gateway)...)
			}
		case p.Old == nil:
			change.Change = Added
		case len(change.Reasons) > 0:
			change.Change = Changed
		}
		if change.Change == "" {
			c.KeptPolicies = append(c.KeptPolicies, change.Name)
			continue
		}
		c.Policies = append(c.Policies, change)
	}
	c.nameSuccessors()
	h.compareRoutes(&c, old, cfg, d.Routes, executables)
	return c, refusals
}

// processReasons tells why a process is replaced besides what policies.json and routes.oas.json say of its policy.
func processReasons(part *policyPart, key processKey, gateway []Reason) (reasons []Reason) {
	if part == nil {
		return nil // it ran inside the host: its type is another
	}
	was := part.Value.key
	if was.executable != key.executable {
		reasons = append(reasons, Reason{What: "executable"})
	}
	for _, r := range gateway {
		if r.What == config.MemorySetting {
			reasons = append(reasons, r)
		}
	}
	if !part.Value.alive() {
		reasons = append(reasons, Reason{What: "state", Was: quoted(string(pluginhost.Down)), Is: quoted(string(pluginhost.Running))})
	}
	return reasons
}

// nameSuccessors pairs each policy that goes with one of its type that comes.
func (c *Changes) nameSuccessors() {
	var taken []string
	for i := range c.Policies {
		gone := &c.Policies[i]
		if gone.Change != Removed {
			continue
		}
		for _, p := range c.Policies {
			if p.Change == Added && p.Type == gone.Type && !slices.Contains(taken, p.Name) {
				gone.Successor = p.Name
				taken = append(taken, p.Name)
				break
			}
		}
	}
}

// compareRoutes adds what becomes of the routes. executables are those of the policies by name.
func (h *Host) compareRoutes(
	c *Changes, old *running, cfg *config.Config, routes []config.RouteDifference, executables map[string]string,
) {
	was, is := policiesByName(old.config), policiesByName(cfg)
	for _, r := range routes {
		if r.Old == nil {
			c.Routes = append(c.Routes, RouteChange{ID: r.New.ID, Path: r.New.Path, Change: Added})
			continue
		}
		chain := old.named[r.Old.ID]
		change := RouteChange{ID: r.Old.ID, Path: r.Old.Path}
		change.Open, change.Streams = chain.lane.Value.count()
		if r.New == nil {
			change.Change = Removed
			c.Routes = append(c.Routes, change)
			continue
		}
		if keyOfLane(r.New, is, executables) == chain.key {
			c.KeptRoutes = append(c.KeptRoutes, r.New.ID)
			continue
		}
		change.Path, change.Change = r.New.Path, Changed
		change.Reasons = publicReasons(r.Reasons)
		for _, name := range slices.Concat(r.New.Inbound, r.New.Outbound) {
			if slices.Contains(slices.Concat(r.Old.Inbound, r.Old.Outbound), name) && h.decidesAnew(old, was[name], is[name], executables[name]) {
				change.Reasons = append(change.Reasons, Reason{What: "policy", Where: name})
			}
		}
		c.Routes = append(c.Routes, change)
	}
}

// decidesAnew tells whether what a policy does with requests may be another thing.
func (h *Host) decidesAnew(g *running, old, next *config.Policy, executable string) bool {
	if old.Middleware != nil || next.Middleware != nil {
		return old.Hash != next.Hash
	}
	return old.DecisionHash != next.DecisionHash || g.policies[old.Name].Value.key.executable != executable
}

// refusals are what of a configuration cannot be put to use while the host runs.
func (h *Host) refusals(cfg *config.Config) (refusals []string) {
	refusals = h.settings.fixed(h.options.settings(cfg))
	if len(refusals) == 0 {
		if err := h.settings.check(cfg); err != nil {
			refusals = append(refusals, err.Error())
		}
	}
	return refusals
}

func policiesByName(cfg *config.Config) map[string]*config.Policy {
	named := make(map[string]*config.Policy, len(cfg.Policies))
	for i := range cfg.Policies {
		named[cfg.Policies[i].Name] = &cfg.Policies[i]
	}
	return named
}

func publicReasons(reasons []config.Reason) []Reason {
	public := make([]Reason, len(reasons))
	for i, r := range reasons {
		public[i] = Reason(r)
	}
	return public
}

func quoted(text string) json.RawMessage { return fmt.Appendf(nil, "%q", text) }
