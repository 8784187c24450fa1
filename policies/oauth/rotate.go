package oauth

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// rotationOption is the option that says what becomes of a used refresh token, as a JSON pointer.
const rotationOption = "/gateway/refreshTokenRotation"

// noRotationNote is said of a policy that rotates no refresh tokens (A56).
const noRotationNote = "OAuth 2.1 (section 4.3.1) wants the refresh tokens of clients that do not authenticate to be " +
	"rotated, and most MCP clients do not: without that nobody sees it when one is stolen. Use \"grace\", unless a client " +
	"cannot keep the token that it is given"

// sealedSuccessor is the use under which a refresh token's successor is sealed, under the token.
const sealedSuccessor = "durward refresh token successor v1"

// useToken makes tokens of a refresh token that was presented with everything else right about it. What becomes of the
// token is the operator's choice, and may change while it lives: one that was rotated stays so, and is judged by the
// grace unless no second use is to be forgiven.
func (s *server) useToken(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	now := policies.CallFrom(ctx).Time
	first := use.token.Data.Rotated
	switch {
	case first.IsZero():
	case s.options.rotation == rotateStrict:
		return tokenAnswer{}, s.replayedToken(ctx, use, "second_use")
	case !now.Before(first.Add(s.options.rotationGrace)):
		return tokenAnswer{}, s.replayedToken(ctx, use, "after_grace")
	}
	// A theft is one whatever the provider says; for anything else the person must still be welcome there.
	if err := s.stillWelcome(ctx, use.grant); err != nil {
		return tokenAnswer{}, err
	}
	switch {
	case !first.IsZero():
		return s.repeat(ctx, use)
	case s.options.rotation == rotateNone:
		return s.keepToken(ctx, use)
	}
	return s.rotate(ctx, use)
}

// rotate makes the successor. The grant is written too: it lives on with its tokens, and a grant that was ended in the
// meantime makes the whole change fail.
func (s *server) rotate(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	now := policies.CallFrom(ctx).Time
	successor := secret.RefreshToken.Mint()
	sealed, err := secret.Seal(use.presented, sealedSuccessor, successor)
	if err != nil {
		return tokenAnswer{}, err
	}
	rotated := use.token.Data
	rotated.Rotated, rotated.Next, rotated.Sealed = now, refreshKey(successor), sealed
	var c change
	c.put(use.token.Key, rotated, use.token.Version, later(use.token.Expires, now.Add(s.options.rotationGrace)))
	c.put(refreshKey(successor), refreshRecord{
		Client: rotated.Client, Person: rotated.Person, Grant: rotated.Grant,
	}, 0, now.Add(s.options.refreshTTL))
	s.prolong(&c, use.grant, now)
	access := s.putAccess(&c, now, use.grant.Data, rotated.Grant, use.scopes)
	if err := c.commit(ctx, s.store); err != nil {
		return tokenAnswer{}, fmt.Errorf("rotate refresh token: %w", err)
	}
	s.record(ctx, use.event(""))
	return s.answer(access, successor, use.scopes), nil
}

// repeat answers a token that was rotated, and not so long ago that somebody must have kept it: with the same successor,
// until that has been used. Neither of them lives longer by it.
func (s *server) repeat(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	id := use.token.Data.Grant
	next, err := load[refreshRecord](ctx, s.store, use.token.Data.Next)
	if errors.Is(err, policies.ErrNotFound) { // it has expired unused
		return tokenAnswer{}, unknownToken()
	}
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("read successor: %w", err)
	}
	if next.Data.Used || !next.Data.Rotated.IsZero() {
		s.record(ctx, grantEvent(eventTokenReplayed, outcomeRefused, use.grant.Data, id, "successor_used"))
		return tokenAnswer{}, unknownToken()
	}
	successor, err := secret.Open(use.presented, sealedSuccessor, use.token.Data.Sealed)
	if err != nil {
		return tokenAnswer{}, err
	}
	var c change
	s.outlive(&c, use.grant, policies.CallFrom(ctx).Time)
	return s.again(ctx, use, &c, successor, "repeated")
}

// keptFor is how close two uses of a token that is not rotated must be for the second to write nothing but its access
// token: the processes of a client that share it do not stand in each other's way.
const keptFor = time.Second

// keepToken answers with the token that was presented. Its life begins anew, and its grant's with it: nobody who came
// before the last use, and was served after it, takes anything of that away.
func (s *server) keepToken(ctx context.Context, use refreshUse) (tokenAnswer, error) {
	now := later(policies.CallFrom(ctx).Time, use.grant.Data.Used)
	until := now.Add(s.options.refreshTTL)
	var c change
	if kept := use.token.Data; !kept.Used || until.Sub(use.token.Expires).Abs() >= keptFor {
		kept.Used = true
		c.put(use.token.Key, kept, use.token.Version, until)
		s.prolong(&c, use.grant, now)
	} else {
		s.outlive(&c, use.grant, now)
	}
	return s.again(ctx, use, &c, use.presented, "")
}

// again adds an access token to a change, commits it, and answers with a refresh token that there is already.
func (s *server) again(
	ctx context.Context, use refreshUse, c *change, refresh, reason string,
) (tokenAnswer, error) {
	id := use.token.Data.Grant
	access := s.putAccess(c, policies.CallFrom(ctx).Time, use.grant.Data, id, use.scopes)
	if err := c.commit(ctx, s.store); err != nil {
		return tokenAnswer{}, fmt.Errorf("keep access token: %w", err)
	}
	s.record(ctx, use.event(reason))
	return s.answer(access, refresh, use.scopes), nil
}

// replayedToken ends the grant of a rotated token that nobody should hold any more: one of those who do has stolen it
// (A57, S53).
func (s *server) replayedToken(ctx context.Context, use refreshUse, why string) error {
	id := use.token.Data.Grant
	s.record(ctx, grantEvent(eventTokenReplayed, outcomeRefused, use.grant.Data, id, why))
	if _, err := s.endGrant(ctx, use.token.Data.Person, id, "token_replayed"); err != nil {
		return err
	}
	return unknownToken()
}

// event is that of tokens that were made: with the scopes that they have, which may be less than the grant's.
func (u refreshUse) event(reason string) policies.Event {
	event := grantEvent(eventTokenRefreshed, outcomeSuccess, u.grant.Data, u.token.Data.Grant, reason)
	event.Scope = strings.Join(u.scopes, " ")
	return event
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
