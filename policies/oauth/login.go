package oauth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/page"
	"durward/policies/oauth/internal/secret"
)

// beginLogin prepares the browser's way to the identity provider. State and its cookie come into being here: after
// consent and not before (A45, S25).
func (s *server) beginLogin(ctx context.Context, record loginRecord, until time.Time) (step, error) {
	browser := secret.LoginCookie.Mint()
	login := policies.Login{
		RedirectURI: record.Asked.Issuer + callbackPath,
		State:       secret.Unguessable(),
		Nonce:       secret.Unguessable(),
		Verifier:    secret.Unguessable(),
		Fresh:       record.Fresh,
	}
	location, err := s.provider.Begin(ctx, login)
	if err != nil {
		return s.loginFailed(ctx, record, err)
	}
	if target, err := url.Parse(location); err != nil || !trustworthy(originOf(target)) {
		return s.loginFailed(ctx, record, &policies.LoginError{
			Fault: policies.LoginMisconfigured, Code: "insecure_provider",
			Hint: "the identity provider's authorization URL must be https, or http on a loopback address",
		})
	}
	record.Provider = s.provider.Issuer()
	record.Browser, record.Nonce, record.Verifier = secret.Digest(browser), login.Nonce, login.Verifier
	next := step{onward: onward{Location: location, Cookie: handleOf(login.State), Value: browser, Until: until}}
	next.change.put(loginKey(login.State), record, 0, until)
	return next, nil
}

// loginFailed tells each what it can use: the operator the hint, in the log; the client a refusal, which it asked for
// and may act on; the person, for everything else, a page with the id under which the operator finds the rest. An error
// that is none of the contract's says nothing about the person, and so lets nobody in.
func (s *server) loginFailed(ctx context.Context, record loginRecord, err error) (step, error) {
	failure := providerFault(err)
	asked := record.Asked
	level := slog.LevelError
	if failure.Fault == policies.LoginRefused { // a person's no is nobody's fault
		level = slog.LevelWarn
	}
	s.logFault(ctx, level, "sign-in failed", failure, err)
	s.record(ctx, askedEvent(eventLoginFailed, outcomeRefused, asked, access.Person{}, failure.Code))
	switch failure.Fault {
	case policies.LoginRefused:
		if record.Purpose != purposeAuthorize { // there is no client to tell
			return step{}, forbidden(page.SignInFailed, "the sign-in was refused")
		}
		return step{onward: onward{Location: s.errorAnswer(asked, "access_denied", "the sign-in was refused")}}, nil
	case policies.LoginMisconfigured:
		return step{}, &refusal{
			Status: http.StatusInternalServerError, Code: "server_error", Page: page.Setup,
			Text: "sign-in is not set up properly here",
		}
	case policies.LoginUnreachable:
		no := &refusal{
			Status: http.StatusBadGateway, Code: "temporarily_unavailable", Page: page.Unreachable,
			Text: "the sign-in service did not answer", RetryAfter: failure.RetryAfter,
		}
		if no.RetryAfter > 0 { // RFC 9110 gives Retry-After a meaning with 503 alone
			no.Status = http.StatusServiceUnavailable
		}
		return step{}, no
	}
	return step{}, &refusal{
		Status: http.StatusBadRequest, Code: "access_denied", Page: page.Unverified,
		Text: "the sign-in could not be verified",
	}
}

// providerFault answers an error of the provider's as the contract has it.
func providerFault(err error) *policies.LoginError {
	if failure, ok := errors.AsType[*policies.LoginError](err); ok {
		return failure
	}
	return &policies.LoginError{Fault: policies.LoginUnreachable, Code: "provider_failed", Err: err}
}

// logFault tells the operator what is wrong with the provider, and what to do.
func (s *server) logFault(ctx context.Context, level slog.Level, what string, failure *policies.LoginError, err error) {
	s.logger.Log(ctx, level, what, "code", failure.Code, "hint", failure.Hint, "trace", failure.Trace,
		"retry_after", failure.RetryAfter.String(), "request_id", policies.CallFrom(ctx).RequestID, "error", err)
}

// signedIn begins a session of its own for every login (C6) and goes on with what the login was for. handle is what the
// provider can be asked with about the person from now on, if it can.
func (s *server) signedIn(
	w http.ResponseWriter, r *http.Request, login loginRecord, who access.Person, handle []byte,
) error {
	ctx := r.Context()
	now := policies.CallFrom(ctx).Time
	former, err := s.endSession(r)
	if err != nil {
		return err
	}
	if former.Subject != "" {
		s.recordEnded(ctx, former, "new_login")
	}
	if reason := s.options.access.Judge(who); reason != access.Admitted {
		return s.refuseAccess(w, r, login, who, reason)
	}
	// The page named somebody else, who is not the one that signed in: consent was not theirs to give.
	another := login.Named != nil && login.Named.Key() != who.Key()
	cookie := secret.SessionCookie.Mint()
	var c change
	session := sessionRecord{Person: who, Login: s.putStanding(&c, now, who, handle, sessionKey(cookie))}
	c.put(sessionKey(cookie), session, 0, now.Add(s.options.sessionTTL))
	var location string
	switch {
	case login.Purpose == purposeGrants:
		location = s.options.basePath.at(grantsPath)
	case !another:
		location = s.codeAnswer(login.Asked, s.putCode(&c, now, login.Asked, session))
	}
	if err := c.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep session: %w", err)
	}
	s.logger.DebugContext(ctx, "signed in", "can_be_rechecked", session.Login != "",
		"request_id", policies.CallFrom(ctx).RequestID)
	s.record(ctx, askedEvent(eventLoginSucceeded, outcomeSuccess, login.Asked, who, ""))
	s.setCookie(w, policies.CallFrom(ctx).Origin, cookieSession, cookie, s.options.sessionTTL)
	if another {
		return s.askConsent(w, r, consentRecord{Asked: login.Asked, Shown: &who}, login.Named)
	}
	redirectTo(w, location)
	return nil
}

// refuseAccess shows a person whom the access rules keep out that it is so. No session comes of the login. They may
// sign in as somebody else, or let the client be told.
func (s *server) refuseAccess(
	w http.ResponseWriter, r *http.Request, login loginRecord, who access.Person, reason access.Denial,
) error {
	ctx := r.Context()
	asked := login.Asked
	s.clearCookie(w, policies.CallFrom(ctx).Origin, cookieSession)
	s.logger.WarnContext(ctx, "access refused", "reason", string(reason), "hint", s.options.access.Hint(who, reason),
		"request_id", policies.CallFrom(ctx).RequestID)
	s.record(ctx, askedEvent(eventAccessRefused, outcomeRefused, asked, who, string(reason)))
	handle, csrf, err := s.keepQuestion(w, r, consentRecord{Asked: asked, Purpose: login.Purpose, Denied: true})
	if err != nil {
		return err
	}
	view := page.Denied{
		Grants: login.Purpose == purposeGrants, Person: who, Reason: reason, Handle: handle, CSRF: csrf,
	}
	if !view.Grants {
		view.Client = page.Client{Name: asked.ClientName, Redirect: asked.Redirect}
		view.Resource, view.Title = asked.Resource, s.routeTitle(asked.Resource)
	}
	return s.pages.Denied(w, view)
}
