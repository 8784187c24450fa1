package main

import (
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"durward/runtime"
)

// planText prints a plan for a person: nothing of what stays, one line for what changes, and below it why. Marks say
// what comes (+), goes (-) and changes (~), so that no colour is needed.
type planText struct {
	plan            runtime.Plan
	folder, gateway string
	out             strings.Builder
}

func (t planText) print(out io.Writer) error {
	switch c := t.plan.Changes; {
	case len(t.plan.Problems) > 0:
		t.problems("", t.plan.Problems)
	case c.None() && len(t.plan.Refused) == 0:
		t.line("%s: nothing would change: generation %d at %s is the same", t.folder, t.plan.Number, t.gateway)
	default:
		t.problems("note: ", t.plan.Notes)
		t.line("%s compared with generation %d at %s", t.folder, t.plan.Number, t.gateway)
		t.policies(c.Policies)
		t.routes(c.Routes)
		t.gatewayFile(c)
		t.refused()
		t.summary(c)
	}
	_, err := io.WriteString(out, t.out.String())
	return err
}

func (t *planText) line(format string, args ...any) {
	t.out.WriteString(printable(fmt.Sprintf(format, args...)) + "\n")
}

// problems prints what the files say at which place, as validate prints it.
func (t *planText) problems(kind string, problems []runtime.Problem) {
	for _, p := range problems {
		p.File, p.Text = path.Join(t.folder, p.File), kind+p.Text
		t.line("%s", p)
	}
}

func (t *planText) heading(text string) { t.out.WriteString("\n" + text + "\n") }

func (t *planText) reasons(reasons []runtime.Reason) {
	for _, r := range reasons {
		t.line("      %s", r)
	}
}

// mark says by one character what becomes of something.
func mark(change string) string {
	switch change {
	case runtime.Added:
		return "+"
	case runtime.Removed:
		return "-"
	default:
		return "~"
	}
}

func (t *planText) policies(changes []runtime.PolicyChange) {
	if len(changes) == 0 {
		return
	}
	t.heading("Policies")
	for _, p := range changes {
		t.line("  %s %s (%s) %s", mark(p.Change), p.Name, p.Type, p.Change)
		t.reasons(p.Reasons)
		if p.Change == runtime.Removed {
			t.line("      %s", left(p))
		}
	}
}

// left says what becomes of what a policy that goes keeps.
func left(p runtime.PolicyChange) string {
	records := plural(int(p.Records), "record", "records")
	switch {
	case p.Records == 0:
		return "it keeps nothing in the store"
	case p.Successor == "":
		return "what it keeps in the store stays there, unseen: " + records
	default:
		return fmt.Sprintf("what it keeps in the store stays there, unseen: if it is renamed, %s will miss %s", p.Successor, records)
	}
}

func (t *planText) routes(changes []runtime.RouteChange) {
	if len(changes) == 0 {
		return
	}
	t.heading("Routes")
	for _, r := range changes {
		t.line("  %s %s (%s) %s", mark(r.Change), r.ID, r.Path, r.Change)
		t.reasons(r.Reasons)
		if r.Open > 0 {
			drain := time.Duration(t.plan.DrainSeconds * float64(time.Second))
			t.line("      open now: %s, of which %s: each has %s to end", plural(int(r.Open), "answer", "answers"),
				plural(int(r.Streams), "stream", "streams"), drain)
		}
	}
}

func (t *planText) gatewayFile(c runtime.Changes) {
	if len(c.Gateway) > 0 {
		t.heading("Gateway")
		for _, r := range c.Gateway {
			t.line("  ~ %s", r)
		}
	}
	if len(c.Reordered) > 0 {
		t.heading("Order")
		for _, what := range c.Reordered {
			t.line("  ~ %s stand in another order", what)
		}
	}
}

func (t *planText) refused() {
	if len(t.plan.Refused) == 0 {
		return
	}
	t.heading("A reload would refuse all of it")
	for _, text := range t.plan.Refused {
		t.line("  ! %s", text)
	}
}

// summary ends the plan with what is most asked for.
func (t *planText) summary(c runtime.Changes) {
	counted := map[string]int{}
	for _, p := range c.Policies {
		counted[p.Change]++
	}
	changed := 0
	var streams int64
	for _, r := range c.Routes {
		if r.Change == runtime.Changed {
			changed++
		}
		streams += r.Streams
	}
	parts := []string{}
	add := func(n int, one, many, what string) {
		if n > 0 {
			parts = append(parts, plural(n, one, many)+" "+what)
		}
	}
	add(counted[runtime.Restarted], "policy", "policies", "restarted")
	add(len(c.KeptPolicies), "policy", "policies", "kept")
	add(changed, "route", "routes", "changed")
	add(len(c.KeptRoutes), "route", "routes", "kept")
	add(int(streams), "stream", "streams", "to end")
	if len(parts) > 0 {
		t.heading(strings.Join(parts, ", "))
	}
}
