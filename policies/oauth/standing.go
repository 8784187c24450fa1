package oauth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
)

// A login is one sign-in at the identity provider and what comes of it: the browser's session, and the grants that are
// made while it lasts, each of which names the login. Its standing is what the provider has said of its person since.
// A login whose provider cannot be asked again has none, and nor has one of a time before there were any.

// standingRecord is the standing of a login.
type standingRecord struct {
	// Person is who signed in, as the provider described them last. What grants hold is a copy, which follows at their next
	// refresh.
	Person access.Person `json:"person"`
	// Session is the key of the session that the login began.
	Session string `json:"session"`
	// Handle is what the provider is asked with. It may be a token of the provider's; the host seals what it stores.
	Handle []byte `json:"handle,omitempty"`
	// Checked is when the provider last let the person in: when they signed in, or were asked about and welcome.
	Checked time.Time `json:"checked"`
	// Asking is until when somebody asks, and so nobody else may; zero if nobody does.
	Asking time.Time `json:"asking,omitzero"`
	// Pause is until when the provider is left alone, since there was no answer; zero if there was. Then Anew says whether
	// signing in anew could help where asking cannot.
	Pause time.Time `json:"pause,omitzero"`
	Anew  bool      `json:"anew,omitempty"`
	// Gone says that the provider does not let the person in any more. Then all that came of the login has ended, or is
	// about to.
	Gone bool `json:"gone,omitempty"`
}

func standingKey(login string) string { return "standing/" + login }

// standingLife is how long a standing lives when it is written: longer than the session and any grant made while it
// lasts. Use prolongs it, see outlasts.
func (s *server) standingLife() time.Duration {
	return s.options.sessionTTL + s.grantLife() + 24*time.Hour
}

// putStanding adds the standing of a login to a change, and answers the login's id. It is empty if nobody can be asked
// with the handle, or nobody is to be asked: then the handle is not kept.
func (s *server) putStanding(c *change, now time.Time, who access.Person, handle []byte, session string) string {
	if len(handle) == 0 || len(handle) > policies.MaxHandle || s.options.recheckAfter == 0 {
		return ""
	}
	id := rand.Text()
	c.put(standingKey(id), standingRecord{Person: who, Session: session, Handle: handle, Checked: now},
		0, now.Add(s.standingLife()))
	return id
}

// asOf answers a login's person as they are now, nil if the login is over. former is the person in the record that names
// the login, which may name none.
func (s *server) asOf(ctx context.Context, login string, former access.Person) (*access.Person, error) {
	if login == "" {
		return &former, nil
	}
	standing, err := load[standingRecord](ctx, s.store, standingKey(login))
	if errors.Is(err, policies.ErrNotFound) || err == nil && standing.Data.Gone {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read standing: %w", err)
	}
	return &standing.Data.Person, nil
}

// outlasts sees to it that a standing lives longer than a grant that is used now.
func (s *server) outlasts(ctx context.Context, standing held[standingRecord]) error {
	now := policies.CallFrom(ctx).Time
	if !standing.Expires.Before(now.Add(s.grantLife())) {
		return nil
	}
	return s.keepStanding(ctx, standing)
}

// keepStanding writes a standing that was read, which lives anew. The error is policies.ErrConflict if somebody else has
// written it since, or a fault.
func (s *server) keepStanding(ctx context.Context, standing held[standingRecord]) error {
	var c change
	c.put(standing.Key, standing.Data, standing.Version,
		later(standing.Expires, policies.CallFrom(ctx).Time.Add(s.standingLife())))
	if err := c.commit(ctx, s.store); err != nil {
		return fmt.Errorf("keep standing: %w", err)
	}
	return nil
}

// endLogin ends what came of a login whose person is gone: the session, and every grant with its tokens. The standing
// says so already, and no grant can come of the login after it: codes and sessions are held against it. So whoever comes
// after a fault begins here once more.
func (s *server) endLogin(ctx context.Context, login string, standing standingRecord) error {
	session, err := take[sessionRecord](ctx, s.store, standing.Session)
	switch {
	case err == nil:
		s.recordEnded(ctx, session.Data.Person, endedGone)
	case !errors.Is(err, policies.ErrNotFound): // else it has ended by itself
		return fmt.Errorf("end session: %w", err)
	}
	who := standing.Person.Key()
	grants, err := s.grantsOf(ctx, who)
	if err != nil {
		return err
	}
	for _, grant := range grants {
		if grant.Data.Login != login {
			continue
		}
		if _, err := s.endGrant(ctx, who, grantID(grant.Key), endedGone); err != nil {
			return err
		}
	}
	return nil
}

// endedGone is why the audit log says that sessions and grants have ended.
const endedGone = "person_gone"
