package watch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience bounds how long a test waits for what must happen.
const patience = 20 * time.Second

// saves are the ways in which a file comes to hold something else. Each is done twice in the tests: a watch that goes
// blind after the first save is the fault of old.
var saves = []struct {
	name string
	// prepare makes the file, with content "0", and answers its path.
	prepare func(t *testing.T, dir string) string
	save    func(t *testing.T, dir, path, text string)
}{
	{"written", plainFile, func(t *testing.T, _, path, text string) { write(t, path, text) }},
	{"truncated, then written", plainFile, func(t *testing.T, _, path, text string) {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
		must(t, err)
		_, err = f.WriteString(text)
		must(t, errors.Join(err, f.Close()))
	}},
	{"renamed into place", plainFile, func(t *testing.T, _, path, text string) {
		write(t, path+".tmp", text)
		must(t, os.Rename(path+".tmp", path))
	}},
	{"deleted and restored", plainFile, func(t *testing.T, _, path, text string) {
		must(t, os.Remove(path))
		write(t, path, text)
	}},
	{"ConfigMap swapped", configMap, swapConfigMap},
	{"link in the middle of the way swapped", func(t *testing.T, dir string) string {
		must(t, os.MkdirAll(filepath.Join(dir, "releases/0"), 0o700))
		must(t, os.Mkdir(filepath.Join(dir, "etc"), 0o700))
		write(t, filepath.Join(dir, "releases/0/p.json"), "0")
		must(t, os.Symlink("releases/0", filepath.Join(dir, "current")))
		must(t, os.Symlink("../current/p.json", filepath.Join(dir, "etc/p.json")))
		return filepath.Join(dir, "etc/p.json")
	}, func(t *testing.T, dir, _, text string) {
		must(t, os.Mkdir(filepath.Join(dir, "releases", text), 0o700))
		write(t, filepath.Join(dir, "releases", text, "p.json"), text)
		must(t, os.Symlink("releases/"+text, filepath.Join(dir, "next")))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")))
	}},
	{"folder replaced", func(t *testing.T, dir string) string {
		must(t, os.Mkdir(filepath.Join(dir, "config"), 0o700))
		return plainFile(t, filepath.Join(dir, "config"))
	}, func(t *testing.T, dir, _, text string) {
		must(t, os.Mkdir(filepath.Join(dir, "next"), 0o700))
		write(t, filepath.Join(dir, "next/p.json"), text)
		must(t, os.Rename(filepath.Join(dir, "config"), filepath.Join(dir, "before"+text)))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "config")))
	}},
	{"folder made late", func(_ *testing.T, dir string) string {
		return filepath.Join(dir, "a/b/p.json")
	}, func(t *testing.T, _, path, text string) {
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		write(t, path, text)
	}},
}

func TestChangesAreSeen(t *testing.T) {
	for _, tt := range saves {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := tt.prepare(t, dir)
			w := New(Options{
				Logger: slog.New(slog.DiscardHandler), Reader: new(Reader), Debounce: 5 * time.Millisecond, Ceiling: 50 * time.Millisecond,
				Poll: time.Hour, // only events can tell
			})
			files := []string{path}
			added := make(chan struct{}, 1000)
			w.open = func() (notifier, error) {
				n, err := openNotifier()
				return tellAdds{n, added}, err
			}
			w.Set(files, new(Reader).Read(files))
			changed := run(t, w)
			follow := around(files)
			if len(follow) == 0 {
				t.Fatal("no folder to follow")
			}
			for range follow {
				<-added
			}
			for _, text := range []string{"1", "2", "3"} {
				tt.save(t, dir, path, text)
				// What is seen on the way to the text, an empty file say, is a change of its own.
				for want := (sumOf(text)); new(Reader).Read(files)[path] != want || !known(w, path, want); {
					awaitChange(t, changed)
				}
			}
		})
	}
}

func TestSameBytesAreNoChange(t *testing.T) {
	for _, tt := range saves {
		if tt.name == "link in the middle of the way swapped" || tt.name == "folder replaced" {
			continue // their folders are named for the text
		}
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			path := tt.prepare(t, dir)
			w := New(Options{Logger: slog.New(slog.DiscardHandler), Reader: new(Reader)})
			folders := newFolders(w.options.Logger, w.open)
			defer folders.close()
			tt.save(t, dir, path, "same")
			w.Set([]string{path}, new(Reader).Read([]string{path}))
			tt.save(t, dir, path, "same")
			must(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
			if w.check(folders) {
				t.Error("the same bytes are a change")
			}
			write(t, path, "other")
			if !w.check(folders) {
				t.Error("other bytes are no change")
			}
			if w.check(folders) {
				t.Error("a change was told twice")
			}
		})
	}
}

// A load takes time: what changes after it read a file and before Set must not be lost.
func TestChangeWhileLoading(t *testing.T) {
	dir := t.TempDir()
	path := plainFile(t, dir)
	fresh := filepath.Join(dir, "imported.json")
	for _, tt := range []struct {
		name  string
		files []string
		act   func()
		want  bool
	}{
		{"nothing", []string{path}, func() {}, false},
		{"a file was written", []string{path}, func() { write(t, path, "1") }, true},
		{"a file was deleted", []string{path}, func() { must(t, os.Remove(path)) }, true},
		{"the load found that it needs another file", []string{path, fresh}, func() {}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := New(Options{Logger: slog.New(slog.DiscardHandler), Reader: new(Reader)})
			folders := newFolders(w.options.Logger, w.open)
			defer folders.close()
			before := new(Reader).Read([]string{path})
			tt.act()
			w.Set(tt.files, before)
			if got := w.check(folders); got != tt.want {
				t.Errorf("changed: %v, want %v", got, tt.want)
			}
		})
	}
}

// Without any event, reading from time to time finds what has changed; and the log says that it has come to that.
func TestWithoutEvents(t *testing.T) {
	for _, tt := range []struct {
		name  string
		open  func() (notifier, error)
		lines int
		log   string
	}{
		{"no watcher", func() (notifier, error) { return nil, syscall.EMFILE }, 1, "file events cannot be had: "},
		{"no more watches", func() (notifier, error) { return newFake(syscall.ENOSPC), nil }, 1, "file events cannot be had of a folder"},
		{"events that never come, as on NFS", func() (notifier, error) { return newFake(nil), nil }, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := plainFile(t, t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				var log lockedBuffer
				w := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Reader: new(Reader)})
				w.open = tt.open
				w.Set([]string{path}, new(Reader).Read([]string{path}))
				changed := run(t, w)
				time.Sleep(time.Second)
				synctest.Wait()
				write(t, path, "1")
				start := time.Now()
				awaitChange(t, changed)
				if took := time.Since(start); took > DefaultPoll+DefaultDebounce {
					t.Errorf("it took %v", took)
				}
				time.Sleep(time.Hour)
				if n := len(changed); n != 0 {
					t.Errorf("%d changes more, want none", n)
				}
				if got := strings.Count(log.String(), "\n"); got != tt.lines || !strings.Contains(log.String(), tt.log) {
					t.Errorf("%d lines, want %d with %q: %s", got, tt.lines, tt.log, &log)
				}
			})
		})
	}
}

// Lost events mean that something has changed.
func TestOverflow(t *testing.T) {
	path := plainFile(t, t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		fake := newFake(nil)
		w := New(Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Reader: new(Reader), Poll: time.Hour})
		w.open = func() (notifier, error) { return fake, nil }
		w.Set([]string{path}, new(Reader).Read([]string{path}))
		changed := run(t, w)
		time.Sleep(time.Second)
		write(t, path, "1")
		start := time.Now()
		fake.errors <- fsnotify.ErrEventOverflow
		awaitChange(t, changed)
		if took := time.Since(start); took != DefaultDebounce {
			t.Errorf("it took %v", took)
		}
		if log.String() != "" {
			t.Errorf("log: %s", &log)
		}
		write(t, path, "2")
		fake.errors <- errors.New("read: input/output error")
		awaitChange(t, changed)
		if !strings.Contains(log.String(), "input/output error") {
			t.Errorf("log: %s", &log)
		}
	})
}

func TestUnusualFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, folder, loop := filepath.Join(dir, "pipe"), filepath.Join(dir, "folder"), filepath.Join(dir, "loop")
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.Symlink("loop", loop))
	got := new(Reader).Read([]string{pipe, folder, loop, filepath.Join(dir, "none"), filepath.Join(folder, "none")})
	for name, want := range map[string]Content{
		pipe: Unreadable, folder: Unreadable, loop: Unreadable,
		filepath.Join(dir, "none"): Missing, filepath.Join(folder, "none"): Missing,
	} {
		if got[name] != want {
			t.Errorf("%s: %v, want %v", filepath.Base(name), got[name], want)
		}
	}
	if found := around([]string{loop}); len(found) == 0 {
		t.Error("no folder is followed for a link that leads to itself")
	}
}

func plainFile(t *testing.T, dir string) string {
	path := filepath.Join(dir, "p.json")
	write(t, path, "0")
	return path
}

func configMap(t *testing.T, dir string) string {
	swapConfigMap(t, dir, "", "0")
	must(t, os.Symlink("..data/p.json", filepath.Join(dir, "p.json")))
	return filepath.Join(dir, "p.json")
}

// swapConfigMap does what a kubelet does: a new folder, then one rename of the link ..data, then the old folder goes.
func swapConfigMap(t *testing.T, dir, _, text string) {
	next, err := os.MkdirTemp(dir, "..v")
	must(t, err)
	write(t, filepath.Join(next, "p.json"), text)
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	must(t, os.Symlink(filepath.Base(next), filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if old != "" {
		must(t, os.RemoveAll(filepath.Join(dir, old)))
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs w until the test ends.
func run(t *testing.T, w *Watcher) <-chan struct{} {
	changed := make(chan struct{}, 100)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx, func() { changed <- struct{}{} }) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return changed
}

func awaitChange(t *testing.T, changed <-chan struct{}) {
	t.Helper()
	select {
	case <-changed:
	case <-time.After(patience):
		t.Fatal("the change was not seen")
	}
}

func known(w *Watcher, path string, want Content) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[path] == want
}

// fake is a notifier that tells what it is told to.
type fake struct {
	add    error
	events chan fsnotify.Event
	errors chan error
}

func newFake(add error) *fake {
	return &fake{add: add, events: make(chan fsnotify.Event), errors: make(chan error)}
}

func (f *fake) Add(string) error                                { return f.add }
func (f *fake) Remove(string) error                             { return nil }
func (f *fake) Close() error                                    { return nil }
func (f *fake) channels() (<-chan fsnotify.Event, <-chan error) { return f.events, f.errors }

// tellAdds tells of each folder that is followed.
type tellAdds struct {
	notifier
	added chan<- struct{}
}

func (n tellAdds) Add(folder string) error {
	err := n.notifier.Add(folder)
	n.added <- struct{}{}
	return err
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func sumOf(text string) Content {
	sum := sha256.Sum256([]byte(text))
	return Content(hex.EncodeToString(sum[:]))
}
