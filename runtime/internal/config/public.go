package config

import (
	"slices"

	"durward/schema/suggest"
)

// openness is what the routes' being open to everybody is judged by.
type openness struct {
	*build
	// authenticates says of a policy by name whether it signs people in. One of which nobody can say is not in it.
	authenticates map[string]bool
}

func (b *build) newOpenness(drafts []*policyDraft) openness {
	o := openness{b, map[string]bool{}}
	for _, d := range drafts {
		if d.kind != nil && d.Options != nil && b.policies.sound(d.at) {
			o.authenticates[d.Name] = d.Report.Authenticates
		}
	}
	return o
}

// guard answers the first policy of a route that signs people in, and whether anybody can say that there is one or none.
func (o openness) guard(r *routeDraft) (name string, known bool) {
	known = r.meant && r.source.sound(r.at+"/x-zuplo-route/policies")
	for _, name := range r.Inbound {
		authenticates, judged := o.authenticates[name]
		if authenticates {
			return name, true
		}
		known = known && judged
	}
	return "", known
}

// checkPublic refuses routes that are open to everybody and are not listed as such, and what is listed and is not open: a
// policy that was forgotten, or a name that was misspelt, must not open a door.
func (o openness) checkPublic(routes []*routeDraft, public []string) {
	const list = "/publicRoutes"
	if !o.gateway.sound(list) || o.gateway.doc == nil && !o.gateway.missing {
		return
	}
	guards, listed := make(map[string]string, len(routes)), setOf(public)
	ids, all := o.routeIDs(routes)
	known, meant := setOf(ids), map[string]bool{}
	for _, id := range public {
		if route, ok := suggest.Nearest(id, ids); ok && !known[id] {
			meant[route] = true
		}
	}
	for _, r := range routes {
		guard, known := o.guard(r)
		if guard != "" {
			guards[r.ID] = guard
			continue
		}
		at := r.source.nearest(r.inboundAt)
		switch {
		case !known || r.ID == "":
		case all && meant[r.ID]: // the name on the list has a problem, which says so
		case listed[r.ID]:
			r.Public = true
			r.source.note(at, "route %q is open to everybody, as publicRoutes in %s has it", r.ID, GatewayFile)
		default:
			r.source.problem(at, "route %q is open to everybody, since none of its policies authenticates: list one that signs people "+
				"in, or name the route under publicRoutes in %s", r.ID, GatewayFile)
		}
	}
	for i, id := range public {
		switch {
		case guards[id] != "":
			o.gateway.problem(at(list, i), "route %q is not open to everybody, since policy %q authenticates its callers: take it out "+
				"of the list", id, guards[id])
		case all && !known[id]:
			o.gateway.problem(at(list, i), "there is no route with this operationId%s", instead(id, ids))
		}
	}
}

// routeIDs answers the operationIds, and whether that is all of them: where a file or a name has a problem of its own,
// nobody can say which routes there are.
func (o openness) routeIDs(routes []*routeDraft) (ids []string, all bool) {
	all = !slices.ContainsFunc(o.routes, func(s *source) bool { return s.doc == nil || s.doubted || s.full() })
	for _, r := range routes {
		all = all && r.ID != "" && r.source.sound(r.at+"/operationId")
		ids = append(ids, r.ID)
	}
	return ids, all
}

func setOf(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, name := range names {
		set[name] = true
	}
	return set
}
