package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"durward/policies"
)

// rotationGrace is how long after its first use a refresh token may be presented again. Clients whose processes share
// one token, or that lost an answer on the way, live by it (S54).
const rotationGrace = 60 * time.Second

// refresh exchanges a refresh token for its successor and a fresh access token (RFC 6749 section 6, A56 to A59).
//
// The first use rotates: one transaction marks the token as rotated and keeps the successor in its record, sealed under a
// key that only the presented token yields. That is the one place where a token is kept, and nobody can read it but who
// holds the predecessor. So until the grace ends or the successor is used, a repeat gets the same successor, and a crash
// after the transaction strands nobody. A repeat after the successor was used is refused and the grant lives: it is a
// slow process of the same client. A repeat after the grace ends the grant: somebody has kept a token (A57, S53).
//
// All else is checked first, so that a token presented by another client, for another resource or for more scope
// changes nothing (S55).
func (s *server) refresh(ctx context.Context, form params, client client) (tokenAnswer, error) {
	presented := form.get("refresh_token")
	if presented == "" {
		return tokenAnswer{}, badRequest("invalid_request", "refresh_token is missing")
	}
	if !refreshToken.valid(presented) {
		return tokenAnswer{}, unknownToken()
	}
	for range maxAttempts {
		use, err := s.checkRefresh(ctx, form, client, presented)
		if err != nil {
			return tokenAnswer{}, err
		}
		var answer tokenAnswer
		if use.token.Data.Rotated.IsZero() {
			answer, err = s.rotate(ctx, use)
		} else {
			answer, err = s.repeat(ctx, use)
		}
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
	if token.Data.Client != client.ID || !call.Time.Before(token.Expires) {
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
	if reason := s.options.access.judge(grant.Data.Person); reason != admitted { // the grant is kept: rules may change back
		s.record(ctx, grantEvent("access.refused", outcomeRefused, grant.Data, token.Data.Grant, string(reason)))
		return refreshUse{}, unknownToken()
	}
	scopes, err := narrowed(form.get("scope"), grant.Data.Scopes)
	if err != nil {
		return refreshUse{}, err
	}
	if err := s.sameResource(call.Origin, form, grant.Data.Resource); err != nil {
		return refreshUse{}, err
	}
	return refreshUse{presented: presented, token: token, grant: grant, scopes: scopes}, nil
}

// rotate makes the successor. The grant is written too: it lives on with its tokens, and a grant that was ended in the
// meantime makes the whole change fail.
func (s *server) rotate(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	now := policies.CallFrom(ctx).Time
	successor := refreshToken.mint()
	sealed, err := sealUnder(use.presented, sealedSuccessor, successor)
	if err != nil {
		return tokenAnswer{}, err
	}
	rotated := use.token.Data
	rotated.Rotated, rotated.Next, rotated.Sealed = now, refreshKey(successor), sealed
	var c change
	c.put(use.token.Key, rotated, use.token.Version, later(use.token.Expires, now.Add(rotationGrace)))
	c.put(refreshKey(successor), refreshRecord{
		Client: rotated.Client, Person: rotated.Person, Grant: rotated.Grant,
	}, 0, now.Add(s.options.refreshTTL))
	c.put(use.grant.Key, use.grant.Data, use.grant.Version, later(use.grant.Expires, now.Add(s.grantLife())))
	access := s.putAccess(&c, now, use.grant.Data, rotated.Grant, use.scopes)
	if err := c.commit(ctx, s.store); err != nil {
		return tokenAnswer{}, fmt.Errorf("rotate refresh token: %w", err)
	}
	s.record(ctx, grantEvent("token.refreshed", outcomeSuccess, use.grant.Data, rotated.Grant, ""))
	return s.answer(access, successor, use.scopes), nil
}

// repeat answers a token that was rotated before.
func (s *server) repeat(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	now := policies.CallFrom(ctx).Time
	id := use.token.Data.Grant
	if !now.Before(use.token.Data.Rotated.Add(rotationGrace)) {
		s.record(ctx, grantEvent("token.replayed", outcomeRefused, use.grant.Data, id, "after_grace"))
		if _, err := s.endGrant(ctx, use.token.Data.Person, id, "token_replayed"); err != nil {
			return tokenAnswer{}, err
		}
		return tokenAnswer{}, unknownToken()
	}
	next, err := load[refreshRecord](ctx, s.store, use.token.Data.Next)
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return tokenAnswer{}, fmt.Errorf("read successor: %w", err)
	}
	if err != nil || !next.Data.Rotated.IsZero() {
		s.record(ctx, grantEvent("token.replayed", outcomeRefused, use.grant.Data, id, "successor_used"))
		return tokenAnswer{}, unknownToken()
	}
	successor, err := openUnder(use.presented, sealedSuccessor, use.token.Data.Sealed)
	if err != nil {
		return tokenAnswer{}, err
	}
	var c change
	access := s.putAccess(&c, now, use.grant.Data, id, use.scopes)
	if err := c.commit(ctx, s.store); err != nil {
		return tokenAnswer{}, fmt.Errorf("keep access token: %w", err)
	}
	s.record(ctx, grantEvent("token.refreshed", outcomeSuccess, use.grant.Data, id, "repeated"))
	return s.answer(access, successor, use.scopes), nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
