package watch

import (
	"errors"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"durward/runtime/internal/telemetry"

	"github.com/fsnotify/fsnotify"
)

// folders are the folders whose events are had. Files themselves are not watched: a watch on a file dies with the first
// save that renames another file into its place.
type folders struct {
	logger *slog.Logger
	from   notifier // nil: no events at all
	events <-chan fsnotify.Event
	errors <-chan error

	followed map[string]bool // the ones we asked for
	failed   map[string]bool // the ones we could not have, as was logged
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

func openFolders(logger *slog.Logger, open func() (notifier, error)) *folders {
	f := &folders{logger: logger, followed: make(map[string]bool), failed: make(map[string]bool)}
	from, err := open()
	if err != nil {
		logger.Warn("file events cannot be had: files are only read from time to time", telemetry.KeyError, err)
		return f
	}
	f.from = from
	f.events, f.errors = from.channels()
	return f
}

func (f *folders) close() {
	if f.from == nil {
		return
	}
	if err := f.from.Close(); err != nil {
		f.logger.Warn("file events failed", telemetry.KeyError, err)
	}
}

// follow takes care that events come from these folders and no others. A folder that is followed already is asked for
// again: it may be another one of the same name by now.
func (f *folders) follow(wanted []string) {
	if f.from == nil {
		return
	}
	for folder := range maps.Clone(f.followed) {
		if !slices.Contains(wanted, folder) {
			_ = f.from.Remove(folder) // an error means that it has gone by itself
			delete(f.followed, folder)
		}
	}
	for _, folder := range wanted {
		f.followed[folder] = true
		err := f.from.Add(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it went this moment, which makes an event in the folder above or is found by reading
		}
		if err != nil && !f.failed[folder] {
			f.logger.Warn("file events cannot be had of a folder: its files are only read from time to time",
				"folder", folder, telemetry.KeyError, err)
		}
		f.failed[folder] = err != nil
	}
}

// around answers every folder in which something must happen for the content of the files to change: those that hold
// the files, and those that hold a symbolic link on the way to one. Of what is missing, it is the folder in which it
// would have to appear.
func around(files []string) []string {
	var found []string
	for _, name := range files {
		abs, err := filepath.Abs(name)
		if err != nil {
			continue // there is no working folder: reading from time to time must do
		}
		found = append(found, onTheWay(abs)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// maxLinks is how many links one path may lead through, as for Linux (path_resolution(7)).
const maxLinks = 40

func onTheWay(path string) (found []string) {
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, split(path[len(root):])
	for links := 0; len(rest) > 0 && links <= maxLinks; {
		step := filepath.Join(at, rest[0])
		info, err := os.Lstat(step)
		switch {
		case err != nil:
			return append(found, at)
		case info.Mode()&os.ModeSymlink != 0:
			found = append(found, at)
			target, err := os.Readlink(step)
			if err != nil {
				return found
			}
			links++
			if filepath.IsAbs(target) {
				root = filepath.VolumeName(target) + string(filepath.Separator)
				at, target = root, target[len(root):]
			}
			rest = append(split(target), rest[1:]...)
		case len(rest) == 1:
			return append(found, at)
		default:
			// Links on the way are resolved by now, so that ".." means the folder above.
			at, rest = step, rest[1:]
		}
	}
	return found
}

// split answers the elements of a path. Empty ones mean nothing.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}
