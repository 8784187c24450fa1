package runtime

import (
	"cmp"
	"fmt"
	"path/filepath"

	"durward/runtime/internal/config"
	"durward/runtime/internal/reference"
	"durward/runtime/internal/watch"
)

// load reads the configuration and watches what it was made of, whether it is good or not. What the load went by is what
// is known: should a file hold anything else afterwards, also what it held before the load, the watcher finds it changed.
// Executables are read first, so that a change during the load is seen as one. A file outside of the folder is named by the
// load, and counts as it was then: a policy that reads one is configured later, and should the file have changed by that
// time, the policy is started once more.
func (h *Host) load() (*config.Config, []config.Problem) {
	known := h.reader.Read(h.files)
	loaded := h.loader.Load()
	h.files = h.watched(loaded.Files)
	if h.options.Fallback == nil {
		note(known, h.options.Config, loaded.Sums)
		known[h.routesFiles()] = watch.Listed(loaded.Listed)
	} else { // there is no folder
		for _, name := range loaded.Files {
			known[filepath.Join(h.options.Config, name)] = watch.Missing
		}
		known[h.routesFiles()] = watch.Listed(nil)
	}
	for _, f := range loaded.Outside {
		h.files = append(h.files, f.Path)
		known[f.Path] = watch.Content(f.Content)
	}
	h.watcher.Set(h.files, known)
	return loaded.Config, loaded.Problems
}

// note has known what a load read of the files in the folder.
func note(known watch.Contents, folder string, sums map[string]string) {
	for name, sum := range sums {
		known[filepath.Join(folder, name)] = cmp.Or(watch.Content(sum), watch.Missing)
	}
}

// dotEnv answers the absolute path of the .env file, which lies beside the folder: a configuration is given to others, and
// what is in .env is not. The configuration that is built in has none.
func (o Options) dotEnv() string {
	if o.Fallback != nil {
		return ""
	}
	path, err := filepath.Abs(filepath.Join(o.Config, "..", ".env"))
	if err != nil {
		return ""
	}
	return path
}

// content is what was read of a file that holds a value.
func content(t watch.Taken) reference.Content {
	c := reference.Content{Data: t.Data, Sum: string(t.Content), Shared: t.Shared, Missing: t.Content == watch.Missing}
	if t.Err != nil {
		c.Fault = t.Err.Error()
	}
	return c
}

// watched answers what a configuration of these files is made of in the folder: the files, and the executables that are
// no part of this one.
func (h *Host) watched(files []string) []string {
	paths := []string{h.routesFiles()}
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

// routesFiles is the name of what files with routes there are: a new one is a change, too.
func (h *Host) routesFiles() string {
	return watch.Listing(h.options.Config, config.RoutesEndings()...)
}

// sum answers the SHA-256 of an executable. Asking often costs little (watch.Reader).
func (h *Host) sum(path string) (string, error) {
	switch content := h.reader.ReadFile(path); content {
	case watch.Missing, watch.Unreadable:
		return "", fmt.Errorf("%s is %s", path, content)
	default:
		return string(content), nil
	}
}
