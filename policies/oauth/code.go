package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/redirecturi"
	"durward/policies/oauth/internal/secret"
)

// codeLife is how long a code may be redeemed (A36 allows ten minutes; clients need seconds).
const codeLife = time.Minute

// putCode adds a new code to a change, and the grant that it is for: what the client asked for, and whose session allowed
// it. The grant lives as long as the code until the client redeems it. So a person sees at once what they have allowed,
// and what they take back before the client has come for it ends as well.
func (s *server) putCode(c *change, now time.Time, asked authorization, session sessionRecord) string {
	code, id, until := secret.Code.Mint(), rand.Text(), now.Add(codeLife)
	agreed := codeRecord{Asked: asked, Person: session.Person, Login: session.Login, Grant: id}
	c.put(codeKey(code), agreed, 0, until)
	grant := agreedBy(agreed)
	grant.Created = now
	c.put(grantKey(session.Person.Key(), id), grant, 0, until)
	return code
}

// agreedBy is what a person agreed to, as the code that came of it tells.
func agreedBy(code codeRecord) grantRecord {
	asked := code.Asked
	return grantRecord{
		Issuer: asked.Issuer, Person: code.Person, Login: code.Login, Client: asked.Client, ClientName: asked.ClientName,
		ClientPrint: asked.ClientPrint, ClientHosts: asked.ClientHosts, Redirect: asked.Redirect, Resource: asked.Resource,
		Scopes: asked.Scopes,
	}
}

// codeAnswer builds a successful authorization response (A5, A37).
func (s *server) codeAnswer(asked authorization, code string) string {
	return redirecturi.Answer(asked.Redirect, redirecturi.Param{Name: "code", Value: code},
		redirecturi.Param{Name: "state", Value: asked.State}, s.iss(asked))
}

// redeem exchanges a code for the first tokens of its grant (RFC 6749 section 4.1.3). Everything is checked before
// anything is used up (A49), so that a stolen code without its verifier changes nothing (S50); of parallel redemptions
// the store lets one through (S52).
func (s *server) redeem(ctx context.Context, form params, client client) (tokenAnswer, error) {
	presented := form.get("code")
	if presented == "" {
		return tokenAnswer{}, badRequest("invalid_request", "code is missing")
	}
	if !secret.Code.Valid(presented) {
		return tokenAnswer{}, unknownCode()
	}
	for range maxAttempts {
		code, err := load[codeRecord](ctx, s.store, codeKey(presented))
		if errors.Is(err, policies.ErrNotFound) {
			return tokenAnswer{}, unknownCode()
		}
		if err != nil {
			return tokenAnswer{}, fmt.Errorf("read code: %w", err)
		}
		if err := s.checkCode(ctx, form, client, code); err != nil {
			return tokenAnswer{}, err
		}
		if code.Data.Used {
			return tokenAnswer{}, s.replayedCode(ctx, code.Data)
		}
		answer, err := s.firstTokens(ctx, client, code)
		if !errors.Is(err, policies.ErrConflict) {
			return answer, err
		}
	}
	return tokenAnswer{}, errors.New("redeem code: too many attempts at once")
}

func unknownCode() *refusal {
	return badRequest("invalid_grant", "the code is not valid: it is unknown, used, expired or not for this request")
}

// checkCode holds a token request against what the code is bound to (A36, A47, S12, S51).
func (s *server) checkCode(ctx context.Context, form params, client client, code held[codeRecord]) error {
	call := policies.CallFrom(ctx)
	refused := func(reason string, no *refusal) error {
		event := grantEvent(eventCodeRefused, outcomeRefused, agreedBy(code.Data), code.Data.Grant, reason)
		event.Client, event.ClientHost = client.ID, namedBy(client.ID, client.Hosts) // who came with it, whosever it is
		s.record(ctx, event)
		return no
	}
	if reason := s.misused(ctx, form, client, code); reason != "" {
		return refused(reason, unknownCode())
	}
	if err := s.sameClient(ctx, client, agreedBy(code.Data), code.Data.Grant); err != nil {
		return err
	}
	who, err := s.asOf(ctx, code.Data.Login, code.Data.Person)
	if err != nil {
		return err
	}
	if who == nil { // the provider does not let the person in any more
		return refused(endedGone, unknownCode())
	}
	if reason := s.options.access.Judge(*who); reason != access.Admitted { // the rules changed meanwhile
		s.record(ctx, grantEvent(eventAccessRefused, outcomeRefused, agreedBy(code.Data), code.Data.Grant, string(reason)))
		return unknownCode()
	}
	err = s.sameResource(call.Origin, form, code.Data.Asked.Resource)
	if no, ok := errors.AsType[*refusal](err); ok {
		return refused(no.Code, no)
	}
	return err
}

// misused says what is wrong about who brings a code, and how; "" if nothing is.
func (s *server) misused(ctx context.Context, form params, client client, code held[codeRecord]) string {
	asked, redirect := code.Data.Asked, form.get("redirect_uri")
	switch {
	case asked.Client != client.ID:
		return "other_client"
	case asked.Issuer != s.issuer(ctx):
		return "other_issuer"
	case !s.knows(code.Data.Person):
		return "other_provider"
	case !policies.CallFrom(ctx).Time.Before(code.Expires):
		return "expired"
	case redirect != "" && redirect != asked.Redirect:
		return "other_redirect_uri"
	case !verifies(form.get("code_verifier"), asked.Challenge):
		return "wrong_verifier"
	}
	return ""
}

// sameResource holds the resource of a token request, if there is one, against that of the grant (A53, A59). A route
// that has gone to another server, or is gone, is no resource of this one any more: no token is made for it.
func (s *server) sameResource(origin string, form params, granted string) error {
	ours := func(route policies.Route) bool { return resourceOf(origin, route.Path) == granted }
	if !slices.ContainsFunc(s.resources, ours) {
		return s.invalidTarget(origin, "what was granted is not served here any more")
	}
	given := form.all("resource")
	if len(given) == 0 || slices.Equal(given, []string{granted}) {
		return nil
	}
	resource, err := s.resolveResource(origin, given)
	if err != nil {
		return err
	}
	if resource != granted {
		return badRequest("invalid_target", "the resource is not the one that was granted: "+granted)
	}
	return nil
}

// verifies checks a PKCE verifier (RFC 7636 section 4.6).
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	made := base64.RawURLEncoding.EncodeToString(sum[:])
	return subtle.ConstantTimeCompare([]byte(made), []byte(challenge)) == 1
}

// firstTokens uses the code up and makes the first tokens of its grant, in one transaction. The grant is written too, for
// it lives on with them; one that was ended in the meantime makes the whole change fail.
func (s *server) firstTokens(ctx context.Context, client client, code held[codeRecord]) (tokenAnswer, error) {
	now := policies.CallFrom(ctx).Time
	id, person := code.Data.Grant, code.Data.Person.Key()
	grant, err := load[grantRecord](ctx, s.store, grantKey(person, id))
	if errors.Is(err, policies.ErrNotFound) { // it has been taken back
		return tokenAnswer{}, unknownCode()
	}
	if err != nil {
		return tokenAnswer{}, fmt.Errorf("read grant: %w", err)
	}
	used := code.Data
	used.Used = true
	var c change
	c.put(code.Key, used, code.Version, code.Expires)
	grant.Data.AuthMethod = client.Method
	s.prolong(&c, grant, now)
	crowdedOut, err := s.makeRoom(ctx, &c, person)
	if err != nil {
		return tokenAnswer{}, err
	}
	if err := s.firstUse(ctx, &c, client); err != nil {
		return tokenAnswer{}, err
	}
	access := s.putAccess(&c, now, grant.Data, id, grant.Data.Scopes)
	refresh := secret.RefreshToken.Mint()
	c.put(refreshKey(refresh), refreshRecord{Client: grant.Data.Client, Person: person, Grant: id},
		0, now.Add(s.options.refreshTTL))
	if err := c.commit(ctx, s.store); err != nil {
		return tokenAnswer{}, fmt.Errorf("keep grant: %w", err)
	}
	for _, name := range []string{eventCodeRedeemed, eventGrantCreated} {
		s.record(ctx, grantEvent(name, outcomeSuccess, grant.Data, id, ""))
	}
	for _, old := range crowdedOut {
		s.record(ctx, grantEvent(eventGrantRevoked, outcomeSuccess, old.Data, grantID(old.Key), "too_many"))
	}
	return s.answer(access, refresh, grant.Data.Scopes), nil
}

// replayedCode ends the grant of a code that was presented a second time with everything right: one of the two who
// hold it has stolen it (A48, S49).
func (s *server) replayedCode(ctx context.Context, code codeRecord) error {
	s.record(ctx, grantEvent(eventCodeReplayed, outcomeRefused, agreedBy(code), code.Grant, "second_use"))
	if _, err := s.endGrant(ctx, code.Person.Key(), code.Grant, "code_replayed"); err != nil {
		return err
	}
	return unknownCode()
}
