package oauth

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"time"

	"durward/policies"
	"durward/policies/oauth/internal/secret"
)

// Anybody may register clients, so what nobody ever uses must stay little. A client is unused until it has got its first
// tokens: many register once more for each try (Q6), and whoever completes a flow has taken a person along. The unused
// are bounded twice. Each address has so many of the last hour. And all of them together have so many places: where
// none is free, one that has waited for more than an hour makes room (S45).
const (
	unusedSpan  = time.Hour
	sparePlaces = 10_000
	spareProbes = 8
)

// unusedKeys is what the keys of an address's unused clients begin with, spareKey the key of one of all places.
func unusedKeys(address string) string { return "unused/" + secret.Digest(address) + "/" }
func spareKey(number int) string       { return fmt.Sprintf("spare/%05d", number) }

// place is what a client without tokens takes up.
type place struct {
	Client string    `json:"client"`
	Since  time.Time `json:"since"`
}

// takePlaces has a change take the places of a new client, and answers their keys. The error is a *refusal if there are
// none, or a fault.
func (s *server) takePlaces(ctx context.Context, c *change, id string) ([]string, error) {
	call := policies.CallFrom(ctx)
	address := askerOf(ctx)
	if err := s.countUnused(ctx, address); err != nil {
		return nil, err
	}
	taken := place{Client: clientKey(id), Since: call.Time}
	spare, version, err := s.sparePlace(ctx, c)
	if err != nil {
		return nil, err
	}
	keys := []string{unusedKeys(address) + secret.Digest(id), spare}
	c.put(keys[0], taken, 0, call.Time.Add(unusedSpan))
	c.put(keys[1], taken, version, call.Time.Add(s.clientLife()))
	return keys, nil
}

// countUnused refuses an address that has all the unused clients it may have.
func (s *server) countUnused(ctx context.Context, address string) error {
	now := policies.CallFrom(ctx).Time
	most := min(int(s.options.limits.UnusedRegistrationsPerHour), sparePlaces)
	count, after, first := 0, "", now.Add(unusedSpan)
	for count < most {
		found, err := s.store.List(ctx, unusedKeys(address), after, min(most-count, 1000))
		if err != nil {
			return fmt.Errorf("count unused clients: %w", err)
		}
		if len(found) == 0 {
			return nil
		}
		for _, record := range found {
			if record.Expires.Before(first) {
				first = record.Expires
			}
			after = record.Key
		}
		count += len(found)
	}
	s.limitReached(ctx, limitedUnused, "")
	return &refusal{
		Status: http.StatusTooManyRequests, Code: "too_many_requests",
		Text:       "too many clients were registered from here lately and have got no tokens since: use one of them",
		RetryAfter: max(first.Sub(now), time.Second),
	}
}

// sparePlace finds a place among all unused clients, and answers its key and the version that it has. If the places it
// looks at are all taken, the change removes the client that has waited longest there.
func (s *server) sparePlace(ctx context.Context, c *change) (string, int64, error) {
	now := policies.CallFrom(ctx).Time
	var oldest held[place]
	for range spareProbes {
		key := spareKey(anyOf(sparePlaces))
		found, err := load[place](ctx, s.store, key)
		if errors.Is(err, policies.ErrNotFound) {
			return key, 0, nil
		}
		if err != nil {
			return "", 0, fmt.Errorf("find place for client: %w", err)
		}
		if oldest.Key == "" || found.Data.Since.Before(oldest.Data.Since) {
			oldest = found
		}
	}
	if wait := oldest.Data.Since.Add(unusedSpan).Sub(now); wait > 0 {
		s.limitReached(ctx, limitedUnusedInAll, "")
		return "", 0, &refusal{
			Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
			Text:       "too many clients were registered lately: try again later",
			RetryAfter: max(wait, time.Second),
		}
	}
	record, err := s.store.Get(ctx, oldest.Data.Client)
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return "", 0, fmt.Errorf("find place for client: %w", err)
	}
	if err == nil {
		c.remove(record.Key, record.Version)
	}
	return oldest.Key, oldest.Version, nil
}

// firstUse has a change give back the places of a client that gets its first tokens.
func (s *server) firstUse(ctx context.Context, c *change, client client) error {
	if client.registered == nil || len(client.registered.Data.Unused) == 0 {
		return nil
	}
	record, err := load[clientRecord](ctx, s.store, client.registered.Key)
	if errors.Is(err, policies.ErrNotFound) { // it made room for another just now
		return unauthenticated("the client is not known here")
	}
	if err != nil {
		return fmt.Errorf("read client: %w", err)
	}
	if err := s.leavePlaces(ctx, c, record.Data.Unused); err != nil {
		return err
	}
	if len(record.Data.Unused) > 0 { // else another redemption was faster
		record.Data.Unused = nil
		c.put(record.Key, record.Data, record.Version, policies.CallFrom(ctx).Time.Add(s.clientLife()))
	}
	return nil
}

// leavePlaces has a change give places back, but for those that have ended by themselves.
func (s *server) leavePlaces(ctx context.Context, c *change, keys []string) error {
	for _, key := range keys {
		taken, err := s.store.Get(ctx, key)
		if errors.Is(err, policies.ErrNotFound) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read place of client: %w", err)
		}
		c.remove(key, taken.Version)
	}
	return nil
}

// anyOf answers one of the first n numbers, each as likely as another but for less than one in 10^15.
func anyOf(n uint64) int {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // it never fails: see crypto/rand
	return int(binary.BigEndian.Uint64(raw[:]) % n)
}
