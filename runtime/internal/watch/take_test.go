package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What is taken of a file is what its sum is of, and why it is not taken does not name the file.
func TestReaderTakes(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(path("empty"), nil, 0o600))
	must(t, os.WriteFile(path("small"), []byte("text\n"), 0o640))
	must(t, os.WriteFile(path("full"), []byte(strings.Repeat("a", 1<<10)), 0o600))
	must(t, os.WriteFile(path("large"), []byte(strings.Repeat("a", 100<<10)), 0o600))
	must(t, os.Mkdir(path("folder"), 0o700))
	must(t, syscall.Mkfifo(path("pipe"), 0o600))
	must(t, os.Symlink("small", path("link")))
	for _, tt := range []struct {
		name, data string
		err        string
	}{
		{name: "empty"},
		{name: "small", data: "text\n"},
		{name: "link", data: "text\n"},
		{name: "full", data: strings.Repeat("a", 1<<10)},
		{name: "large", err: "holds more than 1 KiB"},
		{name: "none", err: "file does not exist"},
		{name: "folder", err: "is no regular file"},
		{name: "pipe", err: "is no regular file"},
		{name: "small/below", err: "cannot be read: not a directory"},
		{name: "nul\x00", err: "cannot be read: invalid argument"},
	} {
		var r Reader
		got := r.Take(path(tt.name), 1<<10)
		if want := r.ReadFile(path(tt.name)); got.Content != want {
			t.Errorf("%s: what is taken holds %s, want %s", tt.name, got.Content, want)
		}
		text := ""
		if got.Err != nil {
			text = got.Err.Error()
		}
		if string(got.Data) != tt.data || text != tt.err {
			t.Errorf("%s: taken %q, %v, want %q, %q", tt.name, got.Data, got.Err, tt.data, tt.err)
		}
		if missing := errors.Is(got.Err, fs.ErrNotExist); missing != (got.Content == Missing) {
			t.Errorf("%s: missing %v, and holds %s", tt.name, missing, got.Content)
		}
	}
	var r Reader
	for mode, want := range map[fs.FileMode]bool{0o600: false, 0o604: true} {
		if err := os.Chmod(path("small"), mode); err != nil {
			t.Fatal(err)
		}
		if got := r.Take(path("small"), 10).Shared; got != want {
			t.Errorf("a file of mode %v is shared: %v", mode, got)
		}
	}
}
