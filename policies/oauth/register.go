package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// maxRegistration is how many bytes the body of a registration may have (S45).
const maxRegistration = 16 << 10

// clientRecord is a client that has registered itself.
type clientRecord struct {
	registration
	// SecretDigest is the digest of its secret, empty if it has none.
	SecretDigest string `json:"client_secret_sha256,omitempty"`
	// Unused are the keys of what the client takes up among those that have got no tokens yet, none once it has: see
	// unused.go.
	Unused []string `json:"unused,omitempty"`
}

// registered is the answer to a registration (RFC 7591 section 3.2.1): the metadata as it is kept, and the secret, which
// is shown this once.
type registered struct {
	registration
	Secret string `json:"client_secret,omitempty"`
	// SecretExpires is there if there is a secret: 0, never (A24).
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"`
}

// serveRegister registers a client (RFC 7591 section 3, A23 to A27). Anybody may; what a client says of itself is
// believed by nobody, and comes to nothing before a person has seen where its answers go.
func (s *server) serveRegister(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	asked, err := s.readRegistration(r)
	if err != nil {
		if no, ok := errors.AsType[*refusal](err); ok {
			s.record(ctx, policies.Event{Name: eventRegistrationRefused, Outcome: outcomeRefused, Reason: no.Code})
		}
		return err
	}
	if hosts := redirectHosts(asked.Redirects); !s.options.clients.admits("", hosts) {
		no := s.untrusted(ctx, "", hosts)
		no.Code = "invalid_redirect_uri" // of RFC 7591's codes it is the one that tells what to change
		return no
	}
	record := clientRecord{registration: asked}
	record.ID = registeredID + rand.Text()
	record.Issued = policies.CallFrom(ctx).Time.Unix()
	answer := registered{registration: record.registration}
	if asked.AuthMethod == methodBasic || asked.AuthMethod == methodPost {
		answer.Secret, answer.SecretExpires = secret.ClientSecret.Mint(), new(int64)
		record.SecretDigest = secret.Digest(answer.Secret)
	}
	if err := s.keepRegistration(ctx, record); err != nil {
		return err
	}
	s.record(ctx, policies.Event{
		Name: eventClientRegistered, Outcome: outcomeSuccess, Client: record.ID,
		ClientHost: namedBy(record.ID, redirectHosts(record.Redirects)),
	})
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusCreated, answer)
	return nil
}

// keepRegistration writes the record of a new client, with its place among the unused.
func (s *server) keepRegistration(ctx context.Context, record clientRecord) error {
	for range maxAttempts {
		var c change
		places, err := s.takePlaces(ctx, &c, record.ID)
		if err != nil {
			return err
		}
		record.Unused = places
		c.put(clientKey(record.ID), record, 0, policies.CallFrom(ctx).Time.Add(s.clientLife()))
		err = c.commit(ctx, s.store)
		if err == nil {
			return nil
		}
		if !errors.Is(err, policies.ErrConflict) { // else another client took the same place just now
			return fmt.Errorf("keep client: %w", err)
		}
	}
	return errors.New("keep client: too many registrations at once")
}

func (s *server) readRegistration(r *http.Request) (registration, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return registration{}, badRequest("invalid_client_metadata", "the body must be application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRegistration+1))
	if err != nil {
		return registration{}, badRequest("invalid_client_metadata", "the body could not be read")
	}
	if len(body) > maxRegistration {
		return registration{}, &refusal{
			Status: http.StatusRequestEntityTooLarge, Code: "invalid_client_metadata",
			Text: fmt.Sprintf("the body is larger than %d bytes", maxRegistration),
		}
	}
	return parseRegistration(body, s.options.scopes.names(), func(uri string) error {
		return s.keys.CheckKeys(r.Context(), uri)
	})
}
