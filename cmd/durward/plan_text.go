package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"durward/runtime"
)

// planText prints a plan for a person: nothing of what stays, one line for what changes, and below it why. Marks say
// what comes (+), goes (-) and changes (~), so that no colour is needed.
type planText struct {
	plan            runtime.Plan
	folder, gateway string
	// here is what was found in the same files without asking the gateway: it has excerpts of them, which are not sent.
	here runtime.Validation
	// below prints them, where there is a terminal.
	below printer
	out   strings.Builder
}

func (t planText) print(out io.Writer) error {
	t.below = newPrinter(out)
	t.below.out = &t.out
	switch c := t.plan.Changes; {
	case len(t.plan.Problems) > 0:
		t.problems("", t.plan.Problems)
	case c.None() && len(t.plan.Refused) == 0:
		t.line("%s: nothing would change (generation %d at %s)", t.folder, t.plan.Number, t.gateway)
	default:
		t.problems("note: ", t.plan.Notes)
		if len(t.plan.Notes) > 0 {
			t.line("")
		}
		t.line("%s compared with generation %d at %s", t.folder, t.plan.Number, t.gateway)
		t.policies(c.Policies)
		t.routes(c.Routes)
		t.gatewayFile(c)
		t.summary(c)
		t.refused()
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
		t.below.excerpt(p.Line, t.excerpt(p))
	}
}

// excerpt is the place of a problem, if something was found there without asking the gateway, too.
func (t *planText) excerpt(p runtime.Problem) runtime.Excerpt {
	for _, found := range slices.Concat(t.here.Problems, t.here.Notes) {
		if found.File == p.File && found.Line == p.Line && found.Column == p.Column {
			return found.Excerpt
		}
	}
	return runtime.Excerpt{}
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
	if p.Records == 0 {
		return "kept in the store: nothing"
	}
	text := "kept in the store, and not seen from then on: " + plural(int(p.Records), "record", "records")
	if p.Successor != "" {
		text += fmt.Sprintf(" (a loss, if it is only renamed to %s)", p.Successor)
	}
	return text
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
			t.line("      open now: %s (%s), with %s to end", plural(int(r.Open), "answer", "answers"),
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

// summary counts what becomes of everything.
func (t *planText) summary(c runtime.Changes) {
	policies, routes := map[string]int{"kept": len(c.KeptPolicies)}, map[string]int{"kept": len(c.KeptRoutes)}
	for _, p := range c.Policies {
		policies[p.Change]++
	}
	var streams int64
	for _, r := range c.Routes {
		routes[r.Change]++
		streams += r.Streams
	}
	text := tally("Policies", policies) + tally("Routes", routes)
	if streams > 0 {
		text += fmt.Sprintf("Streams: %d to end. ", streams)
	}
	t.heading(strings.TrimSpace(text))
}

// tally is one sentence, or nothing.
func tally(what string, counted map[string]int) string {
	var parts []string
	for _, change := range []string{runtime.Added, runtime.Removed, runtime.Restarted, runtime.Changed, "kept"} {
		if n := counted[change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, change))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return what + ": " + strings.Join(parts, ", ") + ". "
}
