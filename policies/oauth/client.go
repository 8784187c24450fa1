package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"durward/policies"
)

// The ways in which a client may identify itself at the endpoints that it calls (A51). One of methodNone is public: it
// proves nothing, and what it holds is all that speaks for it.
const (
	methodNone   = "none"
	methodBasic  = "client_secret_basic"
	methodPost   = "client_secret_post"
	methodKeyJWT = "private_key_jwt"
)

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
	// Hosts are those that the client stands for (A21).
	Hosts []string

	// Method is how the client identified itself in this call, empty if it did not make it.
	Method string
	// Unread is why the client's document cannot be read just now, nil if it could be. Then nothing is known of the client
	// but its ID, and what was agreed when the document could be read must do: see sameClient.
	Unread error

	// registered is the record of a registered client, nil of one with a document.
	registered *held[clientRecord]
}

// client finds a client. The error is policies.ErrNotFound, a *refusal (the client is known, and nothing is done for it
// here), or a fault: then it is not known whether there is such a client.
func (s *server) client(ctx context.Context, id string) (client, error) {
	if strings.HasPrefix(id, "https://") { // A22: no generated id does
		return client{}, fmt.Errorf("read client: %w", policies.ErrNotFound)
	}
	found, err := load[clientRecord](ctx, s.store, clientKey(id))
	if err != nil {
		return client{}, fmt.Errorf("read client: %w", err)
	}
	return client{
		ID: found.Data.ID, Name: found.Data.Name, Redirects: found.Data.Redirects,
		AuthMethods: []string{found.Data.AuthMethod}, registered: &found,
	}, nil
}

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
	found, err := load[clientRecord](ctx, s.store, clientKey(grant.Client))
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return "", fmt.Errorf("read client: %w", err)
	}
	return found.Data.Name, nil
}
