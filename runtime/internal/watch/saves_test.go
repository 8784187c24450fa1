package watch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// save is a way in which a file comes to hold something else.
type save struct {
	name string
	// make has the file p.json below dir hold text, whatever was there before.
	make func(t *testing.T, dir, text string)
}

// saves are what editors, programs and people do.
var saves = []save{
	{"written in place, of equal length", func(t *testing.T, dir, text string) {
		f, err := os.OpenFile(filepath.Join(dir, "p.json"), os.O_WRONLY, 0)
		must(t, err)
		_, err = f.WriteAt([]byte(text), 0)
		must(t, errors.Join(err, f.Close()))
	}},
	{"truncated, then written", func(t *testing.T, dir, text string) { write(t, filepath.Join(dir, "p.json"), text) }},
	{"renamed into place", func(t *testing.T, dir, text string) {
		renameTo(t, filepath.Join(dir, "p.json"), text)
	}},
	{"the old one kept as a backup, as by vim", func(t *testing.T, dir, text string) {
		must(t, os.Rename(filepath.Join(dir, "p.json"), filepath.Join(dir, "p.json~")))
		write(t, filepath.Join(dir, "p.json"), text)
	}},
	{"deleted and restored", func(t *testing.T, dir, text string) {
		must(t, os.Remove(filepath.Join(dir, "p.json")))
		write(t, filepath.Join(dir, "p.json"), text)
	}},
	{"a hard link in its place", func(t *testing.T, dir, text string) {
		elsewhere := filepath.Join(t.TempDir(), "p.json")
		write(t, elsewhere, text)
		must(t, os.Remove(filepath.Join(dir, "p.json")))
		must(t, os.Link(elsewhere, filepath.Join(dir, "p.json")))
	}},
	{"a symbolic link in its place", func(t *testing.T, dir, text string) {
		elsewhere := filepath.Join(t.TempDir(), "p.json")
		write(t, elsewhere, text)
		must(t, os.Symlink(elsewhere, filepath.Join(dir, "next")))
		must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "p.json")))
	}},
}

// place is a folder on whose way something special lies.
type place struct {
	name string
	// make makes it below root with p.json, holding text, and answers the path that is watched.
	make func(t *testing.T, root, text string) (dir string)
	// saves are the ways of saving that belong to this place alone; on top of saves, unless only is set.
	saves []save
	only  bool
}

var places = []place{
	{name: "a folder", make: func(t *testing.T, root, text string) string {
		write(t, filepath.Join(root, "p.json"), text)
		return root
	}},
	{name: "a folder through symbolic links", make: func(t *testing.T, root, text string) string {
		must(t, os.MkdirAll(filepath.Join(root, "real/config"), 0o700))
		must(t, os.Symlink("real", filepath.Join(root, "one")))
		must(t, os.Symlink(filepath.Join(root, "one"), filepath.Join(root, "two")))
		write(t, filepath.Join(root, "real/config/p.json"), text)
		return filepath.Join(root, "two/config")
	}, saves: []save{
		{"the link is led elsewhere", func(t *testing.T, dir, text string) {
			root := filepath.Dir(filepath.Dir(dir))
			next := filepath.Join(root, "real"+text)
			must(t, os.MkdirAll(filepath.Join(next, "config"), 0o700))
			write(t, filepath.Join(next, "config/p.json"), text)
			must(t, os.Symlink(next, filepath.Join(root, "next")))
			must(t, os.Rename(filepath.Join(root, "next"), filepath.Join(root, "one")))
		}},
	}},
	{name: "a ConfigMap", only: true, make: func(t *testing.T, root, text string) string {
		swapConfigMap(t, root, text)
		must(t, os.Symlink("..data/p.json", filepath.Join(root, "p.json")))
		return root
	}, saves: []save{{"swapped", swapConfigMap}}},
	{name: "a link to a file in a release", only: true, make: func(t *testing.T, root, text string) string {
		must(t, os.MkdirAll(filepath.Join(root, "releases/0"), 0o700))
		must(t, os.Mkdir(filepath.Join(root, "etc"), 0o700))
		write(t, filepath.Join(root, "releases/0/p.json"), text)
		must(t, os.Symlink("releases/0", filepath.Join(root, "current")))
		must(t, os.Symlink("../current/p.json", filepath.Join(root, "etc/p.json")))
		return filepath.Join(root, "etc")
	}, saves: []save{{"the next release", func(t *testing.T, dir, text string) {
		root := filepath.Dir(dir)
		must(t, os.MkdirAll(filepath.Join(root, "releases", text), 0o700))
		write(t, filepath.Join(root, "releases", text, "p.json"), text)
		must(t, os.Symlink("releases/"+text, filepath.Join(root, "next")))
		must(t, os.Rename(filepath.Join(root, "next"), filepath.Join(root, "current")))
	}}}},
	{name: "a folder that is replaced", make: func(t *testing.T, root, text string) string {
		must(t, os.Mkdir(filepath.Join(root, "config"), 0o700))
		write(t, filepath.Join(root, "config/p.json"), text)
		return filepath.Join(root, "config")
	}, saves: []save{{"renamed away, and another put there", func(t *testing.T, dir, text string) {
		next, err := os.MkdirTemp(filepath.Dir(dir), "next")
		must(t, err)
		write(t, filepath.Join(next, "p.json"), text)
		must(t, os.Rename(dir, next+".before"))
		must(t, os.Rename(next, dir))
	}}, {"removed, and made anew", func(t *testing.T, dir, text string) {
		must(t, os.RemoveAll(dir))
		must(t, os.Mkdir(dir, 0o700))
		write(t, filepath.Join(dir, "p.json"), text)
	}}}},
	{name: "a folder that comes late", only: true, make: func(_ *testing.T, root, _ string) string {
		return filepath.Join(root, "a/b")
	}, saves: []save{{"made", func(t *testing.T, dir, text string) {
		must(t, os.MkdirAll(dir, 0o700))
		write(t, filepath.Join(dir, "p.json"), text)
	}}}},
}

// swapConfigMap does what a kubelet does: a new folder, then one rename of the link ..data, then the old folder goes.
func swapConfigMap(t *testing.T, dir, text string) {
	next, err := os.MkdirTemp(dir, "..v")
	must(t, err)
	write(t, filepath.Join(next, "p.json"), text)
	old, _ := os.Readlink(filepath.Join(dir, "..data"))
	must(t, os.Symlink(filepath.Base(next), filepath.Join(dir, "..data_tmp")))
	must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if old != "" {
		must(t, os.RemoveAll(filepath.Join(dir, old)))
	}
}

// everySave runs a test for each way of saving in each place.
func everySave(t *testing.T, test func(t *testing.T, p place, s save)) {
	for _, p := range places {
		all := p.saves
		if !p.only {
			all = append(append([]save{}, saves...), p.saves...)
		}
		for _, s := range all {
			t.Run(p.name+", "+s.name, func(t *testing.T) { test(t, p, s) })
		}
	}
}

// touch changes everything about a file but its bytes.
func touch(t *testing.T, path string) {
	must(t, os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
	must(t, os.Chmod(path, 0o640))
	must(t, os.Chmod(path, 0o600))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// renameTo is a save of one step.
func renameTo(t *testing.T, path, text string) {
	t.Helper()
	write(t, path+".tmp", text)
	must(t, os.Rename(path+".tmp", path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
