package oauth

import (
	"strings"

	"durward/policies"
)

// basePath is where an authorization server lies at the gateway's origin: empty, or segments each with a slash before
// it. Origin and base path together are the issuer. Two servers of one gateway differ in it, and in nothing that a
// client can mistake: it keeps all that it knows of a server under the issuer (RFC 8414 section 3.3, RFC 9207).
type basePath string

// basePathOption is the option that says where the server lies, as a JSON pointer.
const basePathOption = "/gateway/basePath"

// What every server serves below its base path.
const (
	jwksPath       = "/oauth/jwks"
	registerPath   = "/oauth/register"
	authorizePath  = "/oauth/authorize"
	consentPath    = "/oauth/consent"
	callbackPath   = "/oauth/callback"
	tokenPath      = "/oauth/token"
	revokePath     = "/oauth/revoke"
	introspectPath = "/oauth/introspect"
	grantsPath     = "/oauth/grants"
	signedOutPath  = "/oauth/signed-out"
)

// Where metadata lies at the origin.
const (
	asMetadataPath       = "/.well-known/oauth-authorization-server"
	oidcMetadataPath     = "/.well-known/openid-configuration"
	resourceMetadataPath = "/.well-known/oauth-protected-resource"
)

// What is served on the admin listener, below the policy's name: two servers cannot meet there.
const (
	adminClientsPath = "/clients"
	adminGrantsPath  = "/grants"
)

// issuer is the server's name at an origin (A3): it never ends in a slash.
func (b basePath) issuer(origin string) string { return origin + string(b) }

// at answers one of the server's own paths.
func (b basePath) at(path string) string { return string(b) + path }

// asMetadata is where RFC 8414 section 3.1 puts the server's metadata: the issuer's path follows the well-known one.
func (b basePath) asMetadata() string { return asMetadataPath + string(b) }

// oidcMetadata is where clients look who know OpenID Connect Discovery only (A2): with the issuer's path inserted as RFC
// 8414 has it and appended as Discovery does. Without a base path these are one.
func (b basePath) oidcMetadata() []string {
	if b == "" {
		return []string{oidcMetadataPath}
	}
	return []string{oidcMetadataPath + string(b), string(b) + oidcMetadataPath}
}

// fault says what is wrong with a base path beyond what the schema says, "" if nothing is.
func (b basePath) fault() string {
	for _, taken := range []string{"/.well-known", "/-"} {
		if strings.HasPrefix(string(b)+"/", taken+"/") {
			return "must not lie below " + taken + ", which is taken: choose a path such as /team-a"
		}
	}
	return ""
}

// paths answers every path that a server with these routes serves, in a fixed order. It must agree with newServer.
// registration says whether clients may register themselves.
//
// The metadata of a route lies below the route's own path wherever its server lies (RFC 9728 section 3.1). Clients that
// look for it at the root alone find it there only if there is no doubt which is meant: a server that has a base path
// leaves the root to others.
func (b basePath) paths(routes []policies.Route, registration bool) []policies.Path {
	var all []policies.Path
	moving := func(paths ...string) {
		for _, path := range paths {
			all = append(all, policies.Path{Path: path, Option: basePathOption})
		}
	}
	moving(b.asMetadata())
	moving(b.oidcMetadata()...)
	for _, path := range []string{
		jwksPath, registerPath, authorizePath, consentPath, callbackPath, tokenPath, revokePath, introspectPath, grantsPath,
		signedOutPath,
	} {
		if path != registerPath || registration {
			moving(b.at(path))
		}
	}
	for _, path := range []string{adminClientsPath, adminGrantsPath} {
		all = append(all, policies.Path{Path: path, Admin: true})
	}
	routes = resources(routes)
	if b.servesRoot(routes) {
		moving(resourceMetadataPath)
	}
	for _, route := range routes {
		all = append(all, policies.Path{Path: resourceMetadataPath + route.Path})
	}
	return all
}

// servesRoot says whether the metadata of the only one of these resources stands at the root, too.
func (b basePath) servesRoot(resources []policies.Route) bool { return b == "" && len(resources) == 1 }
