package watch

import (
	"bytes"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Where events cannot be had, or end, the files are polled; the log says so once, and the mode says so as long as it is
// so. When events can be had again, they are.
func TestSourcesThatFail(t *testing.T) {
	none := func() (notifier, error) { return nil, syscall.EMFILE }
	works := func() (notifier, error) { return newFake(nil), nil }
	noWatches := func() (notifier, error) { return newFake(syscall.ENOSPC), nil }
	closed := func() (notifier, error) {
		f := newFake(nil)
		close(f.events)
		close(f.errors)
		return f, nil
	}
	breaks := func() (notifier, error) {
		f := newFake(nil)
		go func() { f.errors <- errors.New("read: input/output error") }()
		return f, nil
	}
	for _, tt := range []struct {
		name string
		// opened is what becomes of each attempt to have events; the last stands for all that follow.
		opened []func() (notifier, error)
		mode   Mode
		// log is each line, in part.
		log []string
		// attempts is how often events were asked for in the first minute.
		attempts int
	}{
		{"works", []func() (notifier, error){works}, Events, nil, 1},
		{"no instance to be had", []func() (notifier, error){none}, Polling, []string{"WARN file events cannot be had: "}, 7},
		{"no instance to be had at first", []func() (notifier, error){none, none, works}, Events,
			[]string{"WARN file events cannot be had: ", "INFO file events are had again"}, 3},
		{"no watch to be had", []func() (notifier, error){noWatches}, Polling,
			[]string{"WARN file events cannot be had everywhere: "}, 1},
		{"the source ends", []func() (notifier, error){closed, none}, Polling, []string{"WARN file events have failed: "}, 7},
		{"the source ends once", []func() (notifier, error){closed, works}, Events,
			[]string{"WARN file events have failed: ", "INFO file events are had again"}, 2},
		{"the source breaks once", []func() (notifier, error){breaks, works}, Events,
			[]string{"input/output error", "INFO file events are had again"}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "p.json")
			write(t, path, "0")
			synctest.Test(t, func(t *testing.T) {
				log, attempts := new(journal), 0
				w := newWatcher(Options{Logger: slog.New(log.handler())})
				w.open = func() (notifier, error) {
					attempts++
					return tt.opened[min(attempts, len(tt.opened))-1]()
				}
				w.Set([]string{path}, w.reader.Read([]string{path}))
				if w.Mode() != Polling {
					t.Errorf("the mode is %q before the start", w.Mode())
				}
				changed := run(t, w)
				time.Sleep(time.Second)
				write(t, path, "1")
				if took := awaitChange(t, changed).at; took != DefaultPoll+DefaultDebounce {
					t.Errorf("the change was told of after %v", took)
				}
				time.Sleep(50 * time.Second)
				synctest.Wait()
				if got := w.Mode(); got != tt.mode {
					t.Errorf("the mode is %q, want %q", got, tt.mode)
				}
				if attempts != tt.attempts {
					t.Errorf("events were asked for %d times, want %d", attempts, tt.attempts)
				}
				lines := log.lines()
				for i, want := range tt.log {
					if i >= len(lines) || !strings.Contains(lines[i], want) {
						t.Errorf("line %d of the log does not hold %q", i, want)
					}
				}
				if len(lines) != len(tt.log) || len(changed) != 0 {
					t.Errorf("%d changes more, and the log is %q", len(changed), lines)
				}
			})
		})
	}
}

// A source that breaks again and again costs two lines each poll, and no more.
func TestSourceThatKeepsFailing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	write(t, path, "0")
	synctest.Test(t, func(t *testing.T) {
		log := new(journal)
		w := newWatcher(Options{Logger: slog.New(log.handler())})
		w.open = func() (notifier, error) {
			f := newFake(nil)
			close(f.events)
			return f, nil
		}
		w.Set([]string{path}, w.reader.Read([]string{path}))
		changed := run(t, w)
		time.Sleep(time.Hour)
		if n := len(log.lines()); n > 2*360+1 {
			t.Errorf("%d lines in an hour", n)
		}
		write(t, path, "1")
		awaitChange(t, changed)
	})
}

// When a limit is raised, what could not be followed is.
func TestPathsAreTriedAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	write(t, path, "0")
	synctest.Test(t, func(t *testing.T) {
		log, source := new(journal), newFake(syscall.ENOSPC)
		w := newWatcher(Options{Logger: slog.New(log.handler())})
		w.open = func() (notifier, error) { return source, nil }
		w.Set([]string{path}, w.reader.Read([]string{path}))
		run(t, w)
		time.Sleep(time.Minute)
		source.mayAdd(nil)
		time.Sleep(time.Minute)
		if lines := log.lines(); len(lines) != 2 || !strings.Contains(lines[1], "INFO file events are had everywhere again") {
			t.Errorf("the log is %q", lines)
		}
		if w.Mode() != Events {
			t.Errorf("the mode is %q", w.Mode())
		}
	})
}

// A file system that takes a watch and tells of nothing is polled, and said to be: one policy's file on it is enough.
func TestMuteFileSystem(t *testing.T) {
	dir, share := t.TempDir(), t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		files := []string{filepath.Join(dir, "p.json"), filepath.Join(share, "ca.pem")}
		for _, path := range files {
			write(t, path, "0")
		}
		log := new(journal)
		w := newWatcher(Options{Logger: slog.New(log.handler())})
		w.open = func() (notifier, error) { return newFake(nil), nil }
		w.mute = func(path string) bool { return strings.HasPrefix(path, share) }
		w.Set(files, w.reader.Read(files))
		changed := run(t, w)
		time.Sleep(time.Second)
		write(t, files[1], "1")
		if took := awaitChange(t, changed).at; took != DefaultPoll+DefaultDebounce {
			t.Errorf("the change was told of after %v", took)
		}
		if lines := log.lines(); len(lines) != 1 || !strings.Contains(lines[0], share) || !strings.Contains(lines[0], errMute.Error()) {
			t.Errorf("the log is %q", lines)
		}
		if w.Mode() != Polling {
			t.Errorf("the mode is %q", w.Mode())
		}
		w.Set(files[:1], w.reader.Read(files[:1]))
		time.Sleep(time.Minute)
		if w.Mode() != Events {
			t.Errorf("the mode is %q without the share", w.Mode())
		}
	})
	for path, want := range map[string]bool{dir: false, "/proc": false, filepath.Join(dir, "none"): false} {
		if got := mute(path); got != want {
			t.Errorf("%s is mute: %v, want %v", path, got, want)
		}
	}
}

// fake is a notifier that tells what it is told to.
type fake struct {
	mu     sync.Mutex
	add    error
	events chan fsnotify.Event
	errors chan error
}

func newFake(add error) *fake {
	return &fake{add: add, events: make(chan fsnotify.Event), errors: make(chan error)}
}

func (f *fake) mayAdd(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add = err
}

func (f *fake) Add(string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add
}

func (f *fake) Remove(string) error                             { return nil }
func (f *fake) Close() error                                    { return nil }
func (f *fake) channels() (<-chan fsnotify.Event, <-chan error) { return f.events, f.errors }

// journal keeps the log: "LEVEL message error" of each line.
type journal struct {
	mu  sync.Mutex
	raw bytes.Buffer
}

func (j *journal) handler() slog.Handler {
	return slog.NewTextHandler(j, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.raw.Write(p)
}

// lines answers each line as "LEVEL message", and what follows.
func (j *journal) lines() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := strings.NewReplacer("level=", "", `msg="`, "", `msg=`, "").Replace(j.raw.String())
	return slices.Collect(strings.Lines(text))
}
