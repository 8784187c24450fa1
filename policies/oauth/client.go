package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies"
	"durward/policies/oauth/internal/legible"
)

// The ways in which a client may identify itself at the endpoints that it calls (A51). One of methodNone is public: it
// proves nothing, and what it holds is all that speaks for it.
const (
	methodNone   = "none"
	methodBasic  = "client_secret_basic"
	methodPost   = "client_secret_post"
	methodKeyJWT = "private_key_jwt"
)

// authMethods are all of them. The first is what a client takes that understands several (Q12).
func authMethods() []string { return []string{methodNone, methodBasic, methodPost, methodKeyJWT} }

// client is who asks people for access and holds tokens of theirs, however it is known here.
type client struct {
	// ID is its client_id. Name is what it calls itself: nobody has checked it.
	ID, Name string
	// Redirects are its redirect URIs, as it gave them.
	Redirects []string
	// AuthMethods are the ways in which it may identify itself. It uses exactly one of them in a call.
	AuthMethods []string
	// Fingerprint is the digest of what a person relies on who allows a client with a metadata document something, and
	// what may change there any time (S44). It is empty of a registered client, whose record never changes.
	Fingerprint string
	// Hosts are those of its redirect URIs (A21).
	Hosts []string

	// Method is how the client identified itself in this call, empty if it did not make it.
	Method string
	// Unread is why the client's document cannot be read just now, nil if it could be. Then nothing is known of the client
	// but its ID, and what was agreed when the document could be read must do: see sameClient.
	Unread error

	// Keys verify the client's assertions. If there are none they are to be had at KeysURI.
	Keys    []jose.JSONWebKey
	KeysURI string
	// Algorithm is the only one that its assertions may be signed with, empty for any.
	Algorithm string

	// secret is the digest of the client's secret, empty if it has none.
	secret string
	// registered is the record of a registered client, nil of one with a document.
	registered *held[clientRecord]
}

// client finds a client. The error is policies.ErrNotFound, a *refusal (the client is known, and nothing is done for it
// here), or a fault: then it is not known whether there is such a client.
func (s *server) client(ctx context.Context, id string) (client, error) {
	if isDocument(id) {
		return s.documentClient(ctx, id)
	}
	record, err := load[clientRecord](ctx, s.store, clientKey(id))
	if err != nil {
		return client{}, fmt.Errorf("read client: %w", err)
	}
	keys, err := record.Data.keys()
	if err != nil {
		return client{}, err
	}
	found := client{
		ID: record.Data.ID, Name: record.Data.Name, Redirects: record.Data.Redirects,
		AuthMethods: []string{record.Data.AuthMethod}, Hosts: redirectHosts(record.Data.Redirects),
		Keys: keys, KeysURI: record.Data.KeysURI, Algorithm: record.Data.Algorithm,
		secret: record.Data.SecretDigest, registered: &record,
	}
	if !s.options.clients.admits(found.ID, found.Hosts) {
		return client{}, s.untrusted(ctx, found.ID, found.Hosts)
	}
	return found, nil
}

// isDocument says whether a client id is the URL of a metadata document. No id that is made here begins so (A22).
func isDocument(id string) bool { return strings.HasPrefix(id, "https://") }

// registeredID is how the ids begin that are made here. What follows is that of rand.Text.
const registeredID = "dw-"

// maxShownID bounds a client id in logs and in the audit, in characters.
const maxShownID = 2048

// idForLog answers a client id if it has the form of one, and nothing else: what stands in its place and is none may be a
// secret that somebody put there.
func idForLog(id string) string {
	if rest, ok := strings.CutPrefix(id, registeredID); isDocument(id) || ok && isGrantID(rest) {
		return legible.Line(id, maxShownID)
	}
	return ""
}

// sameClient holds a client that calls against what a person knew of it when they allowed it something: the grant as it
// was agreed, by its id. A client that is not any more what it was loses the grant (S44). One whose document cannot be
// read just now goes on with what was agreed if it is public; of another nobody can say who calls, and that is a fault.
func (s *server) sameClient(ctx context.Context, client client, agreed grantRecord, id string) error {
	if err := s.sameProof(ctx, client, agreed); err != nil {
		return err
	}
	switch {
	case client.Unread == nil && client.Fingerprint != agreed.ClientPrint:
		if err := s.noteChange(ctx, agreed); err != nil {
			return err
		}
		if _, err := s.endGrant(ctx, agreed.Person.Key(), id, "client_changed"); err != nil {
			return err
		}
		return badRequest("invalid_grant", "the client has changed since it was allowed this: sign in again")
	case !s.options.clients.admits(agreed.Client, agreed.hosts()):
		return s.untrusted(ctx, agreed.Client, agreed.hosts())
	}
	return nil
}

// sameProof wants of a client that proved who it is when it got its first tokens that it does so again: what it holds is
// of no use to anybody else.
func (s *server) sameProof(ctx context.Context, client client, agreed grantRecord) error {
	switch {
	case client.Unread != nil && agreed.AuthMethod != methodNone:
		return fmt.Errorf("read client: %w", client.Unread)
	case confidential(agreed.AuthMethod) && !confidential(client.Method):
		return s.failed(ctx, client, "not_proven", "the client got this by proving who it is, and must do so again")
	}
	return nil
}

// confidential says whether a client that uses the method proves who it is.
func confidential(method string) bool { return method != "" && method != methodNone }

// A registration lives this long after it was last used, or as long as the client's refresh tokens if those live longer.
// It is renewed at most once a day, so it gets that day on top.
const (
	clientLife  = 90 * 24 * time.Hour
	clientRenew = 24 * time.Hour
)

func (s *server) clientLife() time.Duration { return max(clientLife, s.options.refreshTTL+clientRenew) }

// renewClient keeps a registered client that is in use. Losing a race for it is as good as winning.
func (s *server) renewClient(ctx context.Context, client client) {
	record := client.registered
	if record == nil {
		return
	}
	until := policies.CallFrom(ctx).Time.Add(s.clientLife())
	if until.Sub(record.Expires) < clientRenew {
		return
	}
	var c change
	c.put(record.Key, record.Data, record.Version, until)
	if err := c.commit(ctx, s.store); err != nil && !errors.Is(err, policies.ErrConflict) {
		s.logger.WarnContext(ctx, "client not renewed", "client", client.ID, "error", err)
	}
}

// nameOf answers what the client of a grant calls itself, for showing: empty if that is not known any more. It asks
// nobody but the store.
func (s *server) nameOf(ctx context.Context, grant grantRecord) (string, error) {
	if grant.ClientName != "" || isDocument(grant.Client) {
		return grant.ClientName, nil
	}
	found, err := load[clientRecord](ctx, s.store, clientKey(grant.Client))
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return "", fmt.Errorf("read client: %w", err)
	}
	return found.Data.Name, nil
}
