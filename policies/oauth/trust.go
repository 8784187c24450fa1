package oauth

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/ascii"
	"durward/policies/oauth/internal/page"
	"durward/policies/oauth/internal/redirecturi"
)

// localHost is the host of every redirect URI that stays on the person's machine: a loopback address, or a vendor's own
// scheme.
const localHost = "localhost"

// admits says whether a client may ask people for access, and go on with what they allowed it (A21). hosts are those of
// its redirect URIs. Of a client with a metadata document the document's host alone must be allowed, for whoever has
// that chooses the redirect URIs; a denied host closes wherever it stands. A client of which no host is known meets no
// rule.
func (c clientHosts) admits(id string, hosts []string) bool {
	document := documentHost(id)
	if document != "" {
		hosts = append([]string{document}, hosts...)
	}
	switch {
	case c.Allow == nil && c.Deny == nil:
		return true
	case len(hosts) == 0:
		return false
	case c.Deny != nil:
		return !slices.ContainsFunc(hosts, func(host string) bool { return lists(c.Deny, host) })
	case document != "":
		return lists(c.Allow, document)
	}
	return !slices.ContainsFunc(hosts, func(host string) bool { return !lists(c.Allow, host) })
}

// lists says whether a host is one of a list. "*.example.com" stands for every host below example.com, and not for
// itself.
func lists(list []string, host string) bool {
	return slices.ContainsFunc(list, func(entry string) bool {
		if below, ok := strings.CutPrefix(entry, "*"); ok {
			return strings.HasSuffix(host, below) && host != below
		}
		return host == entry
	})
}

// documentHost answers the host of a client id that is the URL of a metadata document, "" of any other.
func documentHost(id string) string {
	if !isDocument(id) {
		return ""
	}
	parsed, err := url.Parse(id)
	if err != nil {
		return ""
	}
	return plainName(parsed.Hostname())
}

// redirectHosts answers the hosts of redirect URIs, sorted and each once.
func redirectHosts(redirects []string) []string {
	hosts := make([]string, len(redirects))
	for i, uri := range redirects {
		if hosts[i] = plainName(redirecturi.Host(uri)); hosts[i] == "" {
			hosts[i] = localHost
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// hosts are those of the client of a grant. Of a time before they were kept, the one that its code went to is known.
func (g grantRecord) hosts() []string {
	if g.ClientHosts == nil && g.Redirect != "" {
		return redirectHosts([]string{g.Redirect})
	}
	return g.ClientHosts
}

// namedBy names a client by what it cannot make up: the host of its metadata document, or else those of its redirect URIs.
func namedBy(id string, hosts []string) string {
	if host := documentHost(id); host != "" {
		return host
	}
	return strings.Join(hosts, " ")
}

// plainName writes a host in one way: a name with a dot at its end is the same name.
func plainName(host string) string { return strings.TrimRight(ascii.Lower(host), ".") }

// untrusted is told to a client whose hosts the option clients keeps out, and recorded.
func (s *server) untrusted(ctx context.Context, id string, hosts []string) *refusal {
	s.record(ctx, policies.Event{
		Name: eventClientRefused, Outcome: outcomeRefused, Client: idForLog(id), ClientHost: namedBy(id, hosts),
		Reason: "untrusted_host",
	})
	no := badRequest("unauthorized_client", "this gateway does not work with apps of this host: ask its operator")
	no.Page = page.Untrusted
	return no
}
