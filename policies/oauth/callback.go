package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"durward/policies"
)

// serveCallback takes the browser back from the identity provider (A45, A46, S20, S24, S28).
func (s *server) serveCallback(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["state"]) != 1 || query.Get("state") == "" {
		return badRequest("invalid_request", "the sign-in came back incomplete: start again from your app")
	}
	state := query.Get("state")
	login, err := load[loginRecord](ctx, s.store, loginKey(state))
	if errors.Is(err, policies.ErrNotFound) {
		return staleLogin()
	}
	if err != nil {
		return fmt.Errorf("read login: %w", err)
	}
	// Whoever followed the provider's redirect must be who consented. Another browser's visit uses nothing up.
	name := cookieLogin + handleOf(state)
	asked := login.Data.Asked
	browser := s.cookie(r, name, loginCookie)
	if browser == "" || !matches(browser, login.Data.Browser) || asked.Issuer != policies.CallFrom(ctx).Origin {
		s.record(ctx, policies.Event{
			Name: "login.failed", Outcome: outcomeRefused, Client: asked.Client, Resource: asked.Resource,
			Reason: "other_browser",
		})
		return forbidden("this sign-in was started in another browser: nothing was allowed")
	}
	// A state is used once, and before the provider is asked: a repeat never reaches it.
	if login, err = take[loginRecord](ctx, s.store, loginKey(state)); errors.Is(err, policies.ErrNotFound) {
		return staleLogin()
	} else if err != nil {
		return fmt.Errorf("take login: %w", err)
	}
	s.clearCookie(w, asked.Issuer, name)
	identity, err := s.provider.Complete(ctx, policies.Login{
		RedirectURI: asked.Issuer + callbackPath, State: state, Nonce: login.Data.Nonce, Verifier: login.Data.Verifier,
	}, policies.Callback{Query: query})
	if err == nil && (identity.Subject == "" || identity.Issuer != s.provider.Issuer()) {
		err = &policies.LoginError{Fault: policies.LoginInvalid, Code: "foreign_identity"}
	}
	var location string
	if err != nil {
		location, err = s.loginFailed(ctx, asked, err)
	} else {
		location, err = s.signedIn(w, r, asked, person{
			Issuer: identity.Issuer, Subject: identity.Subject, Email: identity.Email, Name: identity.Name,
		})
	}
	if err != nil {
		return err
	}
	redirectTo(w, location)
	return nil
}

func staleLogin() *refusal {
	return badRequest("invalid_request",
		"this sign-in is not known: it has been used already, or has taken too long. Start again from your app")
}

// signedIn begins a session of its own for every login (C6) and answers where to take the code.
func (s *server) signedIn(w http.ResponseWriter, r *http.Request, asked authorization, who person) (string, error) {
	ctx := r.Context()
	now := policies.CallFrom(ctx).Time
	if err := s.endSession(r); err != nil {
		return "", err
	}
	session := sessionCookie.mint()
	var c change
	c.put(sessionKey(session), sessionRecord{Person: who}, 0, now.Add(s.options.sessionTTL))
	code := s.putCode(&c, now, asked, who)
	if err := c.commit(ctx, s.store); err != nil {
		return "", fmt.Errorf("keep session and code: %w", err)
	}
	s.record(ctx, policies.Event{
		Name: "login.succeeded", Outcome: outcomeSuccess, Issuer: who.Issuer, Subject: who.Subject,
		Client: asked.Client, Resource: asked.Resource,
	})
	s.setCookie(w, asked.Issuer, cookieSession, session, s.options.sessionTTL)
	return codeAnswer(asked, code), nil
}

// loginFailed tells each what it can use: the operator the hint, in the log; the client a refusal, which it asked for
// and may act on; the person, for everything else, a page with the id under which the operator finds the rest.
func (s *server) loginFailed(ctx context.Context, asked authorization, err error) (string, error) {
	failure, ok := errors.AsType[*policies.LoginError](err)
	if !ok {
		failure = &policies.LoginError{Fault: policies.LoginUnreachable, Code: "provider_failed", Err: err}
	}
	s.logger.ErrorContext(ctx, "sign-in failed", "code", failure.Code, "hint", failure.Hint, "trace", failure.Trace,
		"request_id", policies.CallFrom(ctx).RequestID, "error", err)
	s.record(ctx, policies.Event{
		Name: "login.failed", Outcome: outcomeRefused, Client: asked.Client, Resource: asked.Resource,
		Reason: failure.Code,
	})
	switch failure.Fault {
	case policies.LoginRefused:
		return errorAnswer(asked, "access_denied", "the sign-in was refused"), nil
	case policies.LoginMisconfigured:
		return "", &refusal{
			Status: http.StatusInternalServerError, Code: "server_error",
			Text: "sign-in is not set up properly here: please tell the people who run this gateway",
		}
	case policies.LoginUnreachable:
		return "", &refusal{
			Status: http.StatusBadGateway, Code: "temporarily_unavailable",
			Text: "the sign-in service did not answer: please start again from your app in a moment",
		}
	}
	return "", badRequest("access_denied", "the sign-in could not be verified: please start again from your app")
}
