package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// files answers the contents of all files in the data folder, which must be this user's alone.
func files(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	contents := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		must(t, err)
		if info.Mode() != 0o600 {
			t.Errorf("%s has mode %v", entry.Name(), info.Mode())
		}
		if contents[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return contents
}

func TestG10FilesArePrivateAndSealed(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o277} {
		t.Run(fmt.Sprintf("umask %04o", umask), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			old := syscall.Umask(umask)
			defer syscall.Umask(old)
			db := open(t, Options{Dir: dir})
			const canary = "canary-7f3a-must-not-lie-on-disk"
			put(t, db.Policy("p"), "kind/findable", canary, 0, time.Now().Add(time.Hour))
			info, err := os.Stat(dir)
			must(t, err)
			if info.Mode().Perm() != 0o700 {
				t.Errorf("folder has mode %v", info.Mode())
			}
			contents := files(t, dir)
			var names []string
			findable := false
			for name, content := range contents {
				names = append(names, name)
				findable = findable || bytes.Contains(content, []byte("kind/findable"))
				if bytes.Contains(content, []byte(canary)) {
					t.Errorf("%s holds the value in plain", name)
				}
			}
			slices.Sort(names)
			want := []string{databaseName, databaseName + "-shm", databaseName + "-wal", keyName, lockName}
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if !findable {
				t.Error("the files do not even hold the key: this test looks in the wrong place")
			}
		})
	}
}

func TestWideFilesAreNarrowed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, open(t, Options{Dir: dir}).Close())
	for _, name := range []string{databaseName, keyName, lockName} {
		must(t, os.Chmod(filepath.Join(dir, name), 0o644))
	}
	open(t, Options{Dir: dir})
	files(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	key := bytes.Repeat([]byte{1}, keySize)
	path := func(dir, name string) string { return filepath.Join(dir, name) }
	for name, tc := range map[string]struct {
		made    Options // what the store was made with
		spoil   func(t *testing.T, dir string)
		options Options
		want    string
	}{
		"key file gone": {
			spoil: func(t *testing.T, dir string) { must(t, os.Remove(path(dir, keyName))) },
			want:  "put the key back",
		},
		"key file of another store": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(path(dir, keyName), bytes.Repeat([]byte("ab"), keySize), 0o600))
			},
			want: "store.key is not the one",
		},
		"key file cut short": {
			spoil: func(t *testing.T, dir string) { must(t, os.WriteFile(path(dir, keyName), []byte("abcd"), 0o600)) },
			want:  "store.key is not a store key (64 hexadecimal digits)",
		},
		"another configured key": {
			made:    Options{Key: key},
			options: Options{Key: bytes.Repeat([]byte{2}, keySize)},
			want:    "the configured store key (store.key in gateway.json) is not the one",
		},
		"configured key gone":      {made: Options{Key: key}, want: "put the key back"},
		"configured key too short": {options: Options{Key: key[:31]}, want: "has 31 bytes, not 32"},
		"folder open to others": {
			spoil: func(t *testing.T, dir string) { must(t, os.Chmod(dir, 0o750)) },
			want:  "open to other users (mode 0750)",
		},
		"changed by a newer release": {
			spoil: func(t *testing.T, dir string) {
				raw, err := sql.Open("sqlite", "file:"+path(dir, databaseName))
				must(t, err)
				_, err = raw.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
				must(t, err)
				must(t, raw.Close())
			},
			want: "changed by a newer durward",
		},
		"not a database": {
			spoil: func(t *testing.T, dir string) {
				must(t, os.WriteFile(path(dir, databaseName), bytes.Repeat([]byte("no database"), 999), 0o600))
			},
			want: "not a database",
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			tc.made.Dir, tc.options.Dir = dir, dir
			must(t, open(t, tc.made).Close())
			if tc.spoil != nil {
				tc.spoil(t, dir)
			}
			db, err := Open(t.Context(), tc.options)
			if err == nil {
				db.Close()
				t.Fatal("it opened")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %q does not say %q", err, tc.want)
			}
			for _, secret := range []string{"abab", "0101", "0202"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q holds a key", err)
				}
			}
			if folder, err := openFolder(dir); err == nil {
				must(t, folder.release())
			} else if !strings.Contains(tc.want, "other users") {
				t.Errorf("the folder stayed locked: %v", err)
			}
		})
	}
	t.Run("no folder named", func(t *testing.T) {
		if _, err := Open(t.Context(), Options{}); err == nil {
			t.Error("it opened")
		}
	})
}

func TestKeyFileIsNeverOverwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	must(t, os.Mkdir(dir, 0o700))
	key := strings.Repeat("5a", keySize)
	must(t, os.WriteFile(filepath.Join(dir, keyName), []byte(key), 0o600))
	open(t, Options{Dir: dir})
	got, err := os.ReadFile(filepath.Join(dir, keyName))
	must(t, err)
	if string(got) != key {
		t.Error("the key file was changed")
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, Options{Dir: dir})
	_, err := Open(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another durward") {
		t.Errorf("second Open: %v", err)
	}
	put(t, db.Policy("p"), "kind/a", "v", 0, time.Now().Add(time.Hour))
	must(t, db.Close())
	open(t, Options{Dir: dir})
}
