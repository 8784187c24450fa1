package config

import (
	"fmt"
	"slices"
	"strings"

	"durward/schema/jsonpointer"
)

// routeDraft is a route in the making.
type routeDraft struct {
	Route
	at, pathAt, inboundAt string // pointers of the operation, its path and its list of policies
}

// Modules are the modules that McpProxyHandler and the policies inside the host are exported from.
func Modules() []string {
	return []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", "@durward/runtime"}
}

// methodsOf are the operations of a path item (OpenAPI 3.1 section 4.8.9) that mean an HTTP method.
func methodsOf() []string {
	return []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
}

// mcpMethods are the operations that an MCP endpoint can have. Those a path does not have are served by post.
func mcpMethods() []string { return []string{"post", "get", "delete"} }

// readRoutes reads what routes.oas.json says. Only sound routes have an Upstream.
func (b *build) readRoutes(drafts []*policyDraft) (routes []*routeDraft) {
	s := b.routes
	if s.root == nil {
		return nil
	}
	b.checkExtensions("", s.root)
	paths, exact := s.root.find("/paths")
	if !exact {
		return nil
	}
	ids := map[string]string{}    // operationId -> its pointer
	shapes := map[string]string{} // shape of a path -> the path
	for _, m := range paths.members {
		pathAt := jsonpointer.Join("/paths", m.name)
		b.checkPath(m.name, pathAt, shapes)
		b.checkExtensions(pathAt, m.value, "x-zuplo-path")
		if m.value.byName["$ref"] != nil {
			s.nameProblem(jsonpointer.Join(pathAt, "$ref"), "a path cannot refer to another: write it out")
		}
		routes = append(routes, b.readPath(m, pathAt, drafts, ids)...)
	}
	return routes
}

// readPath reads the operations of a path.
func (b *build) readPath(path member, pathAt string, drafts []*policyDraft, ids map[string]string) (routes []*routeDraft) {
	for _, m := range path.value.members {
		opAt := jsonpointer.Join(pathAt, m.name)
		method := strings.ToLower(m.name)
		switch {
		case !slices.Contains(methodsOf(), method):
			continue
		case method != m.name:
			b.routes.nameProblem(opAt, "unknown property %q: write %q", m.name, method)
			continue
		case !slices.Contains(mcpMethods(), method):
			b.routes.nameProblem(opAt, "McpProxyHandler serves no %s: an MCP endpoint has post, get and delete", method)
			continue
		}
		b.checkExtensions(opAt, m.value, "x-zuplo-route")
		r := b.readOperation(path.name, opAt, drafts, ids)
		r.pathAt = pathAt
		r.Methods = []string{strings.ToUpper(method)}
		if method == "post" {
			r.Methods = nil
			for _, other := range mcpMethods() {
				if other == "post" || path.value.byName[other] == nil {
					r.Methods = append(r.Methods, strings.ToUpper(other))
				}
			}
		}
		// A fault above the operation, such as a path that is none, keeps its insides from being checked.
		if b.routes.sound(opAt) && r.Upstream != nil {
			if err := r.hash(); err != nil {
				b.routes.problem(opAt, "cannot be passed on")
			}
		}
		routes = append(routes, r)
	}
	if path.value.kind == '{' && path.value.byName["post"] == nil {
		b.routes.problem(pathAt, `missing property "post": an MCP endpoint is called with POST`)
	}
	return routes
}

// readOperation reads one operation.
func (b *build) readOperation(path, opAt string, drafts []*policyDraft, ids map[string]string) *routeDraft {
	s := b.routes
	operation := find(s.value, opAt)
	r := &routeDraft{at: opAt, inboundAt: opAt + "/x-zuplo-route/policies/inbound"}
	r.ID, r.Title, r.Path = text(operation, "operationId"), text(operation, "summary"), path
	if r.ID != "" {
		if first, twice := ids[r.ID]; twice {
			s.problem(opAt+"/operationId", "another operation has this operationId, on line %d", s.line(first))
		} else {
			ids[r.ID] = opAt + "/operationId"
		}
	}
	route := get(operation, "x-zuplo-route")
	handlerAt := opAt + "/x-zuplo-route/handler"
	if module, ok := get(route, "handler", "module").(string); ok && !imports(module, Modules()) {
		s.problem(handlerAt+"/module", "%s", modules(Modules()))
	}
	r.ForwardSearch = true
	if forward, ok := get(route, "handler", "options", "forwardSearch").(bool); ok {
		r.ForwardSearch = forward
	}
	if pattern, ok := get(route, "handler", "options", "rewritePattern").(string); ok {
		if at := handlerAt + "/options/rewritePattern"; s.sound(at) {
			upstream, fault := parseUpstream(pattern)
			if fault != "" {
				s.problem(at, "%s", fault)
			}
			r.Upstream, r.UpstreamWritten = upstream, s.written(at)
		}
	}
	r.Inbound = b.readInbound(r, get(route, "policies", "inbound"), drafts)
	return r
}

// readInbound reads the names of a route's policies.
func (b *build) readInbound(r *routeDraft, list any, drafts []*policyDraft) (names []string) {
	items, _ := list.([]any)
	for i, item := range items {
		name, ok := item.(string)
		if !ok {
			continue
		}
		names = append(names, name)
		known, all := b.policyNames(drafts)
		if all && !slices.Contains(known, name) {
			b.routes.problem(at(r.inboundAt, i), "there is no policy of this name in %s; known are: %s", PoliciesFile, listed(known))
		}
	}
	return names
}

// policyNames answers the names of the policies, and whether that is all of them: where a name has a problem of its own,
// nobody can say which policies there are.
func (b *build) policyNames(drafts []*policyDraft) (names []string, all bool) {
	list, all := get(b.policies.value, "policies").([]any)
	for i := range list {
		all = all && drafts[i].Name != "" && b.policies.sound(drafts[i].at+"/name")
		names = append(names, drafts[i].Name)
	}
	return names, all
}

// checkExtensions refuses x-zuplo- properties that would mean nothing, at a place where these do.
func (b *build) checkExtensions(pointer string, n *node, known ...string) {
	for _, m := range n.members {
		if strings.HasPrefix(m.name, "x-zuplo-") && !slices.Contains(known, m.name) {
			hint := ""
			if len(known) > 0 {
				hint = fmt.Sprintf("; known here: %s", strings.Join(known, ", "))
			}
			b.routes.nameProblem(jsonpointer.Join(pointer, m.name), "unknown property %q%s", m.name, hint)
		}
	}
}
