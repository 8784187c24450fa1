package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"durward/policies"
)

// maxAttempts bounds how often a change is tried anew because somebody else changed the same records. Each failure
// means that another caller got through.
const maxAttempts = 8

// grantLife is how long a grant lives without being used: as long as any token of it may. The grace is in it because a
// repeat within it makes an access token and touches nothing else.
func (s *server) grantLife() time.Duration {
	return max(s.options.refreshTTL, s.options.accessTTL+rotationGrace)
}

// endGrant deletes a grant and with it every token of it: at once here, as the purge is in force when Commit returns.
func (s *server) endGrant(ctx context.Context, person, id, reason string) error {
	for range maxAttempts {
		grant, err := load[grantRecord](ctx, s.store, grantKey(person, id))
		if errors.Is(err, policies.ErrNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read grant: %w", err)
		}
		var c change
		c.remove(grant.Key, grant.Version)
		c.Purge = []string{grantTag(id)}
		err = c.commit(ctx, s.store)
		if errors.Is(err, policies.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("end grant: %w", err)
		}
		s.record(ctx, grantEvent("grant.revoked", outcomeSuccess, grant.Data, id, reason))
		return nil
	}
	return errors.New("end grant: too many changes at once")
}

func grantEvent(name, outcome string, grant grantRecord, id, reason string) policies.Event {
	return policies.Event{
		Name: name, Outcome: outcome, Issuer: grant.Person.Issuer, Subject: grant.Person.Subject,
		Client: grant.Client, Grant: id, Resource: grant.Resource, Reason: reason,
	}
}
