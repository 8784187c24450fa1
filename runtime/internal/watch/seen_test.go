package watch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds how long a test waits for what must happen.
const patience = 20 * time.Second

// Every kind of save, in every place, is seen by the events of the system alone, three times over: a watch that goes
// blind after the first save is the fault of old. And what has been seen is not told again.
func TestSavesAreSeen(t *testing.T) {
	everySave(t, func(t *testing.T, p place, s save) {
		t.Parallel()
		dir := p.make(t, t.TempDir(), "0")
		path, other := filepath.Join(dir, "p.json"), filepath.Join(t.TempDir(), "other.json")
		write(t, other, "0")
		w := newWatcher(Options{
			Debounce: 5 * time.Millisecond, Ceiling: 50 * time.Millisecond,
			Poll: time.Hour, // only events can tell
		})
		files := []string{path, other}
		added := make(chan struct{}, 1000)
		w.open = func() (notifier, error) {
			n, err := openNotifier()
			return tellAdds{n, added}, err
		}
		w.Set(files, w.reader.Read(files))
		changed := run(t, w)
		follow := around(files)
		if len(follow) < 2 {
			t.Fatalf("only %q are followed", follow)
		}
		for range follow {
			<-added
		}
		for _, text := range []string{"1", "2", "3"} {
			s.make(t, dir, text)
			// What is seen on the way to the text, an empty file say, is a change of its own.
			for awaitChange(t, changed).known[path] != sumOf(text) {
			}
			if w.Mode() != Events {
				t.Errorf("the mode is %q", w.Mode())
			}
			// Whatever else were told of the save, or were told of a touch, would be told before this.
			touch(t, path)
			renameTo(t, other, text)
			if now := awaitChange(t, changed).known; now[path] != sumOf(text) || now[other] != sumOf(text) {
				t.Errorf("a change was told of for nothing: %v", now)
			}
		}
		if n := len(changed); n != 0 {
			t.Errorf("%d changes were told of for nothing", n)
		}
	})
}

// A save is one change, however it is made, and the same bytes are none.
func TestSaveIsOneChange(t *testing.T) {
	everySave(t, func(t *testing.T, p place, s save) {
		dir := p.make(t, t.TempDir(), "0")
		path := filepath.Join(dir, "p.json")
		w := newWatcher(Options{})
		follower := newFollower(w.options.Logger, w.open, w.mute)
		defer follower.close()
		w.Set([]string{path}, w.reader.Read([]string{path}))
		for _, tt := range []struct {
			text string
			want bool
		}{{"1", true}, {"1", false}, {"2", true}, {"1", true}, {"1", false}} {
			s.make(t, dir, tt.text)
			if got := w.check(follower); got != tt.want {
				t.Errorf("%s: a change: %v, want %v", tt.text, got, tt.want)
			}
			touch(t, path)
			if w.check(follower) {
				t.Error("a touch is a change")
			}
		}
	})
}

// A load takes time: what changes after it read a file and before Set must not be lost.
func TestChangeWhileLoading(t *testing.T) {
	dir := t.TempDir()
	path, fresh := filepath.Join(dir, "p.json"), filepath.Join(dir, "imported.json")
	write(t, path, "0")
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
			w := newWatcher(Options{})
			follower := newFollower(w.options.Logger, w.open, w.mute)
			defer follower.close()
			before := w.reader.Read([]string{path})
			tt.act()
			w.Set(tt.files, before)
			if got := w.check(follower); got != tt.want {
				t.Errorf("changed: %v, want %v", got, tt.want)
			}
			if w.check(follower) {
				t.Error("a change was told twice")
			}
		})
	}
}

func TestUnusualFiles(t *testing.T) {
	dir := t.TempDir()
	pipe, folder, loop := filepath.Join(dir, "pipe"), filepath.Join(dir, "folder"), filepath.Join(dir, "loop")
	huge := filepath.Join(dir, "huge") // and all hole: reading it would take as long as if it were not
	must(t, os.WriteFile(huge, nil, 0o600))
	must(t, os.Truncate(huge, 1<<40))
	must(t, syscall.Mkfifo(pipe, 0o600))
	must(t, os.Mkdir(folder, 0o700))
	must(t, os.Symlink("loop", loop))
	got := new(Reader).Read([]string{pipe, folder, loop, huge, filepath.Join(dir, "none"), filepath.Join(folder, "none")})
	for name, want := range map[string]Content{
		pipe: Unreadable, folder: Unreadable, loop: Unreadable, huge: Unreadable,
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

func newWatcher(o Options) *Watcher {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Reader = new(Reader)
	return New(o)
}

// change is one that was told of.
type change struct {
	at    time.Duration // since run
	known Contents      // from then on
}

// run runs w until the test ends.
func run(t *testing.T, w *Watcher) <-chan change {
	changed := make(chan change, 10_000)
	ctx, cancel := context.WithCancel(t.Context())
	began := time.Now()
	var running sync.WaitGroup
	running.Go(func() {
		w.Run(ctx, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			changed <- change{time.Since(began), w.known}
		})
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return changed
}

func awaitChange(t *testing.T, changed <-chan change) change {
	t.Helper()
	select {
	case c := <-changed:
		return c
	case <-time.After(patience):
		t.Fatal("the change was not seen")
		return change{}
	}
}

func sumOf(text string) Content {
	sum := sha256.Sum256([]byte(text))
	return Content(hex.EncodeToString(sum[:]))
}

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
