// Package cors answers the question which pages may call an MCP route, and the browser's questions about it (D1, D7, Q39).
//
// It owns the policies: Open, under which any page may call, never with credentials, and named ones, which let in the pages
// of the origins that they list. It promises that a named policy lets nobody in whose Origin it does not list, save pages
// of the gateway's own origin; that "null", which any page can make itself, is on no list; that it answers with the one
// origin that asked and says so to caches (Vary), and that it never lets every page send credentials.
//
// It is not for callers without an Origin, which are no pages: who they are is for policies to find out. Which origins may
// call at all on a loopback listener is package origin's question, asked before this one.
package cors

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxHeaders bounds what is reflected of Access-Control-Request-Headers, in bytes.
const maxHeaders = 1024

// exposed are the headers that pages may always read: by them MCP clients find where to sign in, and their session (D7).
const exposed = "WWW-Authenticate, Mcp-Session-Id, MCP-Protocol-Version, X-Request-Id, Retry-After"

// defaultMaxAge is how long a browser may keep the answer to a preflight, in seconds.
const defaultMaxAge = 600

// Policy says which pages may call. Make it with Open or New; nobody changes it.
type Policy struct {
	// open: a page of any origin may call, null included.
	open bool
	// any: a page of any origin that has a name.
	any     bool
	origins []origin
	// methods and headers are what preflights allow. nil: the route's methods; what the page asks for.
	methods, headers    []string
	expose, maxAge      string
	credentials, listed bool // listed: the answer depends on the Origin
}

// Open is the policy of routes that name none: pages of every origin may call, never with credentials.
//
// That is safe because a route takes no cookie: who calls is told by a header that a page cannot send without knowing its
// content.
func Open() *Policy {
	return &Policy{open: true, expose: exposed, maxAge: strconv.Itoa(defaultMaxAge)}
}

// Admit judges the Origin of a request to a route, and sets what every answer to it is to carry. own is the gateway's own
// origin as the client calls it, or "" if it is not known for sure. If the page may not call, admitted is false: then no
// header lets it read the answer.
func (p *Policy) Admit(h http.Header, r *http.Request, own string) (admitted bool) {
	if p.listed {
		h.Add("Vary", "Origin")
	}
	values, present := r.Header["Origin"]
	if p.open {
		if r.Header.Get("Origin") != "" {
			p.allow(h, r, "*")
		}
		return true
	}
	if !present {
		return true
	}
	if len(values) != 1 {
		return false
	}
	from, ok := parse(values[0])
	switch {
	case !ok:
		return false
	case own != "" && values[0] == own:
		// A page of our own needs no leave, and gets none.
		return true
	case p.any:
		p.allow(h, r, "*")
		return true
	case slices.ContainsFunc(p.origins, func(o origin) bool { return o.matches(from) }):
		p.allow(h, r, values[0])
		return true
	}
	return false
}

func (p *Policy) allow(h http.Header, r *http.Request, from string) {
	h.Set("Access-Control-Allow-Origin", from)
	if p.credentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	if r.Method != http.MethodOptions {
		h.Set("Access-Control-Expose-Headers", p.expose)
	}
}

// Preflight answers an OPTIONS request that Admit has let in. methods are those of the route that it asks about, and all
// those of the path.
func (p *Policy) Preflight(w http.ResponseWriter, r *http.Request, methods, all []string) {
	h := w.Header()
	if r.Header.Get("Origin") == "" {
		h.Set("Allow", strings.Join(all, ", ")+", OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if h.Get("Access-Control-Allow-Origin") == "" { // a page of our own, which asks for nothing that it does not have
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("Access-Control-Allow-Methods", strings.Join(p.allowedMethods(methods), ", "))
	h.Set("Access-Control-Max-Age", p.maxAge)
	if p.headers != nil {
		h.Set("Access-Control-Allow-Headers", strings.Join(p.headers, ", "))
	} else {
		if asked := reflected(r); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
		}
		h.Add("Vary", "Access-Control-Request-Headers")
	}
	w.WriteHeader(http.StatusNoContent)
}

// allowedMethods are those of the route that the policy allows.
func (p *Policy) allowedMethods(methods []string) []string {
	if p.methods == nil {
		return methods
	}
	return slices.DeleteFunc(slices.Clone(methods), func(m string) bool { return !slices.Contains(p.methods, m) })
}

// reflected answers the names of headers that a preflight asks for, or "" if they are none, or too many.
func reflected(r *http.Request) string {
	asked := strings.Join(r.Header.Values("Access-Control-Request-Headers"), ",")
	if len(asked) > maxHeaders || strings.IndexFunc(asked, func(c rune) bool { return c != ',' && c != ' ' && notInToken(c) }) >= 0 {
		return ""
	}
	return asked
}
