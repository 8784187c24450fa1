package oauth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/access"
	"durward/policies/oauth/internal/secret"
)

// changedLife is how long it is kept in mind that a client was not any more what a person had allowed.
const changedLife = 90 * 24 * time.Hour

func changedKey(person, client string) string {
	return "changed/" + person + "/" + secret.Digest(client)
}

// changedRecord is what a client was when a person allowed it something that has ended since, because it changed.
type changedRecord struct {
	ClientPrint string `json:"client_print"`
}

// noteChange keeps in mind, for when the person is asked again, what a client was that they had allowed something (S44).
func (s *server) noteChange(ctx context.Context, agreed grantRecord) error {
	key := changedKey(agreed.Person.Key(), agreed.Client)
	former, err := load[changedRecord](ctx, s.store, key)
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return fmt.Errorf("read change of client: %w", err)
	}
	var c change
	c.put(key, changedRecord{agreed.ClientPrint}, former.Version, policies.CallFrom(ctx).Time.Add(changedLife))
	if err := c.commit(ctx, s.store); err != nil && !errors.Is(err, policies.ErrConflict) { // else another has noted it
		return fmt.Errorf("keep change of client: %w", err)
	}
	return nil
}

// hasChanged says whether a client has changed since the person, of whom these are the grants, newest first, last allowed
// it anything. It is for showing: a person is always asked.
func (s *server) hasChanged(
	ctx context.Context, grants []held[grantRecord], who access.Person, asked authorization,
) (bool, error) {
	if !isDocument(asked.Client) { // a registration never changes
		return false, nil
	}
	for _, grant := range grants {
		if grant.Data.Client == asked.Client {
			return grant.Data.ClientPrint != asked.ClientPrint, nil
		}
	}
	former, err := load[changedRecord](ctx, s.store, changedKey(who.Key(), asked.Client))
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return false, fmt.Errorf("read change of client: %w", err)
	}
	return err == nil && former.Data.ClientPrint != asked.ClientPrint, nil
}
