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

// introspection says what a token is (RFC 7662 section 2.2). Of one that is not active nothing else is said.
type introspection struct {
	Active    bool   `json:"active"`
	Scope     string `json:"scope,omitempty"`
	Client    string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	Expires   int64  `json:"exp,omitempty"`
	Issued    int64  `json:"iat,omitempty"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
}

// serveIntrospect tells a client about its own tokens (RFC 7662, A63). Only clients that prove who they are may ask, and
// whatever is not theirs is as unknown as what nobody issued: the endpoint tells nobody whether a token that they found is
// good.
func (s *server) serveIntrospect(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	caller, err := s.authenticate(w, r, form)
	if err != nil {
		return err
	}
	if !confidential(caller.Method) {
		return s.failed(ctx, caller, "not_proven", "only a client that proves who it is may ask about tokens")
	}
	token := form.get("token")
	if token == "" {
		return badRequest("invalid_request", "token is missing")
	}
	found, err := s.introspect(ctx, caller, token)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, found)
	return nil
}

// introspect answers what a token is to the client that asks. The error is a fault.
func (s *server) introspect(ctx context.Context, caller client, token string) (introspection, error) {
	found, err := s.tokenOf(ctx, caller, token)
	if errors.Is(err, policies.ErrNotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, fmt.Errorf("read token: %w", err)
	}
	grant, err := load[grantRecord](ctx, s.store, grantKey(found.person, found.grant))
	if errors.Is(err, policies.ErrNotFound) {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, fmt.Errorf("read grant: %w", err)
	}
	// As it is decided about a request that brings the token.
	issuer := s.issuer(ctx)
	if !s.inForce(grant.Data, issuer) {
		return introspection{}, nil
	}
	found.Active, found.Client, found.Issuer = true, caller.ID, issuer
	found.Subject, found.Audience = grant.Data.Person.Subject, grant.Data.Resource
	if found.scopes == nil {
		found.scopes = grant.Data.Scopes
	}
	found.Scope = strings.Join(found.scopes, " ")
	return found.introspection, nil
}

// issuedToken is a token of the client that asks, and what its own record says of it.
type issuedToken struct {
	introspection
	// person and grant make the grant's key. scopes is nil of a token that has those of its grant.
	person, grant string
	scopes        []string
}

// tokenOf reads a token of a client. A refresh token that was rotated is none any more, although a repeat of it may still
// be answered. The error is policies.ErrNotFound or a fault.
func (s *server) tokenOf(ctx context.Context, caller client, token string) (issuedToken, error) {
	now := policies.CallFrom(ctx).Time
	switch {
	case secret.AccessToken.Valid(token):
		access, err := load[accessRecord](ctx, s.store, accessKey(token))
		if err != nil {
			return issuedToken{}, err
		}
		if access.Data.Client != caller.ID || !now.Before(access.Expires) {
			return issuedToken{}, policies.ErrNotFound
		}
		return issuedToken{
			introspection: introspection{
				TokenType: tokenType, Expires: access.Expires.Unix(), Issued: access.Data.Issued,
			},
			person: access.Data.Person, grant: access.Data.Grant, scopes: access.Data.Scopes,
		}, nil
	case secret.RefreshToken.Valid(token):
		refresh, err := load[refreshRecord](ctx, s.store, refreshKey(token))
		if err != nil {
			return issuedToken{}, err
		}
		if refresh.Data.Client != caller.ID || !refresh.Data.Rotated.IsZero() || !now.Before(refresh.Expires) {
			return issuedToken{}, policies.ErrNotFound
		}
		return issuedToken{
			introspection: introspection{Expires: refresh.Expires.Unix()},
			person:        refresh.Data.Person, grant: refresh.Data.Grant,
		}, nil
	}
	return issuedToken{}, policies.ErrNotFound
}
