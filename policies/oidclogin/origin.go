package oidclogin

import (
	"net/url"
	"strings"
)

// OriginProblem is for plugins whose provider has an origin ("https://login.example.com") as its issuer: it answers
// what to put instead if value is none, without quoting it, and "" if nothing is wrong. ID tokens carry the issuer byte
// for byte, so that a slash or a capital letter too many would make every login fail. onPath is added to what is said
// of a path, where providers have forms of their own.
func OriginProblem(value, onPath string) string {
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return "is not a URL: put the origin alone, such as https://login.example.com"
	case u.Hostname() == "":
		return "must begin with https:// and a host: put the origin alone, such as https://login.example.com"
	case u.User != nil:
		return "must hold no user and no password: leave out '@' and what stands before it, down to '//'"
	case strings.Contains(value, "#"):
		return "must have no fragment: leave out '#' and what follows it"
	case strings.Contains(value, "?"):
		return "must have no query: leave out '?' and what follows it"
	case u.Path == "/":
		return "must not end in a slash: leave it out, for the provider's issuer has none"
	case u.Path != "":
		return strings.TrimSpace("must have no path: put the origin alone, such as https://login.example.com. " + onPath)
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return "must be https: http is taken for a loopback address only"
	case u.Scheme != "https" && u.Scheme != "http":
		return "must be https: put the origin alone, such as https://login.example.com"
	case strings.HasSuffix(u.Host, ":"), u.Scheme == "https" && u.Port() == "443", u.Scheme == "http" && u.Port() == "80":
		return "must not name the scheme's own port: leave it out, for the provider's issuer does not have it"
	case strings.ToLower(value) != value:
		return "must be in small letters, as the provider's issuer is"
	case u.Scheme+"://"+u.Host != value:
		return "must be written plainly: put the origin alone, such as https://login.example.com"
	}
	return ""
}
