package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/page"
	"durward/policies/oauth/internal/redirecturi"
	"durward/policies/oauth/internal/secret"
)

// askConsent shows what the client asks for and binds the question to this browser (A42 to A44). The record holds all
// that was asked: the form brings back nothing but the person's answer. former is set if the page takes the place of one
// that was shown to somebody else.
func (s *server) askConsent(w http.ResponseWriter, r *http.Request, record consentRecord, former *access.Person) error {
	ctx := r.Context()
	asked := record.Asked
	view := page.Consent{
		Client: page.Client{
			Name: asked.ClientName, Redirect: asked.Redirect, Document: documentHost(asked.Client),
		},
		Resource: asked.Resource,
		Title:    s.routeTitle(asked.Resource),
		Offline:  slices.Contains(asked.Scopes, scopeOffline),
		Person:   record.Shown,
		Former:   former,
	}
	view.Usual, view.More = s.abilities(asked.Resource, asked.Scopes)
	var err error
	if record.Shown != nil {
		grants, err := s.grantsOf(ctx, record.Shown.Key())
		if err != nil {
			return err
		}
		view.Allowed = s.lastAllowed(grants, asked)
		if view.Changed, err = s.hasChanged(ctx, grants, *record.Shown, asked); err != nil {
			return err
		}
	}
	if view.Handle, view.CSRF, err = s.keepQuestion(w, r, record); err != nil {
		return err
	}
	return s.pages.Consent(w, view)
}

// keepQuestion writes the record of a page with a form, gives the browser the cookie that it is bound to, and answers
// what goes into the form.
func (s *server) keepQuestion(
	w http.ResponseWriter, r *http.Request, record consentRecord,
) (handle, csrf string, err error) {
	ctx := r.Context()
	cookie, csrf := secret.ConsentCookie.Mint(), secret.Unguessable()
	record.CSRF = secret.Digest(csrf)
	var c change
	c.put(consentKey(cookie), record, 0, policies.CallFrom(ctx).Time.Add(s.options.stateTTL))
	if err := c.commit(ctx, s.store); err != nil {
		return "", "", fmt.Errorf("keep consent request: %w", err)
	}
	s.setCookie(w, policies.CallFrom(ctx).Origin, cookieConsent+handleOf(cookie), cookie, s.options.stateTTL)
	s.forgetOldest(w, r)
	return handleOf(cookie), csrf, nil
}

// question is a page that was shown, found again by the browser's cookie and the form's token.
type question struct {
	held[consentRecord]
	cookie string
}

// serveConsent takes the person's answer. It counts only once, only from the browser that was asked, and only from our
// own form (S22).
func (s *server) serveConsent(w http.ResponseWriter, r *http.Request) error {
	if !sameOrigin(r) {
		return foreignForm()
	}
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	for range maxAttempts {
		asked, err := s.questionOf(r, form)
		if err != nil {
			return err
		}
		if asked.Data.Answer != "" {
			return s.answerAgain(w, r, asked, form.get("answer"))
		}
		err = s.settle(w, r, asked, form.get("answer"))
		if !errors.Is(err, policies.ErrConflict) { // else another click got in between our reading and writing
			return err
		}
	}
	return errors.New("answer consent: too many attempts at once")
}

func (s *server) questionOf(r *http.Request, form params) (question, error) {
	cookie := s.cookie(r, cookieConsent+form.get("request"), secret.ConsentCookie)
	if cookie == "" {
		return question{}, forbidden(page.OtherPage, "this page does not belong to this browser, or cookies are switched off")
	}
	found, err := load[consentRecord](r.Context(), s.store, consentKey(cookie))
	if errors.Is(err, policies.ErrNotFound) {
		return question{}, usedUp()
	}
	if err != nil {
		return question{}, fmt.Errorf("read consent request: %w", err)
	}
	if found.Data.Asked.Issuer != s.issuer(r.Context()) { // the server has moved: no login of its old place comes back
		return question{}, usedUp()
	}
	if !secret.Matches(form.get("csrf"), found.Data.CSRF) {
		return question{}, forbidden(page.OtherPage, "this form is not the one that was shown")
	}
	return question{held: found, cookie: cookie}, nil
}

// settle acts on an answer. Each comes to a step, but for one: allowing on a page that named somebody else than who is
// signed in now asks again, and uses nothing up.
func (s *server) settle(w http.ResponseWriter, r *http.Request, q question, reply string) error {
	ctx := r.Context()
	if q.Data.Purpose == purposeAuthorize {
		if err := s.stillAsShown(ctx, q.Data.Asked); err != nil {
			return err
		}
	}
	var next step
	var err error
	switch {
	case reply == "switch":
		next, err = s.toProvider(ctx, q, true)
	case reply == "deny" && q.Data.Purpose == purposeAuthorize:
		next = s.declined(q.Data)
	case reply == "allow" && q.Data.Purpose == purposeAuthorize && !q.Data.Denied:
		session, failed := s.sessionOf(r)
		if failed != nil {
			return failed
		}
		switch shown := q.Data.Shown; {
		case session == nil || shown == nil:
			next, err = s.toProvider(ctx, q, q.Data.Fresh)
		case session.Data.Person.Key() != shown.Key():
			return s.askConsent(w, r, consentRecord{Asked: q.Data.Asked, Shown: &session.Data.Person}, shown)
		default:
			next = s.straight(policies.CallFrom(ctx).Time, q.Data, session.held)
		}
	default:
		return badRequest("invalid_request", "the form holds no answer to this page")
	}
	if err != nil {
		return err
	}
	return s.finish(w, r, q, reply, next)
}

// straight is allowing while the person whom the page named is signed in: the code, without the identity provider. The
// session is written too, as it is: one that was ended in the meantime makes the whole change fail.
func (s *server) straight(now time.Time, record consentRecord, session held[sessionRecord]) step {
	next := step{event: askedEvent(eventConsentGiven, outcomeSuccess, record.Asked, session.Data.Person, "")}
	next.Location = s.codeAnswer(record.Asked, s.putCode(&next.change, now, record.Asked, session.Data))
	next.change.put(session.Key, session.Data, session.Version, session.Expires)
	return next
}

// toProvider sends the browser to the identity provider. The login keeps the time that the request has left.
func (s *server) toProvider(ctx context.Context, q question, fresh bool) (step, error) {
	login := loginRecord{Asked: q.Data.Asked, Purpose: q.Data.Purpose, Fresh: fresh}
	if !fresh {
		login.Named = q.Data.Shown
	}
	next, err := s.beginLogin(ctx, login, q.Expires)
	if q.Data.Purpose == purposeAuthorize && !q.Data.Denied { // else consent is not what was asked for
		next.event = askedEvent(eventConsentGiven, outcomeSuccess, q.Data.Asked, access.Person{}, "")
	}
	return next, err
}

// declined tells the client, as the person's click on our page asks for (S9).
func (s *server) declined(record consentRecord) step {
	return step{
		onward: onward{Location: s.errorAnswer(record.Asked, "access_denied", "the person did not allow it")},
		event:  askedEvent(eventConsentRefused, outcomeRefused, record.Asked, access.Person{}, ""),
	}
}

// stillAsShown checks that what the person read on the page is still so: the client's name, that the redirect URI is
// the client's, and that the resource is served. Both before anything leaves for the provider and when the person comes
// back from there, for the way there may take minutes.
func (s *server) stillAsShown(ctx context.Context, asked authorization) error {
	client, err := s.client(ctx, asked.Client)
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return err
	}
	origin := policies.CallFrom(ctx).Origin
	served := func(route policies.Route) bool { return resourceOf(origin, route.Path) == asked.Resource }
	if err == nil && client.Name == asked.ClientName && client.Fingerprint == asked.ClientPrint &&
		redirecturi.Match(client.Redirects, asked.Redirect) && slices.ContainsFunc(s.resources, served) {
		return nil
	}
	s.record(ctx, askedEvent(eventConsentRefused, outcomeRefused, asked, access.Person{}, "client_changed"))
	return forbidden(page.Changed, "the app is not any more what it was when this was asked: nothing was allowed")
}
