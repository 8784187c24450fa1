package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies"
	"durward/policies/oauth/internal/assertion"
	"durward/policies/oauth/internal/cimd"
	"durward/policies/oauth/internal/secret"
)

// keySource has the key sets of clients that keep theirs at a URL.
type keySource interface {
	// CheckKeys says whether a set may be fetched from uri at all. The error is a *cimd.Fault.
	CheckKeys(ctx context.Context, uri string) error
	// Keys answers the set at uri, as new as it takes to have the key kid if that can be. The error is a *cimd.Fault or that
	// of ctx.
	Keys(ctx context.Context, now time.Time, uri, kid string) (jose.JSONWebKeySet, error)
}

// authenticate finds the client that makes a call, and holds it to the way of identifying itself that it is known for
// (A51, S43, S59). The error is a *refusal, which is a 401 with invalid_client wherever it is about the client, or a fault:
// clients throw away what they hold on invalid_client, so nothing else may be told as such.
func (s *server) authenticate(w http.ResponseWriter, r *http.Request, form params) (client, error) {
	given, err := readCredential(r.Header, form)
	var found client
	if err == nil {
		found, err = s.identify(r, given)
	} else if no, ok := errors.AsType[*refusal](err); ok && no.Code == "invalid_client" {
		err = s.failed(r.Context(), client{}, "malformed", no.Text)
	}
	if err != nil {
		if no, ok := errors.AsType[*refusal](err); ok && no.Status == http.StatusUnauthorized &&
			r.Header.Get("Authorization") != "" { // A50
			w.Header().Set("WWW-Authenticate", `Basic realm="durward", charset="UTF-8"`)
		}
		return client{}, err
	}
	return found, nil
}

// unauthenticated refuses a client for what it is or how it identified itself (RFC 6749 section 5.2).
func unauthenticated(text string) *refusal {
	return &refusal{Status: http.StatusUnauthorized, Code: "invalid_client", Text: text}
}

func (s *server) identify(r *http.Request, given credential) (client, error) {
	ctx := r.Context()
	found, err := s.client(ctx, given.ID)
	no, isRefusal := errors.AsType[*refusal](err)
	switch {
	case errors.Is(err, policies.ErrNotFound): // S47
		return client{}, s.failed(ctx, client{ID: given.ID}, "unknown", "the client is not known here")
	case isRefusal && no.Code == "invalid_client": // its document is no good
		return client{}, unauthenticated(no.Text)
	case isRefusal || err != nil && !isDocument(given.ID) || err != nil && given.Method != methodNone:
		return client{}, err
	case err != nil: // of what was agreed with a public client, its grants know
		return client{ID: given.ID, Method: methodNone, Unread: err}, nil
	case !slices.Contains(found.AuthMethods, given.Method):
		return client{}, s.failed(ctx, found, "wrong_method",
			"the client must identify itself by "+strings.Join(found.AuthMethods, " or "))
	}
	if err := s.prove(r, found, given); err != nil {
		return client{}, err
	}
	if confidential(given.Method) {
		if err := s.provenClient(ctx, found.ID); err != nil {
			return client{}, err
		}
	}
	found.Method = given.Method
	return found, nil
}

// prove checks what a client brings to show that it is the one it names.
func (s *server) prove(r *http.Request, found client, given credential) error {
	switch given.Method {
	case methodNone:
		return nil
	case methodBasic, methodPost:
		if !secret.Matches(given.Secret, found.secret) {
			return s.failed(r.Context(), found, "wrong_secret", "the client secret is not the one that was issued")
		}
		return nil
	case methodKeyJWT:
		return s.checkAssertion(r, found, given.Assertion)
	}
	return fmt.Errorf("authenticate client: no method %q", given.Method)
}

// assertionKey is the key of the use of an assertion: its client and its jti. No client_id holds a NUL.
func assertionKey(client, id string) string { return "jti/" + secret.Digest(client+"\x00"+id) }

// checkAssertion checks a signed assertion, and uses it up: it is good once (S43).
func (s *server) checkAssertion(r *http.Request, found client, signed string) error {
	ctx := r.Context()
	call := policies.CallFrom(ctx)
	issuer := s.issuer(ctx)
	accepted, err := assertion.Verify(signed, assertion.Expected{
		Client:    found.ID,
		Audiences: []string{issuer, issuer + tokenPath, call.Origin + r.URL.Path},
		Algorithm: found.Algorithm,
		Now:       call.Time,
	}, func(kid string) ([]jose.JSONWebKey, error) {
		if found.KeysURI == "" {
			return found.Keys, nil
		}
		set, err := s.keys.Keys(ctx, call.Time, found.KeysURI, kid)
		return set.Keys, err
	})
	fault, isFault := errors.AsType[*cimd.Fault](err)
	switch {
	case errors.Is(err, assertion.ErrInvalid):
		return s.failed(ctx, found, "wrong_assertion", err.Error())
	case isFault && fault.Permanent:
		return s.failed(ctx, found, "wrong_keys", fault.Text)
	case err != nil:
		return fmt.Errorf("read keys of client: %w", err)
	}
	var c change
	c.put(assertionKey(found.ID, accepted.ID), struct{}{}, 0, accepted.Until)
	err = c.commit(ctx, s.store)
	if errors.Is(err, policies.ErrConflict) {
		return s.failed(ctx, found, "assertion_replayed", "the client assertion has been used before: each is good once")
	}
	if err != nil {
		return fmt.Errorf("keep use of assertion: %w", err)
	}
	return nil
}

// failed refuses somebody who calls as a client and did not show that they are. The reason is for the audit log.
func (s *server) failed(ctx context.Context, found client, reason, text string) error {
	s.recordRefused(ctx, found, reason)
	return unauthenticated(text)
}

// recordRefused records that a client was refused, or somebody who calls as one.
func (s *server) recordRefused(ctx context.Context, found client, reason string) {
	s.record(ctx, policies.Event{
		Name: eventClientRefused, Outcome: outcomeRefused, Client: idForLog(found.ID),
		ClientHost: namedBy(found.ID, found.Hosts), Reason: reason,
	})
}
