package oauth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"durward/policies"
	"durward/policies/oauth/internal/page"
)

// shownGrants bounds the page of a person's grants.
const shownGrants = 200

// serveGrants is where a person sees what they have allowed, and takes it back (A40).
func (s *server) serveGrants(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodPost {
		return s.changeGrants(w, r)
	}
	session, err := s.sessionOf(r)
	if err != nil {
		return err
	}
	if session == nil {
		return s.pages.SignIn(w)
	}
	view := page.Grants{Person: session.Data.Person, Ended: session.Data.Ended, CSRF: formToken(session.cookie)}
	grants, err := s.grantsOf(r.Context(), view.Person.Key())
	if err != nil {
		return err
	}
	if view.More = len(grants) > shownGrants; view.More {
		grants = grants[:shownGrants]
	}
	names := map[string]string{}
	for _, grant := range grants {
		id := grant.Data.Client
		if _, asked := names[id]; !asked {
			if names[id], err = s.nameOf(r.Context(), grant.Data); err != nil {
				return err
			}
		}
		usual, more := s.abilities(grant.Data.Resource, grant.Data.Scopes)
		view.Grants = append(view.Grants, page.Grant{
			ID:        grantID(grant.Key),
			Client:    page.Client{Name: names[id], Redirect: grant.Data.Redirect},
			Resource:  grant.Data.Resource,
			Title:     s.routeTitle(grant.Data.Resource),
			Offline:   slices.Contains(grant.Data.Scopes, scopeOffline),
			Abilities: slices.Concat(usual, more),
			Since:     grant.Data.Created,
			Until:     grant.Expires,
		})
	}
	if err := s.noteEnded(r, *session, 0); err != nil {
		return err
	}
	return s.pages.Grants(w, view)
}

// changeGrants acts on the form of the page. Only a page of ours can have sent it, and but for signing in only one that
// was shown to this very session (C6).
func (s *server) changeGrants(w http.ResponseWriter, r *http.Request) error {
	if !sameOrigin(r) {
		return foreignForm()
	}
	form, err := parseForm(r)
	if err != nil {
		return err
	}
	if form.get("answer") == "sign-in" {
		return s.signInForGrants(w, r)
	}
	if form.get("csrf") == "" {
		return forbidden(page.OtherPage, "this form is not the one that was shown")
	}
	session, err := s.sessionOf(r)
	if err != nil {
		return err
	}
	if session == nil { // it has ended since the page was shown: there is nobody to act for
		redirectTo(w, s.options.basePath.at(grantsPath))
		return nil
	}
	if !hmac.Equal([]byte(form.get("csrf")), []byte(formToken(session.cookie))) {
		return forbidden(page.OtherPage, "this form is not the one that was shown")
	}
	switch answer, id := form.get("answer"), form.get("grant"); {
	case answer == "sign-out":
		return s.signOut(w, r)
	case answer == "revoke" && isGrantID(id):
		return s.takeBack(w, r, *session, id)
	case answer == "revoke-all":
		return s.takeBack(w, r, *session, "")
	}
	return badRequest("invalid_request", "the form holds no answer to this page")
}

// takeBack ends a grant of the session's person, or all of them if id is empty.
func (s *server) takeBack(w http.ResponseWriter, r *http.Request, session signedInBrowser, id string) error {
	count, err := s.endGrants(r.Context(), session.Data.Person.Key(), id, "person")
	if err != nil {
		return err
	}
	if err := s.noteEnded(r, session, count); err != nil {
		return err
	}
	redirectTo(w, s.options.basePath.at(grantsPath))
	return nil
}

// noteEnded keeps for the next page how many grants were taken back. It stands in the session and not in the address, so
// that nobody can send a person a link to a page that says so. Losing a race with another tab loses a line of text.
func (s *server) noteEnded(r *http.Request, session signedInBrowser, count int) error {
	if session.Data.Ended == count {
		return nil
	}
	session.Data.Ended = count
	var c change
	c.put(session.Key, session.Data, session.Version, session.Expires)
	if err := c.commit(r.Context(), s.store); err != nil && !errors.Is(err, policies.ErrConflict) {
		return fmt.Errorf("keep session: %w", err)
	}
	return nil
}

// signInForGrants sends the browser to the identity provider and from there back to the page: where to is in the record
// of the login and in no parameter (S32).
func (s *server) signInForGrants(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	call := policies.CallFrom(ctx)
	login := loginRecord{Asked: authorization{Issuer: s.issuer(ctx)}, Purpose: purposeGrants}
	next, err := s.beginLogin(ctx, login, call.Time.Add(s.options.stateTTL))
	if err != nil {
		return err
	}
	if err := next.change.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep login: %w", err)
	}
	s.sendOn(w, r, next.onward)
	return nil
}

// signOut ends the browser's session. What clients were allowed stays.
func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	who, err := s.endSession(r)
	if err != nil {
		return err
	}
	if who.Subject != "" { // else another tab was faster
		s.recordEnded(r.Context(), who, "person")
	}
	s.clearCookie(w, policies.CallFrom(r.Context()).Origin, cookieSession)
	redirectTo(w, s.options.basePath.at(signedOutPath))
	return nil
}

// serveSignedOut says that the session has ended, to a browser that has none.
func (s *server) serveSignedOut(w http.ResponseWriter, r *http.Request) error {
	who, err := s.session(r)
	if err != nil {
		return err
	}
	if who != nil {
		redirectTo(w, s.options.basePath.at(grantsPath))
		return nil
	}
	return s.pages.SignedOut(w)
}

// formToken is the CSRF token of forms that are shown to a session: whoever does not hold its cookie cannot make it.
func formToken(session string) string {
	mac := hmac.New(sha256.New, []byte(session))
	mac.Write([]byte("durward grants form v1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
