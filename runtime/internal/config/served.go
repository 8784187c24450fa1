package config

import (
	"fmt"
	"slices"
	"strings"

	"durward/policies"
	"durward/schema/jsonpointer"
)

// served is what the policies serve themselves: on each path one of them, before any route.
type served struct {
	*build
	routes []*routeDraft
	paths  map[string]servedPath
	order  []string // the paths, in the order of the policies
}

// servedPath is a path with the policy that serves it.
type servedPath struct {
	policies.Path
	by *policyDraft
}

// newServed gathers the paths that policies serve, and refuses those that another serves already.
func (b *build) newServed(drafts []*policyDraft, routes []*routeDraft) *served {
	s := &served{build: b, routes: routes, paths: map[string]servedPath{}}
	for _, d := range drafts {
		s.add(d)
	}
	return s
}

// clash is what two policies would both serve.
type clash struct {
	other servedPath
	own   policies.Path
	more  int
}

// add takes a policy's paths. Those that another serves already it refuses in one line for each remedy, since policies of
// one type share a dozen: an option moves some of them, others come with a route.
func (s *served) add(d *policyDraft) {
	var clashes []clash
	for _, p := range d.Report.Paths {
		if p.Admin {
			continue
		}
		other, taken := s.paths[p.Path]
		switch {
		case !taken:
			s.paths[p.Path] = servedPath{p, d}
			s.order = append(s.order, p.Path)
		case other.by != d:
			same := func(c clash) bool {
				return c.other.by == other.by && c.own.Option == p.Option && c.other.Option == other.Option
			}
			if i := slices.IndexFunc(clashes, same); i >= 0 {
				clashes[i].more++
			} else {
				clashes = append(clashes, clash{other: other, own: p})
			}
		}
	}
	for _, c := range clashes {
		s.refuse(d, c)
	}
}

// refuse says who would serve what, and what to do about it, at the place where it is to be done.
func (s *served) refuse(d *policyDraft, c clash) {
	other := c.other.by
	what := fmt.Sprintf("policies %q and %q would both serve path %q", other.Name, d.Name, s.all.Replace(c.own.Path))
	if c.more > 0 {
		what += fmt.Sprintf(" and %d more", c.more)
	}
	if c.own.Option == "" && c.other.Option == "" {
		s.refuseTogether(d, c, what)
		return
	}
	where, remedy := d.at+"/name", ""
	switch {
	case c.own.Option == "":
		remedy = fmt.Sprintf("write %s in the options of policy %q, with another NAME", s.option(c.other.Path), other.Name)
	case c.other.Option == "":
		remedy = fmt.Sprintf("write %s in the options of policy %q, with another NAME", s.option(c.own), d.Name)
	default:
		remedy = fmt.Sprintf("write %s in the options of one of them, with a NAME that the other does not have", s.option(c.own))
	}
	switch {
	case c.own.Option != "" && exists(d.options, c.own.Option):
		where = d.optionsAt() + c.own.Option
	case c.other.Option != "" && exists(other.options, c.other.Option):
		where = other.optionsAt() + c.other.Option
	}
	s.policies.problem(where, "%s: %s", what, remedy)
}

// refuseTogether refuses what no option mends: policies that can never be together or, if the path ends in that of a
// route which names both, that cannot be on one route.
func (s *served) refuseTogether(d *policyDraft, c clash, what string) {
	for _, r := range s.routes {
		i := slices.Index(r.Inbound, d.Name)
		if i >= 0 && slices.Contains(r.Inbound, c.other.by.Name) && strings.HasSuffix(c.own.Path, r.Path) {
			r.source.problem(at(r.inboundAt, i), "%s: route %q can have one of them", what, r.ID)
			return
		}
	}
	s.policies.problem(d.at+"/name", "%s", what)
}

// option is an option that moves a path, as people write it: "gateway": {"basePath": "/NAME"}.
func (s *served) option(p policies.Path) string {
	names := jsonpointer.Split(p.Option)
	for i, name := range names {
		names[i] = fmt.Sprintf("%q: ", name)
	}
	return s.all.Replace(strings.Join(names, "{")) + `"/NAME"` + strings.Repeat("}", len(names)-1)
}

// checkRoute refuses a route whose path a policy serves, and notes a pattern that matches such paths: no request for
// them comes to the route.
func (s *served) checkRoute(r *routeDraft) {
	if p, taken := s.paths[r.Path]; taken {
		r.source.nameProblem(r.pathAt, "policy %q serves path %q itself: the route must have another", p.by.Name, r.Path)
		return
	}
	if r.Pattern == nil || literal(r.Pattern) {
		return
	}
	matched := map[*policyDraft]int{}
	var first []servedPath
	for _, path := range s.order {
		p := s.paths[path]
		if !r.Pattern.Match(path) {
			continue
		}
		if matched[p.by] == 0 {
			first = append(first, p)
		}
		matched[p.by]++
	}
	for _, p := range first {
		more := ""
		if n := matched[p.by]; n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		r.source.note(r.pathAt, "matches path %q%s, which policy %q serves itself: requests for it do not come to this route",
			s.all.Replace(p.Path.Path), more, p.by.Name)
	}
}
