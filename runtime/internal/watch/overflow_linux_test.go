package watch

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// The system's queue of events is really overrun, while a change is being dealt with, and what is saved just then makes
// no event any more. It is found all the same.
func TestOverflow(t *testing.T) {
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	must(t, err)
	queue, err := strconv.Atoi(strings.TrimSpace(string(text)))
	must(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "p.json")
	write(t, path, "0")
	w := newWatcher(Options{Debounce: 5 * time.Millisecond, Poll: time.Hour}) // only events can tell
	overflown := make(chan struct{}, 100)
	w.open = func() (notifier, error) {
		n, err := openNotifier()
		return tellOverflows{n, overflown}, err
	}
	w.Set([]string{path}, w.reader.Read([]string{path}))
	ctx, cancel := context.WithCancel(t.Context())
	found, goOn, ended := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx, func() {
			found <- struct{}{}
			<-goOn
		})
	}()
	defer func() { cancel(); <-ended }()
	next := func() {
		t.Helper()
		select {
		case <-found:
		case <-time.After(patience):
			t.Fatal("the change was not seen")
		}
	}
	w.Set([]string{path}, nil) // which is a change, and holds the watcher up
	next()
	noise(t, dir, queue+16384) // the notifier reads some thousands ahead
	renameTo(t, path, "1")
	goOn <- struct{}{}
	next()
	goOn <- struct{}{}
	if !known(w, path, sumOf("1")) {
		t.Error("the file was not read again")
	}
	select { // it stands at the end of the queue
	case <-overflown:
	case <-time.After(patience):
		t.Error("the queue was not overrun: this test shows nothing")
	}
	// Whoever has lost some events has those that follow.
	w.Set([]string{path}, Contents{path: sumOf("1")})
	renameTo(t, path, "2")
	next()
	goOn <- struct{}{}
	if w.Mode() != Events {
		t.Errorf("the mode is %q", w.Mode())
	}
}

// noise makes that many events. Two files take turns, since the system makes one event of several that are the same.
func noise(t *testing.T, dir string, events int) {
	var files [2]*os.File
	for i := range files {
		f, err := os.Create(filepath.Join(dir, "noise"+strconv.Itoa(i)))
		must(t, err)
		defer f.Close()
		files[i] = f
	}
	for n := range events {
		_, err := files[n%2].WriteAt([]byte("x"), 0)
		must(t, err)
	}
}

func known(w *Watcher, path string, want Content) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known[path] == want
}

// tellOverflows tells each time the system said that events were lost.
type tellOverflows struct {
	notifier
	told chan<- struct{}
}

func (n tellOverflows) channels() (<-chan fsnotify.Event, <-chan error) {
	events, from := n.notifier.channels()
	errs := make(chan error)
	go func() {
		defer close(errs)
		for err := range from {
			if errors.Is(err, fsnotify.ErrEventOverflow) {
				n.told <- struct{}{}
			}
			errs <- err
		}
	}()
	return events, errs
}
