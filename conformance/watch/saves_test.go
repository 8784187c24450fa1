package watch

import (
	"os"
	"path/filepath"
	"time"

	"durward/runtime"
)

// step is one thing that is done to files, and the reload that it causes, if it causes one. What is done in one step is
// done well within the 150 ms for which the gateway waits.
type step struct {
	do   func(w *world)
	want string
}

// kind is a kind of save.
type kind struct {
	name  string
	steps []step
}

// take does what the step says, and waits for the reload that it causes.
func (w *world) take(s step) {
	w.t.Helper()
	began := time.Now()
	s.do(w)
	switch slow := time.Since(began) > 100*time.Millisecond; {
	case s.want == "":
	case slow: // the machine has let it lie half done: the gateway may have seen that, too
		w.settle(s.want)
	default:
		w.await(soon, s.want)
	}
}

// next is the routes' next content.
func (w *world) next() string {
	w.number++
	return content(routes, w.number)
}

func (w *world) routes() string { return filepath.Join(w.at, routes) }

// one is a save that is one reload.
func one(name string, do func(w *world)) kind { return kind{name, []step{{do, runtime.Applied}}} }

// none is a save that is none.
func none(name string, do func(w *world)) kind { return kind{name, []step{{do, ""}}} }

func remove(w *world) { must(w.t, os.Remove(w.routes())) }

// kept is what the routes held before they were removed.
func restored(text *string) []step {
	return []step{
		{func(w *world) { *text = w.read(routes); remove(w) }, runtime.Refused},
		{func(w *world) { must(w.t, os.WriteFile(w.routes(), []byte(*text), 0o600)) }, runtime.Unchanged},
	}
}

// inPlaceKinds keep the file that is there.
func inPlaceKinds() []kind {
	return []kind{
		one("written in place, of equal length", func(w *world) { inPlace(w.t, w.routes(), w.next()) }),
		one("truncated, then written", func(w *world) { must(w.t, os.WriteFile(w.routes(), []byte(w.next()), 0o600)) }),
		{"truncated, and written after a pause", []step{
			{func(w *world) { must(w.t, os.Truncate(w.routes(), 0)) }, runtime.Refused},
			{func(w *world) { must(w.t, os.WriteFile(w.routes(), []byte(w.next()), 0o600)) }, runtime.Applied},
		}},
		one("two files at once", func(w *world) {
			inPlace(w.t, w.routes(), w.next())
			inPlace(w.t, filepath.Join(w.at, beside), content(beside, w.number))
		}),
		none("the same bytes", func(w *world) { inPlace(w.t, w.routes(), w.read(routes)) }),
		none("touched", func(w *world) {
			must(w.t, os.Chtimes(w.routes(), time.Time{}, time.Unix(1, 0)))
			must(w.t, os.Chmod(w.routes(), 0o640))
			must(w.t, os.Chmod(w.routes(), 0o600))
		}),
	}
}

// renameKinds put another file in its place.
func renameKinds() []kind {
	return []kind{
		one("renamed into place", func(w *world) { save(w.t, w.routes(), w.next()) }),
		none("the same bytes renamed into place", func(w *world) { save(w.t, w.routes(), w.read(routes)) }),
		one("the old one kept as a backup, as by vim", func(w *world) {
			must(w.t, os.Rename(w.routes(), w.routes()+"~"))
			must(w.t, os.WriteFile(w.routes(), []byte(w.next()), 0o600))
		}),
		one("deleted and restored", func(w *world) {
			remove(w)
			must(w.t, os.WriteFile(w.routes(), []byte(w.next()), 0o600))
		}),
		{"deleted, and restored after a pause", restored(new(string))},
		one("a hard link in its place", func(w *world) {
			other := w.routes() + ".other"
			must(w.t, os.WriteFile(other, []byte(w.next()), 0o600))
			must(w.t, os.Link(other, other+".link"))
			must(w.t, os.Rename(other+".link", w.routes()))
			must(w.t, os.Remove(other))
		}),
		{"broken, and mended", []step{
			{func(w *world) { save(w.t, w.routes(), "{") }, runtime.Refused},
			{func(w *world) { save(w.t, w.routes(), w.next()) }, runtime.Applied},
		}},
	}
}

// swap gives a ConfigMap another content, as a kubelet does: a new folder, one rename of the link ..data, and then the
// old folder goes.
func swap(w *world, text string) {
	old, err := os.Readlink(filepath.Join(w.at, "..data"))
	must(w.t, err)
	next, err := os.MkdirTemp(w.at, "..v")
	must(w.t, err)
	must(w.t, os.CopyFS(next, os.DirFS(filepath.Join(w.at, old))))
	must(w.t, os.WriteFile(filepath.Join(next, routes), []byte(text), 0o600))
	must(w.t, os.Symlink(filepath.Base(next), filepath.Join(w.at, "..data_tmp")))
	must(w.t, os.Rename(filepath.Join(w.at, "..data_tmp"), filepath.Join(w.at, "..data")))
	must(w.t, os.RemoveAll(filepath.Join(w.at, old)))
}

func swapKinds() []kind {
	return []kind{
		one("swapped", func(w *world) { swap(w, w.next()) }),
		one("swapped twice", func(w *world) { swap(w, w.next()); swap(w, w.next()) }),
		none("swapped for the same bytes", func(w *world) { swap(w, w.read(routes)) }),
		{"swapped for one that is broken, and back", []step{
			{func(w *world) { swap(w, "{") }, runtime.Refused},
			{func(w *world) { swap(w, w.next()) }, runtime.Applied},
		}},
	}
}

// another makes a folder with the files that are there and other routes.
func another(w *world) string {
	next, err := os.MkdirTemp(filepath.Dir(w.at), "next")
	must(w.t, err)
	must(w.t, os.CopyFS(next, os.DirFS(w.at)))
	must(w.t, os.WriteFile(filepath.Join(next, routes), []byte(w.next()), 0o600))
	return next
}

func folderKinds() []kind {
	return []kind{
		one("the folder renamed away, and another put there", func(w *world) {
			next := another(w)
			must(w.t, os.Rename(w.at, next+".before"))
			must(w.t, os.Rename(next, w.at))
		}),
		{"the folder renamed away, and back after a pause", []step{
			{func(w *world) { must(w.t, os.Rename(w.at, w.at+".away")) }, runtime.Refused},
			{func(w *world) { must(w.t, os.Rename(w.at+".away", w.at)) }, runtime.Unchanged},
		}},
	}
}

func linkKinds() []kind {
	return []kind{one("the link led elsewhere", func(w *world) {
		next := another(w)
		must(w.t, os.Symlink(next, next+".link"))
		must(w.t, os.Rename(next+".link", w.at))
	})}
}
