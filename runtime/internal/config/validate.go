package config

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"durward/policies"
	"durward/runtime/internal/middleware"
	"durward/runtime/internal/route"
)

// validate asks every policy's type about its options, and makes the hashes. Of routes only sound ones are told.
func (b *build) validate(drafts []*policyDraft, routes []*routeDraft, origins []string) {
	secret := blots{}
	for _, d := range drafts {
		if d.kind == nil || d.kind.Compile == nil { // what runs inside the host shows its options to no other
			maps.Copy(secret, d.secretValues())
		}
	}
	all := b.withVariables(secret)
	b.all, b.secrets = all.replacer(), secret.replacer()
	using := soundRoutes(routes)
	for _, d := range drafts {
		if d.kind == nil || d.options == nil || !b.policies.sound(d.at) {
			continue
		}
		b.validateOne(d, using[d.Name], origins)
	}
}

// soundRoutes are the routes by the policies that requests on them must pass, in their order, without those that have
// problems.
func soundRoutes(routes []*routeDraft) map[string][]*routeDraft {
	using := make(map[string][]*routeDraft)
	for _, r := range routes {
		if !r.source.sound(r.at) {
			continue
		}
		for i, name := range r.Inbound {
			if !slices.Contains(r.Inbound[:i], name) {
				using[name] = append(using[name], r)
			}
		}
	}
	return using
}

func (b *build) validateOne(d *policyDraft, routes []*routeDraft, origins []string) {
	options, err := canonical(d.options)
	if err != nil {
		b.policies.problem(d.optionsAt(), "cannot be passed on")
		return
	}
	d.Options = options
	d.written = b.policies.writtenWithin(d.optionsAt())
	if d.kind.Compile != nil {
		b.compile(d)
		return
	}
	d.Input = policies.Input{Name: d.Name, Options: options, Origins: origins}
	for _, r := range routes {
		d.Input.Routes = append(d.Input.Routes, policies.Route{ID: r.ID, Path: r.Path, Title: r.Title, Scopes: r.Scopes})
	}
	d.Redact = d.secretValues().replacer().Replace
	if d.kind.Validate != nil {
		d.Report = redacted(d.kind.Validate(copied(d.Input)), b.all, b.secrets)
	}
	b.readFiles(d)
	if err := d.hash(d.options, d.secrets); err != nil {
		b.policies.problem(d.optionsAt(), "cannot be passed on")
		return
	}
	for _, p := range d.Report.Problems {
		if r := routeOf(p, routes); r == nil {
			b.policies.problem(d.within(p.Pointer), "%s", p.Text)
		} else if at := r.within(p.Pointer); at == r.pathAt {
			r.source.nameProblem(at, "%s", p.Text)
		} else {
			r.source.problem(at, "%s", p.Text)
		}
	}
	d.Report.Problems = nil
	for _, p := range d.Report.Notes {
		if r := routeOf(p, routes); r == nil {
			b.policies.note(d.within(p.Pointer), "%s", p.Text)
		} else if at := r.within(p.Pointer); at == r.pathAt {
			r.source.nameNote(at, "%s", p.Text)
		} else {
			r.source.note(at, "%s", p.Text)
		}
	}
}

// within is the pointer, in the file, of a policy's pointer into what the route says of the gateway. That of none, or of one
// that leads nowhere, is the route's path.
func (r *routeDraft) within(pointer string) string {
	at := r.at + "/x-zuplo-route" + pointer
	if pointer == "" || !exists(r.source.value, at) {
		return r.pathAt
	}
	return at
}

// routeOf is the route that must be mended, of those that a policy was told of, or nil.
func routeOf(p policies.Problem, routes []*routeDraft) *routeDraft {
	i := slices.IndexFunc(routes, func(r *routeDraft) bool { return p.Route != "" && p.Route == r.ID })
	if i < 0 {
		return nil
	}
	return routes[i]
}

// compile makes a policy that runs inside the host.
func (b *build) compile(d *policyDraft) {
	in := middleware.Input{Options: d.Options, FromEnv: map[string][]middleware.Span{}}
	for pointer, used := range b.policies.fromEnv {
		within, ok := strings.CutPrefix(pointer, d.optionsAt()+"/")
		if !ok {
			continue
		}
		for _, r := range used {
			in.FromEnv["/"+within] = append(in.FromEnv["/"+within], middleware.Span{From: r.At, To: r.At + len(r.Value)})
		}
	}
	if err := d.hashInHost(in); err != nil {
		b.policies.problem(d.optionsAt(), "cannot be passed on")
		return
	}
	policy, problems := d.kind.Compile(in)
	for _, p := range problems {
		b.policies.problem(d.within(p.Pointer), "%s", p.Text)
	}
	d.Middleware = policy
}

// secretValues are the values of the secret options.
func (d *policyDraft) secretValues() blots {
	values := blots{}
	for _, pointer := range d.secrets {
		values.secret(find(d.options, pointer))
	}
	return values
}

// within is the pointer, in the file, of a type's pointer. One that leads nowhere may hold anything, so it is cut back to
// what is there.
func (d *policyDraft) within(pointer string) string {
	for !strings.HasPrefix(pointer, "/") || !exists(d.options, pointer) {
		outer, ok := parent(pointer)
		if !ok {
			return d.optionsAt()
		}
		pointer = outer
	}
	return d.optionsAt() + pointer
}

// copied keeps a type from changing what others will read.
func copied(in policies.Input) policies.Input {
	in.Options = bytes.Clone(in.Options)
	in.Routes = slices.Clone(in.Routes)
	for i := range in.Routes {
		in.Routes[i].Scopes = in.Routes[i].Scopes.Clone()
	}
	in.Origins = slices.Clone(in.Origins)
	return in
}

// checkPaths refuses paths that two would answer, and routes with variables whose callers are authenticated: a token is
// for one URL.
func (b *build) checkPaths(drafts []*policyDraft, routes []*routeDraft, public []string) {
	served := b.newServed(drafts, routes)
	open := b.newOpenness(drafts)
	named := make(map[string]*policyDraft, len(drafts))
	for _, d := range slices.Backward(drafts) { // of two of one name, which is a problem, the first
		named[d.Name] = d
	}
	for _, r := range routes {
		served.checkRoute(r)
		b.checkPrincipals(r, named)
		b.checkScopes(r, named)
		if guard, _ := open.guard(r); guard != "" && r.Pattern != nil && !literal(r.Pattern) {
			r.source.nameProblem(r.pathAt, "must be a path without variables, since policy %q authenticates its callers: a token is "+
				"for one URL", guard)
		}
	}
	open.checkPublic(routes, public)
}

func literal(p *route.Pattern) bool {
	_, ok := p.Literal()
	return ok
}

// checkPrincipals refuses a policy that names the principal where nobody has yet said who is calling. Of a policy that
// has problems of its own nobody knows what it says.
func (b *build) checkPrincipals(r *routeDraft, named map[string]*policyDraft) {
	for i, name := range r.Inbound {
		d := named[name]
		switch {
		case d == nil, d.kind == nil || d.Options == nil || !b.policies.sound(d.at), d.Report.Authenticates:
			return
		case d.Middleware != nil && d.Middleware.NamesPrincipal:
			r.source.problem(at(r.inboundAt, i), "policy %q names the principal, but no policy before it on this route "+
				"authenticates: put one that signs people in before it", name)
		}
	}
}

// noteUnused notes policies that no route names.
func (b *build) noteUnused(drafts []*policyDraft, routes []*routeDraft) {
	used := map[string]bool{}
	for _, r := range routes {
		for _, name := range slices.Concat(r.Inbound, r.Outbound) {
			used[name] = true
		}
	}
	for _, d := range drafts {
		if !used[d.Name] {
			b.policies.note(d.at+"/name", "policy %q is used by no route", d.Name)
		}
	}
}
