package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/page"
	"durward/policies/oauth/internal/secret"
)

// serveCallback takes the browser back from the identity provider (A45, A46, S20, S24, S28).
func (s *server) serveCallback(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || len(query["state"]) != 1 || query.Get("state") == "" {
		return &refusal{
			Status: http.StatusBadRequest, Code: "invalid_request", Page: page.Incomplete,
			Text: "the sign-in came back incomplete",
		}
	}
	state := query.Get("state")
	login, err := load[loginRecord](ctx, s.store, loginKey(state))
	if errors.Is(err, policies.ErrNotFound) {
		return staleLogin()
	}
	if err != nil {
		return fmt.Errorf("read login: %w", err)
	}
	if login.Data.Provider != s.provider.Issuer() { // the options name another by now, who must not see this one's code (C4)
		return staleLogin()
	}
	// Whoever followed the provider's redirect must be who consented. Another browser's visit uses nothing up.
	name := cookieLogin + handleOf(state)
	asked := login.Data.Asked
	browser := s.cookie(r, name, secret.LoginCookie)
	if browser == "" || !secret.Matches(browser, login.Data.Browser) || asked.Issuer != s.issuer(ctx) {
		if err := s.withinLimits(ctx, limitedAuthorizations); err != nil { // it may be said again and again
			return err
		}
		s.record(ctx, askedEvent(eventLoginFailed, outcomeRefused, asked, access.Person{}, "other_browser"))
		return forbidden(page.OtherBrowser, "this sign-in was started in another browser: nothing was allowed")
	}
	// A state is used once, and before the provider is asked: a repeat never reaches it.
	if login, err = take[loginRecord](ctx, s.store, loginKey(state)); errors.Is(err, policies.ErrNotFound) {
		return staleLogin()
	} else if err != nil {
		return fmt.Errorf("take login: %w", err)
	}
	s.clearCookie(w, policies.CallFrom(ctx).Origin, name)
	if login.Data.Purpose == purposeAuthorize {
		if err := s.stillAsShown(ctx, asked); err != nil {
			return err
		}
	}
	identity, err := s.provider.Complete(ctx, policies.Login{
		RedirectURI: asked.Issuer + callbackPath, State: state, Nonce: login.Data.Nonce, Verifier: login.Data.Verifier,
		Fresh: login.Data.Fresh,
	}, policies.Callback{Query: query})
	if err == nil && (identity.Subject == "" || identity.Issuer != s.provider.Issuer()) {
		err = &policies.LoginError{Fault: policies.LoginInvalid, Code: "foreign_identity"}
	}
	if err == nil {
		return s.signedIn(w, r, login.Data, s.options.access.PersonOf(identity), identity.Handle)
	}
	next, err := s.loginFailed(ctx, login.Data, err)
	if err != nil {
		return err
	}
	s.sendOn(w, r, next.onward)
	return nil
}

func staleLogin() *refusal {
	return &refusal{
		Status: http.StatusBadRequest, Code: "invalid_request", Page: page.StaleLogin,
		Text: "this sign-in is not known: it has been used already, or has taken too long",
	}
}
