package oauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/redirecturi"
)

// maxAttempts bounds how often a change is tried anew because somebody else changed the same records. Each failure
// means that another caller got through.
const maxAttempts = 8

// maxEndings is the same for ending a grant. It is large, so that nobody keeps a grant alive by using it all the time.
const maxEndings = 100

// grantLife is how long a grant lives without being used, once there are tokens of it: as long as any of them may. The
// grace is in it because a repeat within it makes an access token and touches nothing else.
func (s *server) grantLife() time.Duration {
	return max(s.options.refreshTTL, s.options.accessTTL+s.options.rotationGrace)
}

// prolong has a grant live on with tokens that are made of it now.
func (s *server) prolong(c *change, grant held[grantRecord], now time.Time) {
	grant.Data.Used = now
	c.put(grant.Key, grant.Data, grant.Version, later(grant.Expires, now.Add(s.grantLife())))
}

// outlive sees to it that a grant does not end before an access token that is made of it now: it would, if the options
// have changed since it was prolonged.
func (s *server) outlive(c *change, grant held[grantRecord], now time.Time) {
	if grant.Expires.Before(now.Add(s.options.accessTTL)) {
		s.prolong(c, grant, now)
	}
}

// inForce says whether what a person allowed still counts for the server of that name: the person may still come in, and
// the client may still ask.
func (s *server) inForce(grant grantRecord, issuer string) bool {
	return grant.Issuer == issuer && s.welcome(grant.Person) && s.options.clients.admits(grant.Client, grant.hosts())
}

// endGrant deletes a grant and with it every token of it: at once here, as the purge is in force when Commit returns. It
// answers false if there is no such grant.
func (s *server) endGrant(ctx context.Context, person, id, reason string) (bool, error) {
	for range maxEndings {
		grant, err := load[grantRecord](ctx, s.store, grantKey(person, id))
		if errors.Is(err, policies.ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("read grant: %w", err)
		}
		var c change
		c.remove(grant.Key, grant.Version)
		c.Purge = []string{grantTag(id)}
		err = c.commit(ctx, s.store)
		if errors.Is(err, policies.ErrConflict) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("end grant: %w", err)
		}
		s.record(ctx, grantEvent(eventGrantRevoked, outcomeSuccess, grant.Data, id, reason))
		return true, nil
	}
	return false, errors.New("end grant: too many changes at once")
}

// Bounds of what is read of a person's grants. Their names are random, so that the newest are found only by reading all.
const (
	grantsPerRead = 100
	maxGrants     = 5000
)

// grantsOf reads the grants of a person by their key, newest first.
func (s *server) grantsOf(ctx context.Context, person string) ([]held[grantRecord], error) {
	var all []held[grantRecord]
	after := ""
	for len(all) < maxGrants {
		found, err := s.store.List(ctx, grantKey(person, ""), after, grantsPerRead)
		if err != nil {
			return nil, fmt.Errorf("list grants: %w", err)
		}
		for _, record := range found {
			grant, err := decode[grantRecord](record)
			if err != nil {
				return nil, fmt.Errorf("list grants: %w", err)
			}
			all = append(all, grant)
			after = record.Key
		}
		if len(found) < grantsPerRead {
			break
		}
	}
	slices.SortStableFunc(all, func(a, b held[grantRecord]) int { return b.Data.Created.Compare(a.Data.Created) })
	return all, nil
}

// A person has at most so many grants whose codes were redeemed; maxCrowdedOut of them end at once at most. Those that
// are made at the very same moment may be more by their number, until the next is made.
const (
	maxPersonGrants = 1000
	maxCrowdedOut   = 16
)

// makeRoom ends as many of a person's grants, those that were longest not used, as one more would be too many. It answers
// those that the change ends.
func (s *server) makeRoom(ctx context.Context, c *change, person string) ([]held[grantRecord], error) {
	all, err := s.grantsOf(ctx, person)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(grant held[grantRecord]) bool { // a code that nobody has come for ends by itself
		return !grant.Expires.After(grant.Data.Created.Add(codeLife))
	})
	tooMany := min(len(all)+1-maxPersonGrants, maxCrowdedOut)
	if tooMany <= 0 {
		return nil, nil
	}
	slices.SortStableFunc(all, func(a, b held[grantRecord]) int {
		return later(a.Data.Created, a.Data.Used).Compare(later(b.Data.Created, b.Data.Used))
	})
	for _, grant := range all[:tooMany] {
		c.remove(grant.Key, grant.Version)
		c.Purge = append(c.Purge, grantTag(grantID(grant.Key)))
	}
	return all[:tooMany], nil
}

// grantID is the part of a grant's key that names it to people.
func grantID(key string) string { return key[strings.LastIndexByte(key, '/')+1:] }

// isGrantID checks the form of a grant's id, which is that of rand.Text.
func isGrantID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// lastAllowed answers when the person of these grants, newest first, last allowed a client the same at the same address,
// zero if they have not, have taken it back, or the client is not what it was (S26, S44). It is for showing: nobody is
// spared the question by it.
func (s *server) lastAllowed(grants []held[grantRecord], asked authorization) time.Time {
	for _, grant := range grants {
		before := grant.Data
		if before.Client == asked.Client && before.ClientPrint == asked.ClientPrint && before.Resource == asked.Resource &&
			len(s.options.scopes.missing(before.Scopes, asked.Scopes)) == 0 &&
			redirecturi.Match([]string{before.Redirect}, asked.Redirect) {
			return before.Created
		}
	}
	return time.Time{}
}

// endGrants ends those of a person's grants that are named, or all if id is empty, and answers how many there were.
func (s *server) endGrants(ctx context.Context, person, id, reason string) (int, error) {
	ids := []string{id}
	if id == "" {
		grants, err := s.grantsOf(ctx, person)
		if err != nil {
			return 0, err
		}
		ids = nil
		for _, grant := range grants {
			ids = append(ids, grantID(grant.Key))
		}
	}
	count := 0
	for _, id := range ids {
		ended, err := s.endGrant(ctx, person, id, reason)
		if err != nil {
			return count, err
		}
		if ended {
			count++
		}
	}
	return count, nil
}
