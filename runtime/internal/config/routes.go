package config

import (
	"fmt"
	"slices"
	"strings"

	"durward/runtime/internal/document"
	"durward/runtime/internal/route"
	"durward/schema/jsonpointer"
	"durward/schema/suggest"
)

// routeDraft is a route in the making.
type routeDraft struct {
	Route
	source                *source
	at, pathAt, inboundAt string // pointers of the operation, its path and its list of policies
	meant                 bool   // it says what it means: it has an x-zuplo-route
}

// Modules are the modules that McpProxyHandler and the policies inside the host are exported from.
func Modules() []string {
	return []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", "@durward/runtime"}
}

// proxyHandler is the export of the one handler there is.
const proxyHandler = "McpProxyHandler"

// methodsOf are the operations of a path item (OpenAPI 3.1 section 4.8.9) that mean an HTTP method.
func methodsOf() []string {
	return []string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}
}

// mcpMethods are the operations that an MCP endpoint can have. Those a path does not have are served by post.
func mcpMethods() []string { return []string{"post", "get", "delete"} }

// routesReader reads the routes of all files.
type routesReader struct {
	*build
	drafts []*policyDraft
	// byName are the drafts, names their names, all of which are known if allNamed.
	byName   map[string]*policyDraft
	names    []string
	allNamed bool

	cors   *corsReader
	paths  route.Table[pathPlace]
	shapes map[string]pathPlace // by the shape of a path, without its last slash
	ids    map[string]*routeDraft
}

// readRoutes reads what the files with routes say. Only sound routes have an Upstream.
func (b *build) readRoutes(drafts []*policyDraft) (routes []*routeDraft) {
	r := routesReader{build: b, drafts: drafts, cors: b.readCORS(), shapes: map[string]pathPlace{}, ids: map[string]*routeDraft{}}
	r.nameDrafts()
	for _, s := range b.routes {
		if s.doc != nil {
			routes = append(routes, r.readFile(s)...)
		}
	}
	r.cors.noteUse()
	return routes
}

// readFile reads the paths of a file.
func (b *routesReader) readFile(s *source) (routes []*routeDraft) {
	s.checkExtensions("", s.doc.Root())
	for path, item := range s.doc.Root().Member("paths").Members() {
		if s.full() {
			return routes
		}
		pathAt := jsonpointer.Join("/paths", path)
		pattern := b.readPattern(s, path, pathAt)
		s.checkExtensions(pathAt, item, "x-zuplo-path")
		if item.Member("$ref").Kind() != document.None {
			s.nameProblem(jsonpointer.Join(pathAt, "$ref"), "a path cannot refer to another: write it out")
		}
		routes = append(routes, b.readPath(s, path, item, pathAt, pattern)...)
	}
	return routes
}

// readPath reads the operations of a path.
func (b *routesReader) readPath(
	s *source, path string, item document.Value, pathAt string, pattern *route.Pattern,
) (routes []*routeDraft) {
	var others []string // what is no method, a misspelt one perhaps
	for method, operation := range item.Members() {
		opAt := jsonpointer.Join(pathAt, method)
		switch {
		case !slices.Contains(methodsOf(), method):
			others = append(others, method)
			continue
		case !slices.Contains(mcpMethods(), method):
			s.nameProblem(opAt, "McpProxyHandler serves no %s: an MCP endpoint has post, get and delete", method)
			continue
		}
		s.checkExtensions(opAt, operation, "x-zuplo-route")
		r := b.readOperation(s, path, opAt)
		r.pathAt = pathAt
		if pattern != nil {
			r.Path, r.Pattern = pattern.String(), pattern
		}
		r.Methods = []string{strings.ToUpper(method)}
		if method == "post" {
			r.Methods = nil
			for _, other := range mcpMethods() {
				if other == "post" || item.Member(other).Kind() == document.None {
					r.Methods = append(r.Methods, strings.ToUpper(other))
				}
			}
		}
		// A fault above the operation, such as a path that is none, keeps its insides from being checked.
		if s.sound(opAt) && r.Upstream != nil && r.Pattern != nil && r.CORS.Policy != nil {
			if err := r.hash(); err != nil {
				s.problem(opAt, "cannot be passed on")
			}
		}
		routes = append(routes, r)
	}
	_, misspelt := suggest.Nearest("post", others)
	refers := item.Member("$ref").Kind() != document.None // which has a problem already
	if item.Kind() == document.Object && item.Member("post").Kind() == document.None && !misspelt && !refers {
		s.problem(pathAt, `missing property "post": an MCP endpoint is called with POST`)
	}
	return routes
}

// readOperation reads one operation.
func (b *routesReader) readOperation(s *source, path, opAt string) *routeDraft {
	operation := find(s.value, opAt)
	r := &routeDraft{source: s, at: opAt, inboundAt: opAt + "/x-zuplo-route/policies/inbound"}
	outboundAt := opAt + "/x-zuplo-route/policies/outbound"
	r.ID, r.Title, r.Path = text(operation, "operationId"), text(operation, "summary"), path
	if r.ID != "" {
		if first, twice := b.ids[r.ID]; twice {
			s.problem(opAt+"/operationId", "another operation has this operationId, %s",
				s.where(first.source, first.at+"/operationId"))
		} else {
			b.ids[r.ID] = r
		}
	}
	meaning := get(operation, "x-zuplo-route")
	_, r.meant = meaning.(map[string]any)
	handlerAt := opAt + "/x-zuplo-route/handler"
	if export, ok := get(meaning, "handler", "export").(string); ok && export != proxyHandler {
		s.problem(handlerAt+"/export", "%s", otherHandler(export))
	}
	if module, ok := get(meaning, "handler", "module").(string); ok && !imports(module, Modules()) {
		s.problem(handlerAt+"/module", "%s", otherModule(module, Modules()))
	}
	r.ForwardSearch = true
	if forward, ok := get(meaning, "handler", "options", "forwardSearch").(bool); ok {
		r.ForwardSearch = forward
	}
	if pattern, ok := get(meaning, "handler", "options", "rewritePattern").(string); ok {
		if at := handlerAt + "/options/rewritePattern"; s.sound(at) {
			upstream, fault := parseUpstream(pattern)
			if fault != "" {
				s.problem(at, "%s", fault)
			}
			r.Upstream, r.UpstreamWritten = upstream, s.written(at)
		}
	}
	corsPolicy := noCORS
	if name, ok := get(meaning, "corsPolicy").(string); ok {
		corsPolicy = name
	}
	policy, fault := b.cors.find(corsPolicy)
	if fault != "" {
		s.problem(opAt+"/x-zuplo-route/corsPolicy", "%s", fault)
	}
	r.CORS = policy
	r.Inbound = b.readNames(s, r.inboundAt, get(meaning, "policies", "inbound"), false)
	r.Outbound = b.readNames(s, outboundAt, get(meaning, "policies", "outbound"), true)
	r.Scopes = readScopes(get(meaning, "scopes"))
	return r
}

// readNames reads the names of a route's policies on one of its ways.
func (b *routesReader) readNames(s *source, listAt string, list any, outbound bool) (names []string) {
	items, _ := list.([]any)
	for i, item := range items {
		name, ok := item.(string)
		if !ok {
			continue
		}
		if s.full() {
			return names
		}
		names = append(names, name)
		d := b.byName[name]
		switch {
		case d == nil && b.allNamed:
			s.problem(at(listAt, i), "there is no policy of this name in %s%s", PoliciesFile, instead(name, b.names))
		case d == nil || d.kind == nil || d.kind.Outbound == outbound:
		case outbound:
			s.problem(at(listAt, i), "policy %q is of type %s, which looks at requests: list it under inbound", name, d.Type)
		default:
			s.problem(at(listAt, i), "policy %q is of type %s, which changes answers: list it under outbound", name, d.Type)
		}
	}
	return names
}

// nameDrafts notes the policies by name, and whether all names are known: where one has a problem of its own, nobody can say
// which policies there are.
func (b *routesReader) nameDrafts() {
	b.byName = make(map[string]*policyDraft, len(b.drafts))
	_, listed := get(b.policies.value, "policies").([]any)
	b.allNamed = listed && !b.policies.doubted
	for _, d := range b.drafts {
		b.allNamed = b.allNamed && d.Name != "" && b.policies.sound(d.at+"/name")
		b.names = append(b.names, d.Name)
		if b.byName[d.Name] == nil {
			b.byName[d.Name] = d
		}
	}
}

// checkExtensions refuses x-zuplo- properties that would mean nothing, at a place where these do, and misspelt ones.
func (s *source) checkExtensions(pointer string, v document.Value, known ...string) {
	for name := range v.Members() {
		meant, near := suggest.Nearest(name, known)
		switch {
		case !strings.HasPrefix(name, "x-"), slices.Contains(known, name):
		case near:
			s.nameProblem(jsonpointer.Join(pointer, name), "unknown property %q: did you mean %q?", name, meant)
		case strings.HasPrefix(name, "x-zuplo-"):
			hint := ""
			if len(known) > 0 {
				hint = fmt.Sprintf("; known here: %s", strings.Join(known, ", "))
			}
			s.nameProblem(jsonpointer.Join(pointer, name), "unknown property %q%s", name, hint)
		}
	}
}
