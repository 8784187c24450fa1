package oauth

import (
	"context"
	"errors"
	"fmt"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/secret"
)

// refresh exchanges a refresh token for its successor and a fresh access token (RFC 6749 section 6, A56 to A59).
//
// The first use rotates: one transaction marks the token as rotated and keeps the successor in its record, sealed under a
// key that only the presented token yields. That is the one place where a token is kept, and nobody can read it but who
// holds the predecessor. So until the grace ends or the successor is used, a repeat gets the same successor: clients
// whose processes share one token live by it (S54), and a crash after the transaction strands nobody. A repeat after the
// successor was used is refused and the grant lives: it is a slow process of the same client. A repeat after the grace
// ends the grant: somebody has kept a token (A57, S53). Operators may have it stricter, where any second use ends the
// grant, or not at all, where the same token comes back each time.
//
// All else is checked first, so that a token presented by another client, for another resource or for more scope
// changes nothing (S55).
func (s *server) refresh(ctx context.Context, form params, client client) (tokenAnswer, error) {
	presented := form.get("refresh_token")
	if presented == "" {
		return tokenAnswer{}, badRequest("invalid_request", "refresh_token is missing")
	}
	if !secret.RefreshToken.Valid(presented) {
		return tokenAnswer{}, unknownToken()
	}
	for range maxAttempts {
		use, err := s.checkRefresh(ctx, form, client, presented)
		if err != nil {
			return tokenAnswer{}, err
		}
		answer, err := s.useToken(ctx, use)
		if !errors.Is(err, policies.ErrConflict) { // else another process rotated it just now
			return answer, err
		}
	}
	return tokenAnswer{}, errors.New("refresh: too many attempts at once")
}

func unknownToken() *refusal {
	return badRequest("invalid_grant", "the refresh token is not valid: sign in again")
}

// refreshUse is one presentation of a refresh token, with everything right about it but perhaps its time.
type refreshUse struct {
	presented string
	token     held[refreshRecord]
	grant     held[grantRecord]
	scopes    []string
}

func (s *server) checkRefresh(
	ctx context.Context, form params, client client, presented string,
) (refreshUse, error) {
	call := policies.CallFrom(ctx)
	token, err := load[refreshRecord](ctx, s.store, refreshKey(presented))
	if errors.Is(err, policies.ErrNotFound) {
		return refreshUse{}, unknownToken()
	}
	if err != nil {
		return refreshUse{}, fmt.Errorf("read refresh token: %w", err)
	}
	if token.Data.Client != client.ID {
		s.record(ctx, policies.Event{
			Name: eventTokenRefused, Outcome: outcomeRefused, Client: client.ID, ClientHost: namedBy(client.ID, client.Hosts),
			Grant: token.Data.Grant, Reason: "other_client",
		})
		return refreshUse{}, unknownToken()
	}
	if !call.Time.Before(token.Expires) {
		return refreshUse{}, unknownToken()
	}
	grant, err := load[grantRecord](ctx, s.store, grantKey(token.Data.Person, token.Data.Grant))
	if errors.Is(err, policies.ErrNotFound) {
		return refreshUse{}, unknownToken()
	}
	if err != nil {
		return refreshUse{}, fmt.Errorf("read grant: %w", err)
	}
	if grant.Data.Issuer != s.issuer(ctx) || !s.knows(grant.Data.Person) {
		return refreshUse{}, unknownToken()
	}
	if err := s.sameClient(ctx, client, grant.Data, token.Data.Grant); err != nil {
		return refreshUse{}, err
	}
	if reason := s.options.access.Judge(grant.Data.Person); reason != access.Admitted { // the grant is kept: rules may change back
		s.record(ctx, grantEvent(eventAccessRefused, outcomeRefused, grant.Data, token.Data.Grant, string(reason)))
		return refreshUse{}, unknownToken()
	}
	scopes, err := s.options.scopes.narrowed(form.get("scope"), grant.Data.Scopes)
	if err == nil {
		err = s.sameResource(call.Origin, form, grant.Data.Resource)
	}
	if no, ok := errors.AsType[*refusal](err); ok {
		s.record(ctx, grantEvent(eventTokenRefused, outcomeRefused, grant.Data, token.Data.Grant, no.Code))
	}
	if err != nil {
		return refreshUse{}, err
	}
	return refreshUse{presented: presented, token: token, grant: grant, scopes: scopes}, nil
}
