package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"durward/policies"
)

// Difference is how a configuration differs from the one before it.
type Difference struct {
	// Policies and Routes are those of the new configuration in their order, then those that only the old one has. Also
	// those that are the same are there.
	Policies []PolicyDifference
	Routes   []RouteDifference
	// Gateway is what differs in gateway.json. What cannot change while the gateway runs is not compared: flags and
	// variables have their say there.
	Gateway []Reason
	// Reordered names what is the same in another order: "policies", "routes".
	Reordered []string
}

// PolicyDifference is a policy of either configuration.
type PolicyDifference struct {
	// Old and New are nil where there is none of this name.
	Old, New *Policy
	// Reasons are there if both are, and their hashes differ.
	Reasons []Reason
}

// RouteDifference is a route of either configuration.
type RouteDifference struct {
	// Old and New are nil where there is none of this ID.
	Old, New *Route
	// Reasons are there if both are, and their hashes differ.
	Reasons []Reason
}

// Compare tells in what a configuration differs from the old one.
func Compare(old, next *Config) Difference {
	hide := hiding(old, next)
	var d Difference
	for _, p := range paired(old.Policies, next.Policies, func(p *Policy) string { return p.Name }) {
		pair := PolicyDifference{Old: p.old, New: p.next}
		if p.old != nil && p.next != nil && p.old.Hash != p.next.Hash {
			pair.Reasons = policyReasons(p.old, p.next, hide)
		}
		d.Policies = append(d.Policies, pair)
	}
	for _, p := range paired(old.Routes, next.Routes, func(r *Route) string { return r.ID }) {
		pair := RouteDifference{Old: p.old, New: p.next}
		if p.old != nil && p.next != nil && p.old.Hash != p.next.Hash {
			pair.Reasons = routeReasons(p.old, p.next, hide)
		}
		d.Routes = append(d.Routes, pair)
	}
	d.Gateway = gatewayReasons(old.Gateway, next.Gateway)
	if reordered(old.Policies, next.Policies, func(p Policy) string { return p.Name }) {
		d.Reordered = append(d.Reordered, "policies")
	}
	if reordered(old.Routes, next.Routes, func(r Route) string { return r.ID }) {
		d.Reordered = append(d.Reordered, "routes")
	}
	return d
}

type pair[T any] struct{ old, next *T }

// paired answers what has the same name in both lists, in the order of next, then what only the old one has.
func paired[T any](old, next []T, name func(*T) string) (pairs []pair[T]) {
	left := make(map[string]*T, len(old))
	for i := range old {
		left[name(&old[i])] = &old[i]
	}
	for i := range next {
		pairs = append(pairs, pair[T]{left[name(&next[i])], &next[i]})
		delete(left, name(&next[i]))
	}
	for i := range old {
		if left[name(&old[i])] != nil {
			pairs = append(pairs, pair[T]{&old[i], nil})
		}
	}
	return pairs
}

// reordered tells whether what both lists have stands in another order.
func reordered[T any](old, next []T, name func(T) string) bool {
	return !slices.Equal(common(old, next, name), common(next, old, name))
}

// common answers the names of a that b has, too, in the order of a.
func common[T any](a, b []T, name func(T) string) (names []string) {
	there := make(map[string]bool, len(b))
	for _, item := range b {
		there[name(item)] = true
	}
	for _, item := range a {
		if there[name(item)] {
			names = append(names, name(item))
		}
	}
	return names
}

// redaction is what must not be printed of either configuration: a value that is no secret in one place may be one in
// another.
type redaction struct {
	secrets *strings.Replacer
	// all takes out, too, what came from variables.
	all *strings.Replacer
}

func hiding(configs ...*Config) redaction {
	secrets, all := blots{}, blots{}
	for _, c := range configs {
		maps.Copy(secrets, c.secrets)
		maps.Copy(all, c.all)
	}
	return redaction{secrets.replacer(), all.replacer()}
}

func policyReasons(old, next *Policy, hide redaction) (reasons []Reason) {
	if old.Type != next.Type {
		reasons = append(reasons, told("type", "", old.Type, next.Type))
	}
	options := optionsDiff{old: old, next: next, hide: hide.secrets.Replace}
	options.compare()
	reasons = append(reasons, options.reasons...)
	if old.Middleware == nil && next.Middleware == nil { // others are told neither routes nor origins
		reasons = append(reasons, fileReasons(old.Files, next.Files, hide)...)
		reasons = append(reasons, inputReasons(old.Input, next.Input, hide)...)
	}
	if len(reasons) == 0 {
		reasons = []Reason{{What: "options"}} // the same text, of which another part comes from a variable
	}
	return reasons
}

// fileReasons tells which of the files that a policy reads have come, gone, or hold something else. Their paths are
// options, so that one may come from a variable.
func fileReasons(old, next []File, hide redaction) (reasons []Reason) {
	for _, p := range paired(old, next, func(f *File) string { return f.Path }) {
		switch {
		case p.old == nil:
			reasons = append(reasons, told("file", "", nil, hide.all.Replace(p.next.Path)))
		case p.next == nil:
			reasons = append(reasons, told("file", "", hide.all.Replace(p.old.Path), nil))
		case p.old.Content != p.next.Content:
			reasons = append(reasons, Reason{What: "file", Where: hide.all.Replace(p.next.Path)})
		}
	}
	return reasons
}

// inputReasons tells what differs in the routes that a policy guards, as it sees them, and in the public origins.
func inputReasons(old, next policies.Input, hide redaction) (reasons []Reason) {
	for _, p := range paired(old.Routes, next.Routes, func(r *policies.Route) string { return r.ID }) {
		switch {
		case p.old == nil:
			reasons = append(reasons, told("route", p.next.ID, nil, p.next.Path))
		case p.next == nil:
			reasons = append(reasons, told("route", p.old.ID, p.old.Path, nil))
		case p.old.Path != p.next.Path:
			reasons = append(reasons, told("route", p.old.ID, p.old.Path, p.next.Path))
		case p.old.Title != p.next.Title:
			reasons = append(reasons, told("title of route", p.old.ID, hide.title(p.old.Title), hide.title(p.next.Title)))
		case !reflect.DeepEqual(p.old.Scopes, p.next.Scopes):
			reasons = append(reasons, told("scopes of route", p.old.ID, hide.scopes(p.old.Scopes), hide.scopes(p.next.Scopes)))
		}
	}
	if reordered(old.Routes, next.Routes, func(r policies.Route) string { return r.ID }) {
		reasons = append(reasons, Reason{What: "order of its routes"})
	}
	if !slices.Equal(old.Origins, next.Origins) {
		reasons = append(reasons, told("publicUrl", "", list(old.Origins), list(next.Origins)))
	}
	return reasons
}

func routeReasons(old, next *Route, hide redaction) (reasons []Reason) {
	add := func(what string, was, is any) {
		if !reflect.DeepEqual(was, is) {
			reasons = append(reasons, told(what, "", was, is))
		}
	}
	add("path", old.Path, next.Path)
	if old.Title != next.Title {
		reasons = append(reasons, told("title", "", hide.title(old.Title), hide.title(next.Title)))
	}
	add("methods", old.Methods, next.Methods)
	if old.Upstream.String() != next.Upstream.String() {
		r := told("upstream", "", hide.secrets.Replace(old.UpstreamWritten),
			hide.secrets.Replace(next.UpstreamWritten))
		if old.UpstreamWritten == next.UpstreamWritten {
			r.Hidden = HiddenVariable
		}
		reasons = append(reasons, r)
	}
	add("forwardSearch", old.ForwardSearch, next.ForwardSearch)
	reasons = append(reasons, corsReasons(old.CORS, next.CORS, hide)...)
	add("policies", list(old.Inbound), list(next.Inbound))
	add("outbound policies", list(old.Outbound), list(next.Outbound))
	add("scopes", hide.scopes(old.Scopes), hide.scopes(next.Scopes))
	if len(reasons) == 0 {
		reasons = []Reason{{What: "definition"}}
	}
	return reasons
}

// title is nil for one that is not there. Titles and the names of tools are the free texts of routes.oas.json that are told.
func (r redaction) title(text string) any {
	if text == "" {
		return nil
	}
	return r.secrets.Replace(text)
}

// scopes is nil where nothing is asked for.
func (r redaction) scopes(of policies.RouteScopes) any {
	if of.IsZero() {
		return nil
	}
	shown := of
	shown.Tools = make(map[string][]string, len(of.Tools))
	for tool, scopes := range of.Tools {
		shown.Tools[r.secrets.Replace(tool)] = scopes
	}
	return shown
}

func list(texts []string) any {
	if len(texts) == 0 {
		return nil
	}
	return texts
}
