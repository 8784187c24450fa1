package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"durward/policies"
)

// askConsent shows what the client asks for and binds the question to this browser (A42 to A44). The record holds all
// that was asked: the form brings back nothing but the person's answer.
func (s *server) askConsent(
	w http.ResponseWriter, r *http.Request, client clientRecord, asked authorization, who *person,
) error {
	ctx := r.Context()
	secret, csrf := consentCookie.mint(), unguessable()
	record := consentRecord{Asked: asked, CSRF: digest(csrf)}
	if who != nil {
		record.Person = who.key()
	}
	var c change
	c.put(consentKey(secret), record, 0, policies.CallFrom(ctx).Time.Add(s.options.stateTTL))
	if err := c.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep consent request: %w", err)
	}
	s.setCookie(w, asked.Issuer, cookieConsent+handleOf(secret), secret, s.options.stateTTL)
	return s.showConsent(w, consentView{
		Client:   clientView{Name: client.Name, Redirect: asked.Redirect},
		Resource: asked.Resource,
		Title:    s.routeTitle(asked.Issuer, asked.Resource),
		Offline:  covers(asked.Scopes, []string{scopeOffline}),
		Person:   who,
		Handle:   handleOf(secret),
		CSRF:     csrf,
	})
}

// serveConsent takes the person's answer. It counts only once, only from the browser that was asked, and only from our
// own form (S22).
func (s *server) serveConsent(w http.ResponseWriter, r *http.Request) error {
	if !sameOrigin(r) {
		return forbidden("this form was sent from another site: nothing was allowed")
	}
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	secret := s.cookie(r, cookieConsent+form.get("request"), consentCookie)
	if secret == "" {
		return forbidden("this page does not belong to this browser, or cookies are switched off: " +
			"start again from your app")
	}
	consent, err := load[consentRecord](r.Context(), s.store, consentKey(secret))
	if errors.Is(err, policies.ErrNotFound) {
		return usedUp()
	}
	if err != nil {
		return fmt.Errorf("read consent request: %w", err)
	}
	if !matches(form.get("csrf"), consent.Data.CSRF) {
		return forbidden("this form is not the one that was shown: start again from your app")
	}
	var location string
	switch form.get("answer") {
	case "allow":
		location, err = s.consented(w, r, consent, true)
	case "switch":
		location, err = s.consented(w, r, consent, false)
	case "deny":
		location, err = s.declined(r.Context(), consent)
	default:
		return badRequest("invalid_request", "the form holds no answer")
	}
	if errors.Is(err, policies.ErrConflict) { // somebody answered between our reading and writing
		return usedUp()
	}
	if err != nil {
		return err
	}
	s.clearCookie(w, consent.Data.Asked.Issuer, cookieConsent+handleOf(secret))
	redirectTo(w, location)
	return nil
}

func forbidden(text string) *refusal {
	return &refusal{Status: http.StatusForbidden, Code: "access_denied", Text: text}
}

func usedUp() *refusal {
	return forbidden("this page has been answered already, or has waited too long: start again from your app")
}

// consented answers where to go: to the identity provider, or straight to the client if the person that the page named
// is still signed in with this browser and wants to be the one.
func (s *server) consented(
	w http.ResponseWriter, r *http.Request, consent held[consentRecord], asShown bool,
) (string, error) {
	ctx := r.Context()
	asked := consent.Data.Asked
	who, err := s.session(r)
	if err != nil {
		return "", err
	}
	if !asShown || who == nil || who.key() != consent.Data.Person {
		return s.beginLogin(ctx, w, consent)
	}
	var c change
	c.remove(consent.Key, consent.Version)
	code := s.putCode(&c, policies.CallFrom(ctx).Time, asked, *who)
	if err := c.commit(ctx, s.store); err != nil {
		return "", fmt.Errorf("keep code: %w", err)
	}
	s.record(ctx, consentEvent("consent.given", outcomeSuccess, asked, *who))
	return codeAnswer(asked, code), nil
}

// beginLogin sends the browser to the identity provider. State and its cookie come into being here, after consent and
// not before (A45, S25); the login keeps the time that the request has left.
func (s *server) beginLogin(
	ctx context.Context, w http.ResponseWriter, consent held[consentRecord],
) (string, error) {
	asked := consent.Data.Asked
	browser := loginCookie.mint()
	login := policies.Login{
		RedirectURI: asked.Issuer + callbackPath,
		State:       unguessable(),
		Nonce:       unguessable(),
		Verifier:    unguessable(),
	}
	location, err := s.provider.Begin(ctx, login)
	if err != nil {
		return s.loginFailed(ctx, asked, err)
	}
	if target, err := url.Parse(location); err != nil || !trustworthy(originOf(target)) {
		return s.loginFailed(ctx, asked, &policies.LoginError{
			Fault: policies.LoginMisconfigured, Code: "insecure_provider",
			Hint: "the identity provider's authorization URL must be https, or http on a loopback address",
		})
	}
	var c change
	c.remove(consent.Key, consent.Version)
	c.put(loginKey(login.State), loginRecord{
		Asked: asked, Browser: digest(browser), Nonce: login.Nonce, Verifier: login.Verifier,
	}, 0, consent.Expires)
	if err := c.commit(ctx, s.store); err != nil {
		return "", fmt.Errorf("keep login: %w", err)
	}
	s.record(ctx, consentEvent("consent.given", outcomeSuccess, asked, person{}))
	left := consent.Expires.Sub(policies.CallFrom(ctx).Time)
	s.setCookie(w, asked.Issuer, cookieLogin+handleOf(login.State), browser, left)
	return location, nil
}

// declined tells the client, as the person's click on our page asks for (S9).
func (s *server) declined(ctx context.Context, consent held[consentRecord]) (string, error) {
	asked := consent.Data.Asked
	var c change
	c.remove(consent.Key, consent.Version)
	if err := c.commit(ctx, s.store); err != nil {
		return "", fmt.Errorf("forget consent request: %w", err)
	}
	s.record(ctx, consentEvent("consent.refused", outcomeRefused, asked, person{}))
	return errorAnswer(asked, "access_denied", "the person did not allow it"), nil
}

// consentEvent is about a person if one was signed in.
func consentEvent(name, outcome string, asked authorization, who person) policies.Event {
	return policies.Event{
		Name: name, Outcome: outcome, Issuer: who.Issuer, Subject: who.Subject,
		Client: asked.Client, Resource: asked.Resource,
	}
}
