package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// serveRevoke takes back a token that its client does not want any more (RFC 7009, A62). A refresh token takes its grant
// along, and with it every token of the grant; an access token is taken back alone. What is unknown, has ended or is
// another client's gets the same answer, and nothing happens to it (S57).
func (s *server) serveRevoke(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	caller, err := s.authenticate(w, r, form)
	if err != nil {
		return err
	}
	token := form.get("token")
	switch { // the token says itself which kind it is: token_type_hint is not needed
	case token == "":
		err = badRequest("invalid_request", "token is missing")
	case secret.RefreshToken.Valid(token):
		err = s.revokeRefresh(ctx, caller, token)
	case secret.AccessToken.Valid(token):
		err = s.revokeAccess(ctx, caller, token)
	}
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	return nil
}

// revokeRefresh ends the grant of a refresh token, be it the current one or one that was rotated.
func (s *server) revokeRefresh(ctx context.Context, caller client, token string) error {
	refresh, err := load[refreshRecord](ctx, s.store, refreshKey(token))
	if errors.Is(err, policies.ErrNotFound) || err == nil && refresh.Data.Client != caller.ID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read refresh token: %w", err)
	}
	if _, err := s.grantFor(ctx, caller, refresh.Data.Person, refresh.Data.Grant); err != nil {
		return skipAbsent(err)
	}
	_, err = s.endGrant(ctx, refresh.Data.Person, refresh.Data.Grant, "client")
	return err
}

// revokeAccess deletes an access token. Decisions are remembered by grant, so those on the grant's other tokens are made
// anew.
func (s *server) revokeAccess(ctx context.Context, caller client, token string) error {
	for range maxAttempts {
		access, err := load[accessRecord](ctx, s.store, accessKey(token))
		if errors.Is(err, policies.ErrNotFound) || err == nil && access.Data.Client != caller.ID {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read access token: %w", err)
		}
		grant, err := s.grantFor(ctx, caller, access.Data.Person, access.Data.Grant)
		if err != nil {
			return skipAbsent(err)
		}
		var c change
		c.remove(access.Key, access.Version)
		c.Purge = []string{grantTag(access.Data.Grant)}
		err = c.commit(ctx, s.store)
		if errors.Is(err, policies.ErrConflict) { // it has just ended by itself or by another call
			continue
		}
		if err != nil {
			return fmt.Errorf("revoke access token: %w", err)
		}
		event := grantEvent(eventTokenRevoked, outcomeSuccess, grant, access.Data.Grant, "client")
		event.Scope = strings.Join(access.Data.Scopes, " ")
		s.record(ctx, event)
		return nil
	}
	return errors.New("revoke access token: too many changes at once")
}

// grantFor reads the grant of a token for the client that brings the token. The error is policies.ErrNotFound, a *refusal
// of the client, or a fault.
func (s *server) grantFor(ctx context.Context, caller client, person, id string) (grantRecord, error) {
	grant, err := load[grantRecord](ctx, s.store, grantKey(person, id))
	if err != nil {
		return grantRecord{}, fmt.Errorf("read grant: %w", err)
	}
	return grant.Data, s.sameProof(ctx, caller, grant.Data)
}

// skipAbsent takes what is not there for what needs nothing done.
func skipAbsent(err error) error {
	if errors.Is(err, policies.ErrNotFound) {
		return nil
	}
	return err
}
