package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"durward/policies"
	"durward/runtime"
)

// explained prints an explanation for a person: what was asked and what comes of it first, then the way of the request from
// top to bottom.
type explained struct {
	runtime.Explanation
	out io.Writer
}

func (x explained) print() {
	if len(x.Problems) > 0 {
		p := newPrinter(x.out)
		p.problems("", x.Problems)
		p.total(plural(len(x.Problems), "problem", "problems"))
		return
	}
	x.line(0, "%s %s", x.Method, x.URL)
	switch {
	case x.Route != nil:
		x.line(0, "Route %s takes it, at %s", x.Route.ID, x.Route.At)
	case x.Policy != nil:
		x.line(0, "Policy %s answers: it serves this path itself, before any route", x.Policy.Name)
	case x.Answered:
		x.line(0, "The gateway answers %d: %s", x.Status, x.Reason)
	default:
		x.line(0, "Refused with %d: %s", x.Status, x.Reason)
	}
	for _, hint := range x.Hints {
		x.line(1, "- %s", hint)
	}
	if x.Page != nil && x.Page.Admitted {
		for _, name := range slices.Sorted(maps.Keys(x.Page.Header)) {
			x.line(1, "- pages are told %s: %s", name, strings.Join(x.Page.Header[name], ", "))
		}
	}
	if x.Policy != nil {
		fmt.Fprintln(x.out)
		x.policy("", *x.Policy)
	}
	if x.Route != nil {
		x.route(*x.Route)
	}
}

// line prints a line so many steps in. A terminal shows all of it as text.
func (x explained) line(steps int, format string, args ...any) {
	fmt.Fprintln(x.out, strings.Repeat("  ", steps)+printable(fmt.Sprintf(format, args...)))
}

func (x explained) route(r runtime.ExplainedRoute) {
	fmt.Fprintln(x.out)
	x.line(0, "Route")
	x.pairs(1, [][2]string{
		{"path", r.Path}, {"methods", strings.Join(r.Methods, ", ")}, {"title", r.Title}, {"corsPolicy", r.CORSPolicy},
	})
	x.scopes(r.Scopes)
	fmt.Fprintln(x.out)
	switch {
	case len(r.Inbound) == 0 && r.Public:
		x.line(0, "No policies: the route is open to everybody, as publicRoutes has it")
	case len(r.Inbound) == 0:
		x.line(0, "No policies")
	default:
		x.line(0, "Policies that it must pass, in this order")
	}
	x.policies(r.Inbound)
	fmt.Fprintln(x.out)
	query := "the query of the request goes there, too"
	if !r.ForwardSearch {
		query = "without the query of the request"
	}
	x.line(0, "MCP server")
	x.pairs(1, [][2]string{{"url", r.Upstream}, {"query", query}})
	if len(r.Outbound) > 0 {
		fmt.Fprintln(x.out)
		x.line(0, "Policies that change the answer, in this order")
		x.policies(r.Outbound)
	}
}

// scopes prints what callers must have been allowed.
func (x explained) scopes(s policies.RouteScopes) {
	if s.IsZero() {
		return
	}
	fmt.Fprintln(x.out)
	x.line(0, "Scopes that callers need")
	pairs := [][2]string{{"every request", strings.Join(s.Route, " ")}}
	for _, method := range slices.Sorted(maps.Keys(s.Methods)) {
		pairs = append(pairs, [2]string{"also for " + method, strings.Join(s.Methods[method], " ")})
	}
	for _, tool := range slices.Sorted(maps.Keys(s.Tools)) {
		pairs = append(pairs, [2]string{"also for tool " + tool, strings.Join(s.Tools[tool], " ")})
	}
	x.pairs(1, pairs)
}

func (x explained) policies(list []runtime.ExplainedPolicy) {
	for i, p := range list {
		x.policy(fmt.Sprintf("%d. ", i+1), p)
	}
}

// policy prints a policy after its place in a list.
func (x explained) policy(number string, p runtime.ExplainedPolicy) {
	x.line(1, "%s%s, at %s", number, p.Name, p.At)
	does := "runs as a process of its own"
	if p.InHost {
		does = "runs inside the gateway"
	}
	if p.Authenticates {
		does += ", says who is calling"
	}
	pairs := [][2]string{{"type", p.Type + ": " + does}}
	for _, fact := range p.Facts {
		pairs = append(pairs, [2]string{fact.Name, fact.Value})
	}
	x.pairs(2, pairs)
	var options bytes.Buffer
	if json.Indent(&options, p.Options, "", "  ") == nil {
		x.line(2, "options")
		for line := range strings.Lines(options.String()) {
			x.line(3, "%s", strings.TrimSuffix(line, "\n"))
		}
	}
}

// pairs prints names and values below each other, save those without a value.
func (x explained) pairs(steps int, pairs [][2]string) {
	column := 0
	for _, pair := range pairs {
		column = max(column, len(pair[0]))
	}
	for _, pair := range pairs {
		if pair[1] != "" {
			x.line(steps, "%-*s  %s", column, pair[0], pair[1])
		}
	}
}
