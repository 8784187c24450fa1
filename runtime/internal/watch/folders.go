package watch

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"slices"

	"durward/runtime/internal/telemetry"

	"github.com/fsnotify/fsnotify"
)

// folders are the folders whose events are had. Files themselves are not watched: a watch on a file dies with the first
// save that renames another file into its place.
type folders struct {
	logger *slog.Logger
	open   func() (notifier, error)

	from   notifier // nil: no events at all
	events <-chan fsnotify.Event
	errors <-chan error

	followed map[string]bool // the ones we asked for
	failed   map[string]bool // the ones we could not have, as was logged
	silent   bool            // there are no events at all, as was logged
	again    bool            // that is long enough ago for another try
}

// notifier is what folders need of an fsnotify.Watcher.
type notifier interface {
	Add(folder string) error
	Remove(folder string) error
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

func newFolders(logger *slog.Logger, open func() (notifier, error)) *folders {
	return &folders{logger: logger, open: open}
}

// lose gives up what events came from.
func (f *folders) lose(cause error) {
	f.silence("file events have failed: files are only read from time to time", cause)
	f.close()
}

// retry has the next follow try once more to have events, if there are none. It is called from time to time, so that
// what fails again and again costs little.
func (f *folders) retry() { f.again = true }

func (f *folders) close() {
	if f.from == nil {
		return
	}
	if err := f.from.Close(); err != nil {
		f.logger.Warn("file events cannot be closed", telemetry.KeyError, err)
	}
	f.from, f.events, f.errors = nil, nil, nil // a nil channel is silent, where a closed one would never be
}

// silence says once, until there are events again, that there are none.
func (f *folders) silence(text string, cause error) {
	if !f.silent {
		f.logger.Warn(text, telemetry.KeyError, cause)
	}
	f.silent, f.again = true, false
}

// follow takes care that events come from these folders and no others, and tells whether they do. A folder that is
// followed already is asked for again: it may be another one of the same name by now. What could not be had before is
// tried again: somebody may have raised a limit.
func (f *folders) follow(wanted []string) bool {
	if f.from == nil && (f.silent && !f.again || !f.begin()) {
		return false
	}
	for folder := range maps.Clone(f.followed) {
		if !slices.Contains(wanted, folder) {
			_ = f.from.Remove(folder) // an error means that it has gone by itself
			delete(f.followed, folder)
			delete(f.failed, folder)
		}
	}
	complete := true
	for _, folder := range wanted {
		f.followed[folder] = true
		err := f.from.Add(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went this moment, which makes an event in the folder above or is found by reading
		}
		complete = complete && err == nil
		switch {
		case err != nil && !f.failed[folder]:
			f.logger.Warn("file events cannot be had of a folder: its files are only read from time to time",
				"folder", folder, telemetry.KeyError, err)
		case err == nil && f.failed[folder]:
			f.logger.Info("file events are had of a folder again", "folder", folder)
		}
		f.failed[folder] = err != nil
	}
	return complete
}

// begin opens what events come from.
func (f *folders) begin() bool {
	from, err := f.open()
	if err != nil {
		f.silence("file events cannot be had: files are only read from time to time", err)
		return false
	}
	if f.silent {
		f.logger.Info("file events are had again")
	}
	f.silent = false
	f.from, f.followed, f.failed = from, make(map[string]bool), make(map[string]bool)
	f.events, f.errors = from.channels()
	return true
}
