package oauth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies"
	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/egress"
	"durward/policies/oauth/internal/legible"
	"durward/policies/oauth/internal/page"
)

// documentClient finds the client whose metadata document lies at the URL id (A10 to A19). The error is as client's; a
// *cimd.Fault in it says that the document cannot be read just now.
func (s *server) documentClient(ctx context.Context, id string) (client, error) {
	if !s.options.documents {
		return client{}, fmt.Errorf("read client: %w", policies.ErrNotFound)
	}
	if !s.options.clients.admits(id, nil) { // then nobody is asked for it
		return client{}, s.untrusted(ctx, id, nil)
	}
	document, err := s.documents.at(ctx).Get(ctx, policies.CallFrom(ctx).Time, id)
	if fault, ok := errors.AsType[*cimd.Fault](err); ok && fault.Permanent {
		return client{}, s.badDocument(ctx, id, fault)
	}
	if err != nil {
		return client{}, fmt.Errorf("read client: %w", err)
	}
	found := client{
		ID: document.ID, Name: document.Name, Redirects: document.Redirects, AuthMethods: document.AuthMethods,
		Fingerprint: document.Fingerprint(), Hosts: redirectHosts(document.Redirects),
		Keys: document.Keys.Keys, KeysURI: document.KeysURI, Algorithm: document.Algorithm,
	}
	if !s.options.clients.admits(found.ID, found.Hosts) {
		return client{}, s.untrusted(ctx, found.ID, found.Hosts)
	}
	return found, nil
}

// badDocument refuses a client whose document is no good, with what its developer must mend.
func (s *server) badDocument(ctx context.Context, id string, fault *cimd.Fault) *refusal {
	id = legible.Line(id, maxShownID)
	s.logger.InfoContext(ctx, "client metadata document refused", "client", id, "error", fault)
	s.record(ctx, policies.Event{
		Name: eventClientRefused, Outcome: outcomeRefused, Client: id, ClientHost: documentHost(id), Reason: "bad_document",
	})
	return &refusal{Status: http.StatusBadRequest, Code: "invalid_client", Text: fault.Text, Page: page.BadDocument}
}

// unread answers a request for which a client's document or keys are needed that cannot be read just now. It is nobody's
// fault here, and says nothing of the client (S58).
func (s *server) unread(ctx context.Context, fault *cimd.Fault) *refusal {
	s.logger.WarnContext(ctx, "client metadata not read",
		"request_id", policies.CallFrom(ctx).RequestID, "error", fault)
	return &refusal{
		Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", Text: fault.Text,
		Page: page.NoDocument, RetryAfter: 2 * time.Second,
	}
}

// documents are the metadata documents and key sets of clients.
type documents struct {
	public *cimd.Documents
	// development reads from addresses that are not public. It is nil unless the option is set, and used only for callers
	// of this machine.
	development *cimd.Documents
}

// newDocuments begins with nothing in memory.
func newDocuments(option cimdDevelopment) (*documents, error) {
	all := &documents{public: cimd.New(egress.New(egress.Options{}), askerOf)}
	if !option.given() {
		return all, nil
	}
	ranges, err := option.ranges()
	if err != nil {
		return nil, err
	}
	content, err := readRoots("gateway.cimdDevelopment.caFile", option.CAFile)
	if err != nil {
		return nil, err
	}
	var roots *x509.CertPool
	if content != nil {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM(content)
	}
	all.development = cimd.New(egress.New(egress.Options{RootCAs: roots, Allowed: ranges}), askerOf)
	return all, nil
}

// at answers the documents for a call. The exemption of development counts for a call that came from this machine to a
// loopback origin: whoever calls from elsewhere can write any Host.
func (d *documents) at(ctx context.Context) *cimd.Documents {
	call := policies.CallFrom(ctx)
	from, err := netip.ParseAddr(call.ClientAddress)
	if d.development != nil && err == nil && from.IsLoopback() && loopbackOrigin(call.Origin) {
		return d.development
	}
	return d.public
}

// CheckKeys implements keySource.
func (d *documents) CheckKeys(ctx context.Context, uri string) error { return d.at(ctx).CheckKeys(uri) }

// Keys implements keySource.
func (d *documents) Keys(ctx context.Context, now time.Time, uri, kid string) (jose.JSONWebKeySet, error) {
	return d.at(ctx).Keys(ctx, now, uri, kid)
}

// loopbackOrigin says whether an origin is this machine to whoever calls it.
func loopbackOrigin(origin string) bool {
	_, host, ok := strings.Cut(origin, "://")
	return ok && loopbackHost(host)
}

// cimdDevelopment is what may be fetched though it is not public.
type cimdDevelopment struct {
	CAFile    string   `json:"caFile"`
	Addresses []string `json:"addresses"`
}

func (d cimdDevelopment) given() bool { return d.CAFile != "" || len(d.Addresses) > 0 }

func (d cimdDevelopment) ranges() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range d.Addresses {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("read gateway.cimdDevelopment.addresses: %w", err)
		}
		all = append(all, prefix)
	}
	return all, nil
}

// problems says what the schema does not.
func (d cimdDevelopment) problems(origins []string) []policies.Problem {
	const pointer = "/gateway/cimdDevelopment"
	if !d.given() {
		return nil
	}
	var all []policies.Problem
	for _, origin := range origins {
		if !loopbackOrigin(origin) {
			all = append(all, policies.Problem{Pointer: pointer, Text: "is for development on one machine, and the gateway " +
				"has the public origin " + origin + ": anybody could have it fetch from there. Take one of the two away"})
			break
		}
	}
	if d.CAFile != "" && !filepath.IsAbs(d.CAFile) {
		all = append(all, policies.Problem{
			Pointer: pointer + "/caFile", Text: "must be an absolute path, such as /home/me/dev-ca.pem",
		})
	}
	for i, text := range d.Addresses {
		if prefix, err := netip.ParsePrefix(text); err != nil || prefix.Addr().Is4In6() {
			all = append(all, policies.Problem{
				Pointer: pointer + "/addresses/" + strconv.Itoa(i),
				Text:    "must be a range of addresses in CIDR notation, such as 127.0.0.0/8 or ::1/128",
			})
		}
	}
	return all
}
