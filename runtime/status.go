package runtime

import (
	"encoding/hex"
	"net/http"
	"slices"
	"time"

	"durward/policies"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/telemetry"
)

// Status is what runs.
type Status struct {
	// Started is when the host began to serve.
	Started time.Time `json:"started"`
	// Number and Since are the current generation's.
	Number     uint64    `json:"number"`
	Since      time.Time `json:"since"`
	LastReload Reload    `json:"lastReload"`
	// Watch says how changes of files come to be seen: by "events", or by "polling" where the system does not tell of
	// them; the log says why.
	Watch    string         `json:"watch"`
	Policies []PolicyStatus `json:"policies"`
	Routes   []RouteStatus  `json:"routes"`
	// Draining is what earlier generations have left.
	Draining Draining `json:"draining"`
	// Ended counts the answers that the host ended before their time, by reason: "drained", "revoked", "expired".
	Ended map[string]uint64 `json:"ended"`
}

// Draining is what is left of earlier generations.
type Draining struct {
	// Policies are processes that still owe a decision or an answer, Open the answers on routes that have changed.
	Policies int   `json:"policies"`
	Open     int64 `json:"open"`
}

// PolicyStatus is one policy of the current generation.
type PolicyStatus struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Hash changes when the process is started anew because of the configuration, and with any option of a policy that
	// has none.
	Hash string `json:"hash"`
	// State is that of the process, or InHost: then there is no process, and nothing more to say of one.
	PID      int       `json:"pid,omitempty"`
	State    string    `json:"state"`
	Since    time.Time `json:"since,omitzero"`
	Restarts int       `json:"restarts"`
	// Memory is what the process and its children have resident, in bytes; 0 if it cannot be told.
	Memory uint64 `json:"memoryBytes,omitempty"`
	// Decisions counts where the policy's decisions came from.
	Decisions map[string]uint64 `json:"decisions"`
}

// InHost is the state of a policy that runs inside the host.
const InHost = "in host"

// RouteStatus is one route of the current generation.
type RouteStatus struct {
	ID       string   `json:"id"`
	Path     string   `json:"path"`
	Policies []string `json:"policies"`
	// Open is how many answers are being written.
	Open int64 `json:"open"`
	// Streams is how many of them are event streams.
	Streams int64 `json:"streams"`
}

// Status answers what runs now. Before the host is ready, and after it has ended, that is nothing.
func (h *Host) Status() Status {
	acquired := h.current.Acquire()
	if acquired == nil {
		return Status{}
	}
	defer acquired.Release()
	g := acquired.Value
	s := Status{
		Started: h.started, Number: g.number, Since: g.since, LastReload: *h.last.Load(), Watch: string(h.watcher.Mode()),
		Draining: h.left(), Ended: h.ended.counts(),
	}
	decisions := h.decisions.Stats()
	counts := func(policy string) map[string]uint64 {
		if counted, asked := decisions[policy]; asked {
			return counted
		}
		return map[string]uint64{}
	}
	for i := range g.config.Policies {
		p := &g.config.Policies[i]
		if p.Middleware != nil {
			s.Policies = append(s.Policies, PolicyStatus{
				Name: p.Name, Type: p.Type, Hash: hex.EncodeToString(p.Hash[:8]), State: InHost, Decisions: map[string]uint64{},
			})
			continue
		}
		part := g.policies[p.Name]
		now := part.Value.Status()
		s.Policies = append(s.Policies, PolicyStatus{
			Name: p.Name, Type: p.Type, Hash: hex.EncodeToString(part.Value.key.hash[:8]),
			PID: now.PID, State: string(now.State), Since: now.Since, Restarts: now.Restarts, Memory: now.Memory,
			Decisions: counts(p.Name),
		})
	}
	for i := range g.config.Routes {
		r := &g.config.Routes[i]
		open, streams := g.chains[i].lane.Value.count()
		s.Routes = append(s.Routes, RouteStatus{
			ID: r.ID, Path: r.Path, Policies: r.Inbound, Open: open, Streams: streams,
		})
	}
	return s
}

// adminPath answers the handler of a policy's admin paths, or nil.
func (h *Host) adminPath(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		acquired := h.current.Acquire()
		if acquired == nil {
			unavailable(w, "the gateway is shutting down")
			return
		}
		r, _ = telemetry.Identify(w, r.Clone(r.Context())) // what an operator does is found by it in the audit
		r.Header.Del("Authorization")                      // it is the host's own, and not for a policy to see
		part, ok := acquired.Value.adminPath(name, r.URL.EscapedPath())
		acquired.Release()
		if !ok {
			writeError(w, http.StatusNotFound, "not_found", "the policy serves nothing at this path")
			return
		}
		h.servePath(w, r, part, origin.Caller{Origin: "http://" + r.Host})
	})
}

// adminPath holds the policy that serves the admin path, for the caller.
func (g *running) adminPath(name, path string) (*policyPart, bool) {
	for i := range g.config.Policies {
		p := &g.config.Policies[i]
		if p.Name != name {
			continue
		}
		if slices.Contains(p.Report.Paths, policies.Path{Path: path, Admin: true}) {
			return g.policies[name], g.policies[name].Hold()
		}
	}
	return nil, false
}
