package store

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// childDir names the environment variable that makes the test binary the host that TestG9 kills.
const childDir = "DURWARD_STORE_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		commitForEver(dir)
	}
	os.Exit(m.Run())
}

func open(t testing.TB, options Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), options)
	must(t, err)
	t.Cleanup(func() { must(t, db.Close()) })
	return db
}

func TestStoreContract(t *testing.T) {
	testStore(t, func(t *testing.T, now func() time.Time, purged func(int64, string, []string)) engine {
		return open(t, Options{Dir: filepath.Join(t.TempDir(), "data"), Now: now, Purged: purged})
	})
}

func TestRecordsSurviveReopening(t *testing.T) {
	c := newClock()
	options := Options{Dir: filepath.Join(t.TempDir(), "what? #1 100%"), Now: c.Now}
	db := open(t, options)
	put(t, db.Policy("p"), "kind/a", "v", 0, c.After(time.Hour))
	must(t, db.Policy("p").Commit(t.Context(), policies.Change{Purge: []string{"tag"}}))
	before := get(t, db.Policy("p"), "kind/a")
	must(t, db.Close())

	db = open(t, options)
	if diff := cmp.Diff(before, get(t, db.Policy("p"), "kind/a")); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if db.Seq() != 1 {
		t.Errorf("Seq = %d, want 1", db.Seq())
	}
	put(t, db.Policy("p"), "kind/b", "v", 0, c.After(time.Hour))
	if b := get(t, db.Policy("p"), "kind/b"); b.Version <= before.Version {
		t.Errorf("version %d was given before %d", before.Version, b.Version)
	}
}

// commitForEver commits record after record and prints the key of each that was acknowledged.
func commitForEver(dir string) {
	db, err := Open(context.Background(), Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		key := fmt.Sprintf("kind/%d", i)
		err := db.Policy("p").Commit(context.Background(), policies.Change{
			Puts:  []policies.Put{{Key: key, Value: []byte(key), Expires: time.Now().Add(time.Hour)}},
			Purge: []string{key},
		})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(key)
	}
}

func TestG9AcknowledgedSurvivesKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	acknowledged := 0
	for round := range 3 {
		child := exec.Command(os.Args[0])
		folder := filepath.Join(dir, fmt.Sprint(round))
		child.Env = append(os.Environ(), childDir+"="+folder)
		out, err := child.StdoutPipe()
		must(t, err)
		must(t, child.Start())
		lines := bufio.NewScanner(out)
		var keys []string
		for lines.Scan() {
			keys = append(keys, lines.Text())
			if len(keys) == 20+7*round {
				must(t, child.Process.Signal(syscall.SIGKILL)) // what it printed until then still comes
			}
		}
		if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("child ended by itself: %v, last said %q", err, keys[len(keys)-1])
		}
		db := open(t, Options{Dir: folder})
		for _, key := range keys {
			if record, err := db.Policy("p").Get(t.Context(), key); err != nil || string(record.Value) != key {
				t.Errorf("acknowledged %s: %q, %v", key, record.Value, err)
			}
		}
		if db.Seq() < int64(len(keys)) {
			t.Errorf("Seq = %d after %d acknowledged purges", db.Seq(), len(keys))
		}
		acknowledged += len(keys)
	}
	if acknowledged < 60 {
		t.Errorf("only %d acknowledged", acknowledged)
	}
}

// A killed process loses nothing that the kernel has; only a log synced at each commit survives a power cut as well.
func TestG9CommitsAreSynced(t *testing.T) {
	db := open(t, Options{Dir: filepath.Join(t.TempDir(), "data")})
	var synchronous int
	var journal string
	must(t, db.write.QueryRow("PRAGMA synchronous").Scan(&synchronous))
	must(t, db.write.QueryRow("PRAGMA journal_mode").Scan(&journal))
	if synchronous != 2 || journal != "wal" {
		t.Errorf("synchronous = %d, journal_mode = %s; want 2 (FULL), wal", synchronous, journal)
	}
}

func TestFaultsAreNoAnswers(t *testing.T) {
	all := func(t *testing.T, s policies.Store) {
		_, err := s.Get(t.Context(), "kind/a")
		wantFault(t, "get", err)
		_, err = s.Take(t.Context(), "kind/a")
		wantFault(t, "take", err)
		_, err = s.List(t.Context(), "kind/", "", 10)
		wantFault(t, "list", err)
	}
	begin := func(t *testing.T) (*DB, policies.Store) {
		db := open(t, Options{Dir: filepath.Join(t.TempDir(), "data")})
		s := db.Policy("p")
		put(t, s, "kind/a", "a", 0, time.Now().Add(time.Hour))
		put(t, s, "other/b", "b", 0, time.Now().Add(time.Hour))
		return db, s
	}
	t.Run("closed", func(t *testing.T) {
		db, s := begin(t)
		must(t, db.Close())
		all(t, s)
		wantFault(t, "commit", s.Commit(t.Context(), policies.Change{Purge: []string{"tag"}}))
	})
	for name, damage := range map[string]string{
		"value damaged":       `UPDATE records SET value = x'00112233' WHERE key = 'kind/a'`,
		"value of another":    `UPDATE records SET value = (SELECT value FROM records WHERE key = 'other/b') WHERE key = 'kind/a'`,
		"expiry put off":      `UPDATE records SET expires_at = expires_at + 1 WHERE key = 'kind/a'`,
		"version changed":     `UPDATE records SET version = version + 10 WHERE key = 'kind/a'`,
		"moved to other key":  `UPDATE records SET key = CASE key WHEN 'kind/a' THEN 'x/x' ELSE 'kind/a' END`,
		"moved from a policy": `UPDATE records SET policy = CASE key WHEN 'kind/a' THEN 'q' ELSE policy END`,
	} {
		t.Run(name, func(t *testing.T) {
			db, s := begin(t)
			_, err := db.write.Exec(damage)
			must(t, err)
			if name == "moved from a policy" {
				s = db.Policy("q")
			}
			all(t, s)
			all(t, s) // Take must not have removed it
		})
	}
	t.Run("disk full", func(t *testing.T) {
		db, s := begin(t)
		_, err := db.write.Exec("PRAGMA max_page_count = 1")
		must(t, err)
		purged := db.Seq()
		var full error
		for i := range 100 {
			full = s.Commit(t.Context(), policies.Change{Purge: []string{"tag"}, Puts: []policies.Put{
				{Key: fmt.Sprintf("big/%d", i), Value: make([]byte, 99_000), Expires: time.Now().Add(time.Hour)}}})
			if full != nil {
				break
			}
			purged++
		}
		wantFault(t, "commit", full)
		if db.Seq() != purged {
			t.Errorf("Seq = %d, want %d", db.Seq(), purged)
		}
		get(t, s, "kind/a")
		_, err = db.write.Exec("PRAGMA max_page_count = 100000")
		must(t, err)
		put(t, s, "big/z", "room again", 0, time.Now().Add(time.Hour))
	})
}

func TestSweep(t *testing.T) {
	c := newClock()
	db := open(t, Options{Dir: filepath.Join(t.TempDir(), "data"), Now: c.Now})
	for i := range (sweepBatch + 100) / policies.MaxChanges * 2 {
		var puts []policies.Put
		for j := range policies.MaxChanges {
			expires := c.After(time.Minute)
			if j%2 == 0 {
				expires = c.After(3 * time.Hour)
			}
			puts = append(puts, policies.Put{Key: fmt.Sprintf("kind/%d-%d", i, j), Expires: expires})
		}
		must(t, db.Policy("p").Commit(t.Context(), policies.Change{Puts: puts, Purge: []string{"tag"}}))
	}
	rows := func(table string) (n int) {
		must(t, db.read.QueryRow("SELECT count(*) FROM "+table).Scan(&n))
		return n
	}
	records, purges := rows("records"), rows("purges")
	if records <= 2*sweepBatch {
		t.Fatalf("%d records need no second batch", records)
	}
	sweep := func(want int) {
		t.Helper()
		removed, err := db.Sweep(t.Context())
		must(t, err)
		if removed != want {
			t.Errorf("removed %d rows, want %d", removed, want)
		}
	}
	sweep(0)
	c.Advance(time.Minute)
	sweep(records / 2)
	c.Advance(time.Hour)
	sweep(purges)
	if got := rows("records"); got != records/2 {
		t.Errorf("%d records live, want %d", got, records/2)
	}
	must(t, db.Policy("p").Commit(t.Context(), policies.Change{Purge: []string{"tag"}}))
	if db.Seq() != int64(purges+1) {
		t.Errorf("the sequence went on at %d, want %d", db.Seq(), purges+1)
	}
}

func TestRunSweepsEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := Open(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "data")})
		must(t, err)
		defer db.Close()
		put(t, db.Policy("p"), "kind/a", "v", 0, time.Now().Add(sweepEvery/2))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { db.Run(ctx); close(done) }()
		time.Sleep(sweepEvery + time.Second)
		synctest.Wait()
		var n int
		must(t, db.read.QueryRow("SELECT count(*) FROM records").Scan(&n))
		if n != 0 {
			t.Errorf("%d rows are left", n)
		}
		cancel()
		<-done
	})
}

func TestCloseWaitsForTheChangeBeingMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		db, err := Open(t.Context(), Options{
			Dir:    filepath.Join(t.TempDir(), "data"),
			Purged: func(int64, string, []string) { <-release },
		})
		must(t, err)
		committed, closed := make(chan error, 1), make(chan error, 1)
		go func() { committed <- db.Policy("p").Commit(t.Context(), policies.Change{Purge: []string{"t"}}) }()
		synctest.Wait()
		go func() { closed <- db.Close() }()
		synctest.Wait()
		if len(committed) != 0 || len(closed) != 0 {
			t.Error("Commit or Close returned before the purge was in force")
		}
		close(release)
		must(t, <-committed)
		must(t, <-closed)
	})
}

func BenchmarkStore(b *testing.B) {
	db := open(b, Options{Dir: filepath.Join(b.TempDir(), "data")})
	s := db.Policy("p")
	value := bytes.Repeat([]byte("v"), 400)
	expires := time.Now().Add(time.Hour)
	must(b, s.Commit(b.Context(), policies.Change{Puts: []policies.Put{{Key: "kind/get", Value: value, Expires: expires}}}))
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Get(b.Context(), "kind/get"); err != nil {
				b.Fatal(err)
			}
		}
	})
	n := 0
	b.Run("commit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n++
			must(b, s.Commit(b.Context(), policies.Change{
				Puts: []policies.Put{{Key: fmt.Sprintf("kind/%d", n), Value: value, Expires: expires}}}))
		}
	})
}
