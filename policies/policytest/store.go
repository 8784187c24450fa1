package policytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"durward/policies"
)

// Interceptor stands around every call of a Store. It may refuse (return an error without calling do), lose the answer
// (call do and return an error), wait, or look: op is "get", "list", "take" or "commit", keys are those it concerns.
type Interceptor func(op string, keys []string, do func() error) error

// Store is a policies.Store in memory. Expiry goes by its clock. It is safe for concurrent use.
type Store struct {
	clock *Clock

	mu        sync.Mutex
	records   map[string]policies.Record
	version   int64
	purged    []string
	intercept Interceptor
}

var _ policies.Store = (*Store)(nil)

// NewStore answers an empty store.
func NewStore(clock *Clock) *Store {
	return &Store{clock: clock, records: map[string]policies.Record{}}
}

// Intercept puts f around every later call; nil takes it away.
func (s *Store) Intercept(f Interceptor) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.intercept = f
}

// Purged answers every tag purged so far, in order.
func (s *Store) Purged() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.purged)
}

// Records answers all records that have not expired, in key order, past any interceptor.
func (s *Store) Records() []policies.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list("", "", len(s.records))
}

// Get implements policies.Store.
func (s *Store) Get(ctx context.Context, key string) (policies.Record, error) {
	var found policies.Record
	err := s.do(ctx, "get", []string{key}, func() error {
		record, err := s.live(key)
		found = record
		return err
	})
	return found, err
}

// List implements policies.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]policies.Record, error) {
	var found []policies.Record
	err := s.do(ctx, "list", []string{prefix}, func() error {
		if limit < 1 || limit > 1000 {
			return fmt.Errorf("list records: limit %d is not within 1 to 1000", limit)
		}
		found = s.list(prefix, after, limit)
		return nil
	})
	return found, err
}

// Take implements policies.Store.
func (s *Store) Take(ctx context.Context, key string) (policies.Record, error) {
	var found policies.Record
	err := s.do(ctx, "take", []string{key}, func() error {
		record, err := s.live(key)
		if err != nil {
			return err
		}
		delete(s.records, key)
		found = record
		return nil
	})
	return found, err
}

// Commit implements policies.Store.
func (s *Store) Commit(ctx context.Context, change policies.Change) error {
	var keys []string
	for _, put := range change.Puts {
		keys = append(keys, put.Key)
	}
	for _, del := range change.Deletes {
		keys = append(keys, del.Key)
	}
	return s.do(ctx, "commit", keys, func() error {
		if err := s.check(change, keys); err != nil {
			return err
		}
		for _, put := range change.Puts {
			s.version++
			s.records[put.Key] = policies.Record{
				Key: put.Key, Value: slices.Clone(put.Value), Version: s.version, Expires: put.Expires,
			}
		}
		for _, del := range change.Deletes {
			delete(s.records, del.Key)
		}
		s.purged = append(s.purged, change.Purge...)
		return nil
	})
}

// do runs work under the lock, within the interceptor if there is one.
func (s *Store) do(ctx context.Context, op string, keys []string, work func() error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s record: %w", op, err)
	}
	locked := func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		return work()
	}
	s.mu.Lock()
	intercept := s.intercept
	s.mu.Unlock()
	if intercept == nil {
		return locked()
	}
	return intercept(op, keys, locked)
}

// live answers a copy of a record that exists and has not expired.
func (s *Store) live(key string) (policies.Record, error) {
	if err := checkKey(key); err != nil {
		return policies.Record{}, err
	}
	record, ok := s.records[key]
	if !ok || !s.clock.Now().Before(record.Expires) {
		return policies.Record{}, fmt.Errorf("read %q: %w", key, policies.ErrNotFound)
	}
	record.Value = slices.Clone(record.Value)
	return record, nil
}

func (s *Store) list(prefix, after string, limit int) []policies.Record {
	var found []policies.Record
	for _, key := range slices.Sorted(maps.Keys(s.records)) {
		if len(found) == limit {
			break
		}
		if !strings.HasPrefix(key, prefix) || key <= after {
			continue
		}
		if record, err := s.live(key); err == nil {
			found = append(found, record)
		}
	}
	return found
}

// check applies every rule of a change, so that what follows cannot fail half-way.
func (s *Store) check(change policies.Change, keys []string) error {
	if len(keys) > policies.MaxChanges {
		return fmt.Errorf("commit: %d changes are more than %d", len(keys), policies.MaxChanges)
	}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != len(change.Puts)+len(change.Deletes) {
		return errors.New("commit: a key occurs twice")
	}
	for _, put := range change.Puts {
		if len(put.Value) > policies.MaxValue {
			return fmt.Errorf("commit %q: the value is larger than %d bytes", put.Key, policies.MaxValue)
		}
		if !s.clock.Now().Before(put.Expires) {
			return fmt.Errorf("commit %q: the record would have expired", put.Key)
		}
		if err := s.expect(put.Key, put.Expect); err != nil {
			return err
		}
	}
	for _, del := range change.Deletes {
		if del.Expect <= 0 {
			return fmt.Errorf("commit %q: a delete must name a version", del.Key)
		}
		if err := s.expect(del.Key, del.Expect); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) expect(key string, version int64) error {
	record, err := s.live(key)
	if err != nil && !errors.Is(err, policies.ErrNotFound) {
		return err
	}
	if record.Version != version {
		return fmt.Errorf("commit %q: %w", key, policies.ErrConflict)
	}
	return nil
}

func checkKey(key string) error {
	kind, rest, ok := strings.Cut(key, "/")
	printable := !strings.ContainsFunc(key, func(r rune) bool { return r < 0x20 || r > 0x7e })
	if !ok || kind == "" || rest == "" || !printable || len(key) > policies.MaxKey {
		return fmt.Errorf("key %q is not printable ASCII of the form kind/rest within %d bytes", key, policies.MaxKey)
	}
	return nil
}
