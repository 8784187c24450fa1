package runtime

import (
	"path/filepath"

	"durward/runtime/internal/config"
	"durward/runtime/internal/watch"
)

// load reads the configuration and watches what it was made of, whether it is good or not. What the files held is read
// first, so that a change during the load is seen as one.
func (h *Host) load() (*config.Config, []config.Problem) {
	known := watch.Read(h.files)
	loaded := h.loader.Load()
	h.files = h.watched(loaded.Files)
	h.watcher.Set(h.files, known)
	return loaded.Config, loaded.Problems
}

// watched answers what a configuration of these files is made of: the files, and the executables that are no part of
// this one.
func (h *Host) watched(files []string) []string {
	var paths []string
	for _, f := range files {
		paths = append(paths, filepath.Join(h.options.Config, f))
	}
	for _, p := range h.options.Plugins {
		if p.Executable.Path != "" {
			paths = append(paths, p.Executable.Path)
		}
	}
	return paths
}
