package watch

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"durward/runtime/internal/telemetry"

	"github.com/fsnotify/fsnotify"
)

// follower has the system tell of what happens at some paths: at folders, because a watch on a file dies with the first
// save that renames another file into its place; and at the files in them, because a mount of one single file tells of it
// where it was mounted from, and not in the folder where it is seen.
type follower struct {
	logger *slog.Logger
	open   func() (notifier, error)
	mute   func(path string) bool // no events are to be expected of what others change there

	from   notifier // nil: no events at all
	events <-chan fsnotify.Event
	errors <-chan error

	followed map[string]bool // the ones we asked for
	partial  bool            // there are none of some of them, as was logged
	silent   bool            // there are no events at all, as was logged
	again    bool            // that is long enough ago for another try
}

// notifier is what a follower needs of an fsnotify.Watcher.
type notifier interface {
	Add(path string) error
	Remove(path string) error
	Close() error
	channels() (<-chan fsnotify.Event, <-chan error)
}

type fsNotifier struct{ *fsnotify.Watcher }

func (n fsNotifier) channels() (<-chan fsnotify.Event, <-chan error) { return n.Events, n.Errors }

func openNotifier() (notifier, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	return fsNotifier{w}, nil
}

func newFollower(logger *slog.Logger, open func() (notifier, error), mute func(string) bool) *follower {
	return &follower{logger: logger, open: open, mute: mute}
}

// errMute is what becomes of events from some file systems.
var errMute = errors.New("the file system does not tell of what is changed elsewhere")

// lose gives up what events came from.
func (f *follower) lose(cause error) {
	f.silence("file events have failed: files are only read from time to time", cause)
	f.close()
}

// retry has the next follow try once more to have events, if there are none. It is called from time to time, so that
// what fails again and again costs little.
func (f *follower) retry() { f.again = true }

func (f *follower) close() {
	if f.from == nil {
		return
	}
	if err := f.from.Close(); err != nil {
		f.logger.Warn("file events cannot be closed", telemetry.KeyError, err)
	}
	f.from, f.events, f.errors = nil, nil, nil // a nil channel is silent, where a closed one would never be
}

// silence says once, until there are events again, that there are none.
func (f *follower) silence(text string, cause error) {
	if !f.silent {
		f.logger.Warn(text, telemetry.KeyError, cause)
	}
	f.silent, f.again = true, false
}

// follow takes care that events come from these paths and no others, and tells whether they do. What is followed already
// is asked for anew: it may be another thing of the same name by now. What could not be had before is tried again:
// somebody may have raised a limit.
func (f *follower) follow(wanted []string) bool {
	if f.from == nil && (f.silent && !f.again || !f.begin()) {
		return false
	}
	for path := range f.followed {
		_ = f.from.Remove(path) // an error means that it has gone by itself
	}
	clear(f.followed)
	var failed error
	for _, path := range wanted {
		switch err := f.from.Add(path); {
		case err == nil:
			f.followed[path] = true
			if f.mute(path) {
				failed = cmp.Or(failed, fmt.Errorf("%s: %w", path, errMute))
			}
		case !errors.Is(err, fs.ErrNotExist): // that makes an event in the folder above, or is found by reading
			failed = cmp.Or(failed, fmt.Errorf("%s: %w", path, err))
		}
	}
	switch {
	case failed != nil && !f.partial:
		f.logger.Warn("file events cannot be had everywhere: some files are only read from time to time",
			telemetry.KeyError, failed)
	case failed == nil && f.partial:
		f.logger.Info("file events are had everywhere again")
	}
	f.partial = failed != nil
	return !f.partial
}

// begin opens what events come from.
func (f *follower) begin() bool {
	from, err := f.open()
	if err != nil {
		f.silence("file events cannot be had: files are only read from time to time", err)
		return false
	}
	if f.silent {
		f.logger.Info("file events are had again")
	}
	f.from, f.followed, f.silent, f.partial = from, make(map[string]bool), false, false
	f.events, f.errors = from.channels()
	return true
}
