package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/secret"
)

// session answers who is signed in with this browser, or nil.
func (s *server) session(r *http.Request) (*access.Person, error) {
	found, err := s.sessionOf(r)
	if err != nil || found == nil {
		return nil, err
	}
	return &found.Data.Person, nil
}

// signedInBrowser is a browser's session and its cookie.
type signedInBrowser struct {
	held[sessionRecord]
	cookie string
}

// sessionOf answers the browser's session, nil if it has none or its person may not come in any more. The person is as
// the provider described them last.
func (s *server) sessionOf(r *http.Request) (*signedInBrowser, error) {
	cookie := s.cookie(r, cookieSession, secret.SessionCookie)
	if cookie == "" {
		return nil, nil
	}
	found, err := load[sessionRecord](r.Context(), s.store, sessionKey(cookie))
	if errors.Is(err, policies.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	who, err := s.asOf(r.Context(), found.Data.Login, found.Data.Person)
	if err != nil || who == nil || !s.welcome(*who) {
		return nil, err
	}
	found.Data.Person = *who
	return &signedInBrowser{held: found, cookie: cookie}, nil
}

// endSession forgets the browser's session and answers whose it was; nobody's, if the browser has none.
func (s *server) endSession(r *http.Request) (access.Person, error) {
	cookie := s.cookie(r, cookieSession, secret.SessionCookie)
	if cookie == "" {
		return access.Person{}, nil
	}
	ended, err := take[sessionRecord](r.Context(), s.store, sessionKey(cookie))
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return access.Person{}, fmt.Errorf("end session: %w", err)
	}
	return ended.Data.Person, nil
}

// sessionsPerRead bounds what is read of the sessions at once.
const sessionsPerRead = 100

// endSessions ends all sessions of a person, named by their key, in whatever browsers. All sessions that there are have
// to be read for it: it is asked for when somebody has to go, and a list for each person would have to be kept by all.
func (s *server) endSessions(ctx context.Context, person, reason string) error {
	after := ""
	for {
		found, err := s.store.List(ctx, sessionKeys, after, sessionsPerRead)
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		for _, record := range found {
			after = record.Key
			session, err := decode[sessionRecord](record)
			if err != nil {
				return fmt.Errorf("list sessions: %w", err)
			}
			if session.Data.Person.Key() != person {
				continue
			}
			_, err = s.store.Take(ctx, record.Key)
			if errors.Is(err, policies.ErrNotFound) { // it has ended by itself
				continue
			}
			if err != nil {
				return fmt.Errorf("end session: %w", err)
			}
			s.recordEnded(ctx, session.Data.Person, reason)
		}
		if len(found) < sessionsPerRead {
			return nil
		}
	}
}

func (s *server) recordEnded(ctx context.Context, who access.Person, reason string) {
	s.record(ctx, policies.Event{
		Name: eventSessionEnded, Outcome: outcomeSuccess, Issuer: who.Issuer, Subject: who.Subject, Reason: reason,
	})
}
