package oauth

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/ascii"
)

// resourceOf answers the resource identifier of a route (RFC 8707): the audience of its tokens, and the URL that
// clients call. A route's path stands as it does on the wire; written anew it could differ ("!" and "%21").
func resourceOf(origin, path string) string { return origin + path }

// resources answers one route for each path: to a client, the operations of a path are one resource.
func resources(routes []policies.Route) []policies.Route {
	var distinct []policies.Route
	for _, route := range routes {
		if !slices.ContainsFunc(distinct, func(r policies.Route) bool { return r.Path == route.Path }) {
			distinct = append(distinct, route)
		}
	}
	return distinct
}

// resolveResource maps the resource parameter of a request to exactly one route's resource (A53). Clients omit it (Q4),
// write scheme and host in capitals (A54), add the query of the configured URL or drop the path (Q18), and write a path
// with a slash at its end or without (Q36). Each tolerance only ever finds one known resource; none widens an audience.
func (s *server) resolveResource(origin string, given []string) (string, error) {
	switch {
	case len(given) > 1:
		return "", s.invalidTarget(origin, "more than one resource cannot be asked for at once")
	case len(given) == 0 || given[0] == "":
		if len(s.resources) == 1 {
			return resourceOf(origin, s.resources[0].Path), nil
		}
		return "", s.invalidTarget(origin, "the resource parameter is missing")
	}
	asked, err := url.Parse(given[0])
	if err != nil || asked.Host == "" || asked.User != nil || strings.Contains(given[0], "#") ||
		originOf(asked) != origin {
		return "", s.invalidTarget(origin, "the resource is not one of this gateway's")
	}
	path := asked.EscapedPath()
	if (path == "" || path == "/") && len(s.resources) == 1 {
		return resourceOf(origin, s.resources[0].Path), nil
	}
	other, hadSlash := strings.CutSuffix(path, "/")
	if !hadSlash {
		other += "/"
	}
	for _, known := range []string{path, other} { // a route of exactly this path comes first
		for _, route := range s.resources {
			if route.Path == known {
				return resourceOf(origin, route.Path), nil
			}
		}
	}
	return "", s.invalidTarget(origin, "the resource is not one of this gateway's")
}

// invalidTarget names the accepted values (Q18): they are public in the metadata anyway.
func (s *server) invalidTarget(origin, why string) error {
	known := make([]string, len(s.resources))
	for i, route := range s.resources {
		known[i] = resourceOf(origin, route.Path)
	}
	return badRequest("invalid_target", why+"; accepted: "+strings.Join(known, " "))
}

// routeByID finds the route that the host matched.
func (s *server) routeByID(id string) (policies.Route, bool) {
	for _, route := range s.routes {
		if route.ID == id {
			return route, true
		}
	}
	return policies.Route{}, false
}

// routeTitle names a resource to a person: the route's title, or its path.
func (s *server) routeTitle(resource string) string {
	_, host, _ := strings.Cut(resource, "://")
	path := strings.TrimLeftFunc(host, func(c rune) bool { return c != '/' })
	for _, route := range s.routes {
		if route.Path == path && route.Title != "" {
			return route.Title
		}
	}
	return path
}

// originOf writes a URL's origin as browsers do: lower case, without the scheme's own port.
func originOf(u *url.URL) string {
	scheme, host := ascii.Lower(u.Scheme), ascii.Lower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

// loopbackHost says whether host, with or without a port, is this machine.
func loopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}
