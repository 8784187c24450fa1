package policytest_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/policies/policytest"
)

func TestStore(t *testing.T) {
	ctx := context.Background()
	clock := policytest.NewClock()
	store := policytest.NewStore(clock)
	put := func(key, value string, expect int64) error {
		return store.Commit(ctx, policies.Change{Puts: []policies.Put{
			{Key: key, Value: []byte(value), Expect: expect, Expires: clock.Now().Add(time.Minute)},
		}})
	}
	if err := put("a/1", "x", 0); err != nil {
		t.Fatal(err)
	}
	if err := put("a/1", "y", 0); !errors.Is(err, policies.ErrConflict) {
		t.Errorf("put over an existing record: %v, want a conflict", err)
	}
	first, err := store.Get(ctx, "a/1")
	if err != nil || string(first.Value) != "x" {
		t.Fatalf("get: %q, %v", first.Value, err)
	}
	first.Value[0] = 'z'
	again, _ := store.Get(ctx, "a/1")
	if string(again.Value) != "x" {
		t.Error("a caller's change to a value reached the store")
	}
	if err := store.Commit(ctx, policies.Change{
		Puts:    []policies.Put{{Key: "a/2", Expires: clock.Now().Add(time.Minute)}},
		Deletes: []policies.Delete{{Key: "a/1", Expect: first.Version + 100}},
		Purge:   []string{"t"},
	}); !errors.Is(err, policies.ErrConflict) {
		t.Errorf("delete of another version: %v, want a conflict", err)
	}
	if _, err := store.Get(ctx, "a/2"); !errors.Is(err, policies.ErrNotFound) || len(store.Purged()) != 0 {
		t.Error("a change that failed was applied in part")
	}
	if _, err := store.Take(ctx, "a/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Take(ctx, "a/1"); !errors.Is(err, policies.ErrNotFound) {
		t.Errorf("second take: %v", err)
	}
	if err := put("a/1", "new", 0); err != nil {
		t.Fatal(err)
	}
	if anew, _ := store.Get(ctx, "a/1"); anew.Version <= first.Version {
		t.Errorf("version %d after %d: versions never repeat", anew.Version, first.Version)
	}
	clock.Advance(time.Minute)
	if _, err := store.Get(ctx, "a/1"); !errors.Is(err, policies.ErrNotFound) {
		t.Errorf("an expired record: %v", err)
	}
	if err := put("a/1", "after", 0); err != nil {
		t.Errorf("an expired record does not exist, and yet: %v", err)
	}
}

func TestStoreRefuses(t *testing.T) {
	clock := policytest.NewClock()
	soon := clock.Now().Add(time.Minute)
	many := make([]policies.Put, policies.MaxChanges+1)
	for i := range many {
		many[i] = policies.Put{Key: "k/" + string(rune('A'+i)), Expires: soon}
	}
	tests := map[string]policies.Change{
		"no kind":       {Puts: []policies.Put{{Key: "plain", Expires: soon}}},
		"not printable": {Puts: []policies.Put{{Key: "a/\n", Expires: soon}}},
		"expired":       {Puts: []policies.Put{{Key: "a/b", Expires: clock.Now()}}},
		"too large":     {Puts: []policies.Put{{Key: "a/b", Value: make([]byte, policies.MaxValue+1), Expires: soon}}},
		"no version":    {Deletes: []policies.Delete{{Key: "a/b"}}},
		"twice":         {Puts: []policies.Put{{Key: "a/b", Expires: soon}, {Key: "a/b", Expires: soon}}},
		"too many":      {Puts: many},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			store := policytest.NewStore(clock)
			if err := store.Commit(context.Background(), change); err == nil {
				t.Error("accepted")
			}
			if len(store.Records()) > 0 {
				t.Error("applied in part")
			}
		})
	}
}

func TestStoreListsInOrder(t *testing.T) {
	ctx := context.Background()
	clock := policytest.NewClock()
	store := policytest.NewStore(clock)
	for _, key := range []string{"a/3", "a/1", "b/1", "a/2"} {
		err := store.Commit(ctx, policies.Change{Puts: []policies.Put{{Key: key, Expires: clock.Now().Add(time.Hour)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	records, err := store.List(ctx, "a/", "a/1", 1)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, record := range records {
		keys = append(keys, record.Key)
	}
	if diff := cmp.Diff([]string{"a/2"}, keys); diff != "" {
		t.Error(diff)
	}
}
