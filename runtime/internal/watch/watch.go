package watch

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Defaults of Options.
const (
	DefaultDebounce = 150 * time.Millisecond
	DefaultCeiling  = 2 * time.Second
	DefaultPoll     = 10 * time.Second
)

// Mode is how changes come to be seen.
type Mode string

// The modes.
const (
	// Events: the system tells of changes in every folder; the files are also read from time to time.
	Events Mode = "events"
	// Polling: the system does not tell of changes, at least not everywhere, and the files are only read from time to
	// time: each Options.Poll. The log says why. Before Run has begun that is so as well.
	Polling Mode = "polling"
)

// Options say how patient a Watcher is. Zero durations mean the defaults.
type Options struct {
	// Logger is told when file events cannot be had. Required.
	Logger *slog.Logger
	// Reader reads the files. Required: what it knows of large ones is worth sharing with whoever else reads them.
	Reader *Reader
	// Debounce is how long there must be no event before the files are read: editors save in several steps.
	Debounce time.Duration
	// Ceiling bounds how long events can put that off.
	Ceiling time.Duration
	// Poll is how often the files are read although no event has come.
	Poll time.Duration
}

// Watcher watches a set of files. Its methods may be called at any time from any goroutine; Run only once.
type Watcher struct {
	options Options
	open    func() (notifier, error)
	mute    func(path string) bool
	reader  *Reader
	set     chan struct{} // Set has been called
	events  atomic.Bool

	mu    sync.Mutex
	files []string
	known Contents
}

// New answers a watcher of nothing. It holds no resources outside of Run.
func New(o Options) *Watcher {
	o.Debounce = cmp.Or(o.Debounce, DefaultDebounce)
	o.Ceiling = cmp.Or(o.Ceiling, DefaultCeiling)
	o.Poll = cmp.Or(o.Poll, DefaultPoll)
	return &Watcher{options: o, open: openNotifier, mute: mute, reader: o.Reader, set: make(chan struct{}, 1)}
}

// Set replaces the set of files, after a load that failed as well: a fix may come to any file it read or looked for.
// Files need not exist. known is what Read found before the load read them. A file that differs from it by now, or is
// not in it at all, counts as changed; so at worst a load is repeated, and no change falls between load and Set.
func (w *Watcher) Set(files []string, known Contents) {
	w.mu.Lock()
	w.files, w.known = slices.Clone(files), known
	w.mu.Unlock()
	select {
	case w.set <- struct{}{}:
	default: // Run has not seen the last Set yet, and will see both as one
	}
}

// Mode tells how changes come to be seen now.
func (w *Watcher) Mode() Mode {
	if w.events.Load() {
		return Events
	}
	return Polling
}

// errClosed is what becomes of events if their source ends by itself.
var errClosed = errors.New("their source has ended")

// Run calls changed, on its own goroutine, each time the content of the files is no longer what was known of it. What
// changed was called for counts as known from then on, whether or not Set is called. It returns when ctx ends.
func (w *Watcher) Run(ctx context.Context, changed func()) {
	follower := newFollower(w.options.Logger, w.open, w.mute)
	defer follower.close()
	defer w.events.Store(false)
	poll := time.NewTicker(w.options.Poll)
	defer poll.Stop()
	debounce := newDebounce(w.options.Debounce, w.options.Ceiling)
	w.mu.Lock()
	w.follow(follower)
	w.mu.Unlock()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-follower.events:
			if !open {
				w.lose(follower, errClosed)
			}
			debounce.stir()
		case err, open := <-follower.errors:
			if !open {
				err = errClosed
			}
			// Events may have been lost: something has changed, for all we know.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.lose(follower, err)
			}
			debounce.stir()
		case <-poll.C:
			follower.retry()
			debounce.stir()
		case <-w.set:
			debounce.stir()
		case <-debounce.over():
			debounce.settle()
			if w.check(follower) {
				changed()
			}
		}
	}
}

func (w *Watcher) lose(follower *follower, cause error) {
	follower.lose(cause)
	w.events.Store(false)
}

// follow has events come from around the files.
func (w *Watcher) follow(follower *follower) {
	w.events.Store(follower.follow(around(w.files)))
}

// check says whether content has changed, and takes what it found for known.
func (w *Watcher) check(follower *follower) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.follow(follower) // before reading: what changes afterwards makes an event
	found := w.reader.Read(w.files)
	if found.agrees(w.known) {
		return false
	}
	w.known = found
	return true
}
