package runtime

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"durward/runtime/internal/config"
	"durward/schema/suggest"
)

// maxHints is how many paths are told that are not the one that was asked for.
const maxHints = 3

// aboutOrigin tells what is worth to know of the origin under which the gateway is called.
func (e *explainer) aboutOrigin(f found) (hints []string) {
	asked, public := e.asked.url, e.cfg.Gateway.PublicURLs
	switch {
	case f.refusal != nil && f.refusal.Status == http.StatusMisdirectedRequest && len(public) > 0:
		return []string{"the gateway's origins are " + strings.Join(public, ", ")}
	case f.refusal != nil:
		return nil
	case f.caller.Origin != config.OriginOf(asked):
		hints = append(hints, fmt.Sprintf("the gateway takes %s for its origin here: that is what clients are told, and what tokens "+
			"are for", f.caller.Origin))
	}
	if _, port, err := net.SplitHostPort(e.settings.listen); err == nil && len(public) == 0 && port != "0" && port != portOf(asked) {
		hints = append(hints, fmt.Sprintf("the gateway listens on %s: what comes to port %s reaches it only if something there passes "+
			"it on", e.settings.listen, portOf(asked)))
	}
	if e.settings.tls && asked.Scheme == "http" && len(e.cfg.Gateway.TrustedProxies) == 0 {
		hints = append(hints, "the gateway speaks https on "+e.settings.listen+", and no http")
	}
	return hints
}

// portOf is the port that a client of a URL connects to.
func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// methods tells which routes take the methods that a path has.
func (e *explainer) methods(allow []string) (hints []string) {
	var routes []int
	of := make(map[int][]string)
	for _, method := range allow {
		if i, _, ok := e.routes.Match(method, e.asked.URL.EscapedPath()); ok {
			if of[i] == nil {
				routes = append(routes, i)
			}
			of[i] = append(of[i], method)
		}
	}
	for _, i := range routes {
		r := &e.cfg.Routes[i]
		hints = append(hints, fmt.Sprintf("route %s at %s is for %s", r.ID, Place(r.At), strings.Join(of[i], ", ")))
	}
	return hints
}

// nearest tells what there is near a path at which there is nothing.
func (e *explainer) nearest(asked string) (hints []string) {
	told := make(map[string]bool)
	tell := func(at, how string) {
		if !told[at] && len(hints) < maxHints {
			told[at] = true
			hints = append(hints, "there is "+at+" ("+how+")")
		}
	}
	for _, other := range []struct{ path, how string }{
		{strings.TrimSuffix(asked, "/"), "without the slash at the end"},
		{asked + "/", "with a slash at the end"},
		{path.Clean(asked), "without empty segments and dots"},
		{unescaped(asked), "without escapes: paths are compared as they are sent"},
	} {
		if other.path != asked && e.served(other.path) {
			tell(other.path, other.how)
		}
	}
	known := e.known()
	for _, at := range known {
		if strings.EqualFold(at, asked) && at != asked {
			tell(at, "with other capitals: paths are compared letter by letter")
		}
	}
	for _, at := range known {
		switch {
		case strings.HasPrefix(asked, at+"/"):
			tell(at, "this path goes on from there: a route is for one path, and not for what is below it")
		case strings.HasPrefix(at, strings.TrimSuffix(asked, "/")+"/") && asked != "/":
			tell(at, "below this path")
		case strings.HasSuffix(at, asked) && asked != "/":
			tell(at, "it ends like this path")
		}
	}
	if near, ok := suggest.Nearest(asked, known); ok {
		tell(near, "nearly the same")
	}
	if len(hints) == 0 {
		hints = e.all()
	}
	return hints
}

// all tells of the routes there are, if they are few.
func (e *explainer) all() []string {
	var routes []string
	for i := range e.cfg.Routes {
		routes = append(routes, e.cfg.Routes[i].Path)
	}
	switch n := len(routes); {
	case n == 0:
		return []string{"there are no routes"}
	case n > maxHints:
		return []string{fmt.Sprintf("there are %d routes, and none is near", n)}
	}
	return []string{"the routes are " + strings.Join(slices.Compact(routes), ", ")}
}

// known are the paths there are: of routes, as they are written, then of policies.
func (e *explainer) known() (paths []string) {
	for i := range e.cfg.Routes {
		paths = append(paths, e.cfg.Routes[i].Path)
	}
	var own []string
	for at := range e.paths {
		own = append(own, at)
	}
	slices.Sort(own)
	return append(paths, own...)
}

// served says that there is something at a path.
func (e *explainer) served(at string) bool {
	_, allow, _ := e.routes.Match(e.asked.Method, at)
	return allow != nil || e.paths[at] != ""
}

// unescaped is a path with its escapes resolved, and itself if that is none any more.
func unescaped(at string) string {
	if plain, err := url.PathUnescape(at); err == nil {
		return plain
	}
	return at
}
