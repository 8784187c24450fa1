package watch

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The sum of a large file is kept while its stamp stays, and only if the file was left alone for a while before it was
// read; whatever is done to the bytes afterwards is seen.
func TestReaderKeepsSumsOfLargeFiles(t *testing.T) {
	const kept = Content("kept")
	bytesOf := func(c byte, size int) []byte { return bytes.Repeat([]byte{c}, size) }
	for _, tt := range []struct {
		name string
		size int
		// later is how long after the file was written it is first read, by the clock of the reader.
		later time.Duration
		act   func(t *testing.T, path string, was os.FileInfo)
		want  Content
	}{
		{"left alone", 2 << 20, time.Hour, nil, kept},
		{"a small one", 1 << 10, time.Hour, nil, sumOf(strings.Repeat("a", 1<<10))},
		{"read right after it was written", 2 << 20, 0, nil, sumOf(strings.Repeat("a", 2<<20))},
		{"written by a clock that is ahead", 2 << 20, -time.Hour, nil, sumOf(strings.Repeat("a", 2<<20))},
		{"other bytes in place, and the time put back", 2 << 20, time.Hour, func(t *testing.T, path string, was os.FileInfo) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			must(t, err)
			_, err = f.WriteAt([]byte("b"), 0)
			must(t, err)
			must(t, f.Close())
			must(t, os.Chtimes(path, was.ModTime(), was.ModTime()))
		}, sumOf("b" + strings.Repeat("a", 2<<20-1))},
		{"another file of the same size and time", 2 << 20, time.Hour, func(t *testing.T, path string, was os.FileInfo) {
			must(t, os.WriteFile(path+".tmp", bytesOf('b', 2<<20), 0o600))
			must(t, os.Chtimes(path+".tmp", was.ModTime(), was.ModTime()))
			must(t, os.Rename(path+".tmp", path))
		}, sumOf(strings.Repeat("b", 2<<20))},
		{"deleted", 2 << 20, time.Hour, func(t *testing.T, path string, _ os.FileInfo) { must(t, os.Remove(path)) }, Missing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "program")
			must(t, os.WriteFile(path, bytesOf('a', tt.size), 0o600))
			was, err := os.Stat(path)
			must(t, err)
			r := &Reader{now: func() time.Time { return was.ModTime().Add(tt.later) }}
			if got, want := r.ReadFile(path), sumOf(strings.Repeat("a", tt.size)); got != want {
				t.Fatalf("the file holds %s, want %s", got, want)
			}
			for name, s := range r.sums {
				s.content = kept // so that it shows where an answer comes from
				r.sums[name] = s
			}
			if tt.act != nil {
				tt.act(t, path, was)
			}
			if got := r.ReadFile(path); got != tt.want {
				t.Errorf("the file then holds %s, want %s", got, tt.want)
			}
		})
	}
}

func TestStampsSettle(t *testing.T) {
	whole := time.Unix(1_800_000_000, 0)
	for _, tt := range []struct {
		name    string
		changed time.Time
		later   time.Duration
		want    bool
	}{
		{"a fine clock, too soon", whole.Add(123 * time.Millisecond), 90 * time.Millisecond, false},
		{"a fine clock", whole.Add(123 * time.Millisecond), 110 * time.Millisecond, true},
		{"a coarse clock, too soon", whole, 2 * time.Second, false},
		{"a coarse clock", whole, 4 * time.Second, true},
		{"a clock that is ahead", whole, -time.Hour, false},
	} {
		if got := (stamp{changed: tt.changed}).settled(tt.changed.Add(tt.later)); got != tt.want {
			t.Errorf("%s: settled: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestReaderKeepsABoundedNumberOfSums(t *testing.T) {
	dir := t.TempDir()
	r := &Reader{now: func() time.Time { return time.Now().Add(time.Hour) }}
	path := filepath.Join(dir, "program")
	must(t, os.WriteFile(path, make([]byte, large+1), 0o600))
	for n := range 3 * maxSums {
		link := filepath.Join(dir, strconv.Itoa(n))
		must(t, os.Link(path, link))
		r.ReadFile(link)
	}
	if n := len(r.sums); n == 0 || n > maxSums {
		t.Errorf("%d sums are kept", n)
	}
}
