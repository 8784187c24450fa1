package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// clock is a clock that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) time.Time { return c.Now().Add(d) }

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// engine is a store under the contract: each name has records of its own.
type engine interface {
	Policy(name string) policies.Store
}

// purge is one call of Options.Purged.
type purge struct {
	Seq    int64
	Policy string
	Tags   []string
}

// testStore holds an engine to what policies.Store documents. open answers a new, empty store that goes by now and
// announces purges to purged.
func testStore(t *testing.T, open func(t *testing.T, now func() time.Time, purged func(int64, string, []string)) engine) {
	type fixture struct {
		*clock
		engine
		policies.Store
		purges *[]purge
	}
	begin := func(t *testing.T) fixture {
		c := newClock()
		var purges []purge
		e := open(t, c.Now, func(seq int64, policy string, tags []string) {
			purges = append(purges, purge{seq, policy, tags})
		})
		return fixture{c, e, e.Policy("p"), &purges}
	}
	hour := time.Hour

	t.Run("get answers what was put", func(t *testing.T) {
		f := begin(t)
		for _, value := range []string{"v", "", strings.Repeat("x", policies.MaxValue)} {
			key := fmt.Sprintf("kind/%d", len(value))
			expires := f.After(hour + 123*time.Nanosecond)
			must(t, f.Commit(t.Context(), policies.Change{Puts: []policies.Put{{Key: key, Value: []byte(value), Expires: expires}}}))
			got := get(t, f.Store, key)
			if string(got.Value) != value || got.Key != key || !got.Expires.Equal(expires) || got.Version < 1 {
				t.Errorf("Get(%s) = key %s, %d bytes, version %d, expires %v", key, got.Key, len(got.Value), got.Version, got.Expires)
			}
		}
	})

	t.Run("what is not there is not found", func(t *testing.T) {
		f := begin(t)
		_, err := f.Get(t.Context(), "kind/none")
		wantErr(t, err, policies.ErrNotFound)
		_, err = f.Take(t.Context(), "kind/none")
		wantErr(t, err, policies.ErrNotFound)
		found, err := f.List(t.Context(), "kind/", "", 10)
		must(t, err)
		if len(found) != 0 {
			t.Errorf("List = %v", found)
		}
	})

	t.Run("policies do not see each other", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/a", "mine", 0, f.After(hour))
		other := f.Policy("q")
		_, err := other.Get(t.Context(), "kind/a")
		wantErr(t, err, policies.ErrNotFound)
		put(t, other, "kind/a", "theirs", 0, f.After(hour))
		if got := string(get(t, f.Store, "kind/a").Value); got != "mine" {
			t.Errorf("value = %q", got)
		}
	})

	t.Run("an expired record does not exist", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/a", "old", 0, f.After(hour))
		put(t, f.Store, "kind/b", "old", 0, f.After(hour))
		a := get(t, f.Store, "kind/a")
		f.Advance(hour - time.Nanosecond)
		get(t, f.Store, "kind/a")
		f.Advance(time.Nanosecond)
		_, err := f.Get(t.Context(), "kind/a")
		wantErr(t, err, policies.ErrNotFound)
		_, err = f.Take(t.Context(), "kind/a")
		wantErr(t, err, policies.ErrNotFound)
		found, err := f.List(t.Context(), "kind/", "", 10)
		must(t, err)
		if len(found) != 0 {
			t.Errorf("List = %v", found)
		}
		wantErr(t, f.Commit(t.Context(), policies.Change{Puts: []policies.Put{
			{Key: "kind/a", Value: []byte("new"), Expect: a.Version, Expires: f.After(hour)}}}), policies.ErrConflict)
		wantErr(t, f.Commit(t.Context(), policies.Change{Deletes: []policies.Delete{{Key: "kind/a", Expect: a.Version}}}),
			policies.ErrConflict)
		put(t, f.Store, "kind/a", "new", 0, f.After(hour))
		if got := get(t, f.Store, "kind/a"); string(got.Value) != "new" || got.Version <= a.Version {
			t.Errorf("after expiry: %q version %d, before %d", got.Value, got.Version, a.Version)
		}
	})

	t.Run("compare and swap", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/a", "1", 0, f.After(hour))
		first := get(t, f.Store, "kind/a")
		for name, change := range map[string]policies.Change{
			"exists":         {Puts: []policies.Put{{Key: "kind/a", Expires: f.After(hour)}}},
			"other version":  {Puts: []policies.Put{{Key: "kind/a", Expect: first.Version + 1, Expires: f.After(hour)}}},
			"put absent":     {Puts: []policies.Put{{Key: "kind/b", Expect: first.Version, Expires: f.After(hour)}}},
			"delete version": {Deletes: []policies.Delete{{Key: "kind/a", Expect: first.Version + 1}}},
			"delete absent":  {Deletes: []policies.Delete{{Key: "kind/b", Expect: first.Version}}},
		} {
			if err := f.Commit(t.Context(), change); !errors.Is(err, policies.ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if diff := cmp.Diff(first, get(t, f.Store, "kind/a")); diff != "" {
			t.Errorf("a refused change left something behind:\n%s", diff)
		}
		put(t, f.Store, "kind/a", "2", first.Version, f.After(hour))
		second := get(t, f.Store, "kind/a")
		must(t, f.Commit(t.Context(), policies.Change{Deletes: []policies.Delete{{Key: "kind/a", Expect: second.Version}}}))
		_, err := f.Get(t.Context(), "kind/a")
		wantErr(t, err, policies.ErrNotFound)
	})

	t.Run("versions never repeat", func(t *testing.T) {
		f := begin(t)
		seen := map[int64]bool{}
		for range 3 {
			put(t, f.Store, "kind/a", "v", 0, f.After(hour))
			put(t, f.Policy("q"), "kind/a", "v", 0, f.After(hour))
			for _, s := range []policies.Store{f.Store, f.Policy("q")} {
				record, err := s.Take(t.Context(), "kind/a")
				must(t, err)
				if seen[record.Version] {
					t.Fatalf("version %d came twice", record.Version)
				}
				seen[record.Version] = true
			}
		}
	})

	t.Run("a change is applied whole or not at all", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/old", "old", 0, f.After(hour))
		old := get(t, f.Store, "kind/old")
		change := policies.Change{
			Puts:    []policies.Put{{Key: "kind/new", Value: []byte("new"), Expires: f.After(hour)}},
			Deletes: []policies.Delete{{Key: "kind/old", Expect: old.Version}, {Key: "kind/absent", Expect: 1}},
			Purge:   []string{"tag"},
		}
		wantErr(t, f.Commit(t.Context(), change), policies.ErrConflict)
		get(t, f.Store, "kind/old")
		_, err := f.Get(t.Context(), "kind/new")
		wantErr(t, err, policies.ErrNotFound)
		if len(*f.purges) != 0 {
			t.Errorf("a refused change purged %v", *f.purges)
		}
		change.Deletes = change.Deletes[:1]
		must(t, f.Commit(t.Context(), change))
		get(t, f.Store, "kind/new")
		_, err = f.Get(t.Context(), "kind/old")
		wantErr(t, err, policies.ErrNotFound)
	})

	t.Run("purges are announced in order and before Commit returns", func(t *testing.T) {
		f := begin(t)
		must(t, f.Commit(t.Context(), policies.Change{Purge: []string{"b", "a", "b"}}))
		must(t, f.Policy("q").Commit(t.Context(), policies.Change{Purge: []string{"c"}}))
		put(t, f.Store, "kind/a", "v", 0, f.After(hour))
		want := []purge{{1, "p", []string{"a", "b"}}, {2, "q", []string{"c"}}}
		if diff := cmp.Diff(want, *f.purges); diff != "" {
			t.Errorf("purges (-want +got):\n%s", diff)
		}
	})

	t.Run("list pages through a prefix in byte order", func(t *testing.T) {
		f := begin(t)
		var puts []policies.Put
		for _, key := range []string{"k/B", "k/a", "k/~", "k/ ", "k/aa", "kk/a", "j/z", "k0/a"} {
			puts = append(puts, policies.Put{Key: key, Value: []byte(key), Expires: f.After(hour)})
		}
		must(t, f.Commit(t.Context(), policies.Change{Puts: puts}))
		for _, tc := range []struct {
			prefix, after string
			limit         int
			want          []string
		}{
			{"k/", "", 10, []string{"k/ ", "k/B", "k/a", "k/aa", "k/~"}},
			{"k/", "", 2, []string{"k/ ", "k/B"}},
			{"k/", "k/B", 2, []string{"k/a", "k/aa"}},
			{"k/", "k/~", 2, nil},
			{"k/a", "", 10, []string{"k/a", "k/aa"}},
			{"", "k/~", 10, []string{"k0/a", "kk/a"}},
			{"absent/", "", 10, nil},
		} {
			found, err := f.List(t.Context(), tc.prefix, tc.after, tc.limit)
			must(t, err)
			var got []string
			for _, record := range found {
				if string(record.Value) != record.Key {
					t.Errorf("%s holds %q", record.Key, record.Value)
				}
				got = append(got, record.Key)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("List(%q, %q, %d) (-want +got):\n%s", tc.prefix, tc.after, tc.limit, diff)
			}
		}
	})

	t.Run("what breaks a limit is refused and changes nothing", func(t *testing.T) {
		f := begin(t)
		soon := f.After(hour)
		many := make([]policies.Put, policies.MaxChanges+1)
		for i := range many {
			many[i] = policies.Put{Key: fmt.Sprintf("kind/%d", i), Expires: soon}
		}
		one := func(p policies.Put) policies.Change { return policies.Change{Puts: []policies.Put{p}} }
		for name, change := range map[string]policies.Change{
			"key too long":        one(policies.Put{Key: "kind/" + strings.Repeat("k", policies.MaxKey-4), Expires: soon}),
			"key without kind":    one(policies.Put{Key: "/rest", Expires: soon}),
			"key without rest":    one(policies.Put{Key: "kind/", Expires: soon}),
			"key without slash":   one(policies.Put{Key: "kind", Expires: soon}),
			"key not ASCII":       one(policies.Put{Key: "kind/é", Expires: soon}),
			"key with control":    one(policies.Put{Key: "kind/a\n", Expires: soon}),
			"value too long":      one(policies.Put{Key: "kind/a", Value: make([]byte, policies.MaxValue+1), Expires: soon}),
			"no expiry":           one(policies.Put{Key: "kind/a"}),
			"expires now":         one(policies.Put{Key: "kind/a", Expires: f.Now()}),
			"expires beyond time": one(policies.Put{Key: "kind/a", Expires: f.Now().AddDate(500, 0, 0)}),
			"negative version":    one(policies.Put{Key: "kind/a", Expect: -1, Expires: soon}),
			"too many changes":    {Puts: many},
			"put twice":           {Puts: []policies.Put{{Key: "kind/a", Expires: soon}, {Key: "kind/a", Expires: soon}}},
			"put and delete": {Puts: []policies.Put{{Key: "kind/a", Expires: soon}},
				Deletes: []policies.Delete{{Key: "kind/a", Expect: 1}}},
			"delete any version": {Deletes: []policies.Delete{{Key: "kind/a"}}},
			"empty tag":          {Purge: []string{""}},
			"tag too long":       {Purge: []string{strings.Repeat("t", policies.MaxKey+1)}},
			"too many tags":      {Purge: make([]string, policies.MaxChanges+1)},
		} {
			wantFault(t, name, f.Commit(t.Context(), change))
		}
		found, err := f.List(t.Context(), "", "", 10)
		must(t, err)
		if len(found) != 0 || len(*f.purges) != 0 {
			t.Errorf("left behind: %v %v", found, *f.purges)
		}
		_, err = f.Get(t.Context(), "nokey")
		wantFault(t, "get", err)
		_, err = f.Take(t.Context(), "nokey")
		wantFault(t, "take", err)
		for _, limit := range []int{-1, 0, 1001} {
			_, err = f.List(t.Context(), "", "", limit)
			wantFault(t, fmt.Sprint("list limit ", limit), err)
		}
		must(t, f.Commit(t.Context(), policies.Change{Puts: many[:policies.MaxChanges]}))
		longest := "kind/" + strings.Repeat("k", policies.MaxKey-5)
		put(t, f.Store, longest, "v", 0, soon)
	})

	t.Run("a caller that has gone changes nothing", func(t *testing.T) {
		f := begin(t)
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		err := f.Commit(gone, policies.Change{Puts: []policies.Put{{Key: "kind/a", Expires: f.After(hour)}}})
		wantErr(t, err, context.Canceled)
		_, err = f.Get(t.Context(), "kind/a")
		wantErr(t, err, policies.ErrNotFound)
	})

	t.Run("of 100 that take one record one gets it", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/a", "v", 0, f.After(hour))
		won := race(t, 100, policies.ErrNotFound, func(int) error {
			_, err := f.Take(t.Context(), "kind/a")
			return err
		})
		if won != 1 {
			t.Errorf("%d took it", won)
		}
	})

	t.Run("of 100 commits on one version one wins", func(t *testing.T) {
		f := begin(t)
		put(t, f.Store, "kind/a", "v", 0, f.After(hour))
		version := get(t, f.Store, "kind/a").Version
		won := race(t, 100, policies.ErrConflict, func(i int) error {
			return f.Commit(t.Context(), policies.Change{
				Puts:  []policies.Put{{Key: "kind/a", Value: fmt.Append(nil, i), Expect: version, Expires: f.After(hour)}},
				Purge: []string{fmt.Sprint(i)},
			})
		})
		if won != 1 || len(*f.purges) != 1 {
			t.Fatalf("%d won, %d purges", won, len(*f.purges))
		}
		if value := string(get(t, f.Store, "kind/a").Value); value != (*f.purges)[0].Tags[0] {
			t.Errorf("the value is of %s, the purge of %s", value, (*f.purges)[0].Tags[0])
		}
	})
}

// race runs do n times at once. It answers how many succeeded; the others must fail with want.
func race(t *testing.T, n int, want error, do func(i int) error) (won int) {
	t.Helper()
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		start = make(chan struct{})
	)
	for i := range n {
		wg.Go(func() {
			<-start
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
	close(start)
	wg.Wait()
	return won
}

func put(t *testing.T, s policies.Store, key, value string, expect int64, expires time.Time) {
	t.Helper()
	must(t, s.Commit(t.Context(), policies.Change{
		Puts: []policies.Put{{Key: key, Value: []byte(value), Expect: expect, Expires: expires}}}))
}

func get(t *testing.T, s policies.Store, key string) policies.Record {
	t.Helper()
	record, err := s.Get(t.Context(), key)
	must(t, err)
	return record
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// wantFault wants an error that no caller can take for an answer.
func wantFault(t *testing.T, name string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, policies.ErrNotFound) || errors.Is(err, policies.ErrConflict) {
		t.Errorf("%s: %v is no fault", name, err)
	}
}
