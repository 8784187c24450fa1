package runtime

import (
	"encoding/json"
	"fmt"
	"strings"

	"durward/runtime/internal/config"
)

// Changes are what a configuration changes of what runs, in the same words before (Plan) and after (Reload).
type Changes struct {
	// Policies and Routes are those that do not stay as they are.
	Policies []PolicyChange `json:"policies,omitempty"`
	Routes   []RouteChange  `json:"routes,omitempty"`
	// Gateway is what differs in gateway.json.
	Gateway []Reason `json:"gateway,omitempty"`
	// Reordered names what is the same in another order: "policies", "routes".
	Reordered []string `json:"reordered,omitempty"`
	// KeptPolicies and KeptRoutes are the names of those that stay, with their processes and open answers.
	KeptPolicies []string `json:"keptPolicies,omitempty"`
	KeptRoutes   []string `json:"keptRoutes,omitempty"`
}

// What becomes of a policy or a route.
const (
	Added   = "added"
	Removed = "removed"
	// Restarted: the policy's process is started anew, and the old one ends when it has answered.
	Restarted = "restarted"
	// Changed, of a policy: it runs inside the host and does something else; of a route: what is open on it ends within
	// Options.Drain.
	Changed = "changed"
)

// PolicyChange is what becomes of one policy.
type PolicyChange struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Change is Added, Removed, Restarted or Changed.
	Change  string   `json:"change"`
	Reasons []Reason `json:"reasons,omitempty"`
	// Successor is an added policy of the same type as this removed one. If it is meant to be this one under another
	// name, it does not see what this one keeps in the store.
	Successor string `json:"successor,omitempty"`
	// Records is how many records a removed policy keeps in the store. Only a Plan counts them.
	Records int64 `json:"records,omitempty"`
}

// RouteChange is what becomes of one route.
type RouteChange struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	// Change is Added, Removed or Changed.
	Change  string   `json:"change"`
	Reasons []Reason `json:"reasons,omitempty"`
	// Open is how many answers are open on the route as it is, Streams how many of them are event streams. They end
	// within Options.Drain.
	Open    int64 `json:"open,omitempty"`
	Streams int64 `json:"streams,omitempty"`
}

// Reason is one thing that differs. It holds no secret, and of what comes from a variable only what the file says.
type Reason struct {
	// What names the kind of thing: "option", "route", "upstream", "executable".
	What string `json:"what"`
	// Where says which one: an option's JSON pointer, a file's path, a name.
	Where string `json:"where,omitempty"`
	// Was and Is are the values, if there was and is one.
	Was json.RawMessage `json:"was,omitempty"`
	Is  json.RawMessage `json:"is,omitempty"`
	// Hidden says why Was and Is are not the whole difference: "secret", "variable" or "long". Of two long lists Was is what
	// was removed and Is what was added; of anything else that is long how long it is.
	Hidden string `json:"hidden,omitempty"`
}

// String is one line: "option /ttl: 900 -> 600".
func (r Reason) String() string { return config.Reason(r).String() }

// None tells whether nothing changes.
func (c Changes) None() bool {
	return len(c.Policies)+len(c.Routes)+len(c.Gateway)+len(c.Reordered) == 0
}

// Bounds of what one line of the log says of changes.
const maxLines, maxReasons = 20, 4

// Lines are the changes, one a line, for the log.
func (c Changes) Lines() (lines []string) {
	line := func(subject string, reasons []Reason) {
		texts := make([]string, 0, maxReasons+1)
		for i, r := range reasons {
			if i == maxReasons {
				texts = append(texts, fmt.Sprintf("and %d more", len(reasons)-maxReasons))
				break
			}
			texts = append(texts, r.String())
		}
		if len(texts) > 0 {
			subject += ": " + strings.Join(texts, "; ")
		}
		lines = append(lines, subject)
	}
	for _, p := range c.Policies {
		line(fmt.Sprintf("policy %s %s", p.Name, p.Change), p.Reasons)
	}
	for _, r := range c.Routes {
		line(fmt.Sprintf("route %s %s", r.ID, r.Change), r.Reasons)
	}
	for _, r := range c.Gateway {
		line("gateway", []Reason{r})
	}
	for _, what := range c.Reordered {
		line(what+" in another order", nil)
	}
	if more := len(lines) - maxLines; more > 0 {
		lines = append(lines[:maxLines], fmt.Sprintf("and %d more", more))
	}
	return lines
}
