package runtime

import (
	"net/http"
	"slices"
	"strings"

	"durward/runtime/internal/config"
	"durward/runtime/internal/origin"
	"durward/runtime/internal/route"
)

// directory says who answers a request, as far as the configuration alone decides it: a generation that runs and Explain
// find by the same.
type directory struct {
	origins *origin.Rules
	paths   map[string]string // the policies that serve a path themselves, by name
	routes  route.Table[int]  // by their place in the configuration
}

// newDirectory makes the directory of a configuration. loopback says that this machine alone reaches the listener.
func newDirectory(cfg *config.Config, loopback bool) *directory {
	d := &directory{
		origins: origin.New(cfg.Gateway.PublicURLs, cfg.Gateway.TrustedProxies, loopback),
		paths:   make(map[string]string),
	}
	for i := range cfg.Policies {
		p := &cfg.Policies[i]
		for _, path := range p.Report.Paths {
			if !path.Admin {
				d.paths[path.Path] = p.Name
			}
		}
	}
	for i := range cfg.Routes {
		d.routes.Add(cfg.Routes[i].Pattern, cfg.Routes[i].Methods, i)
	}
	return d
}

// butForTheSlash names the path of a route that a request missed by the slash at its end: clients are set up by hand, and
// some write the URL of a server with one more or less (Q36). It answers "" if there is none.
func (d *directory) butForTheSlash(r *http.Request) string {
	asked := r.URL.EscapedPath()
	path, how := asked+"/", "with a slash at the end"
	if bare, ok := strings.CutSuffix(asked, "/"); ok {
		path, how = bare, "without the slash at the end"
	}
	if _, allow, _ := d.routes.Match(r.Method, path); allow == nil {
		return ""
	}
	return ": there is " + path + ", " + how
}

// found is who answers a request.
type found struct {
	caller origin.Caller
	// refusal is why nobody does: the caller is not served at all.
	refusal *origin.Refusal
	// policy serves the path itself, if it is not "".
	policy string
	// route is the place of the route that takes the request, if routed, else of the one that speaks for its path: that a
	// preflight asks about, or that takes POST.
	route  int
	routed bool
	// allow are the methods that the path has, if it is a route's.
	allow []string
}

// find finds who answers.
func (d *directory) find(r *http.Request) (f found) {
	if f.caller, f.refusal = d.origins.Caller(r); f.refusal != nil {
		return f
	}
	path := r.URL.EscapedPath()
	if f.policy = d.paths[path]; f.policy != "" {
		return f
	}
	if f.route, f.allow, f.routed = d.routes.Match(r.Method, path); f.allow != nil && !f.routed {
		speaker := f.allow[0]
		for _, method := range []string{http.MethodPost, r.Header.Get("Access-Control-Request-Method")} {
			if slices.Contains(f.allow, method) {
				speaker = method
			}
		}
		f.route, _, _ = d.routes.Match(speaker, path)
	}
	return f
}
