package runtime

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// Files are found in the folder that has the path when they are asked for, and no link leads out of it.
func TestFolderIsHeld(t *testing.T) {
	top := t.TempDir()
	path := filepath.Join(top, "config")
	put := func(name, data string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(path, name)); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(top, "out.json"), "canary")
	put(filepath.Join(path, "more", "in.json"), "in")
	link("more/in.json", "link.json")
	link("../out.json", "up.json")
	link(filepath.Join(top, "out.json"), "absolute.json")
	link("..", "above")
	f := folder(path)
	for name, want := range map[string]string{
		"more/in.json": "in", "link.json": "in", "up.json": "", "absolute.json": "", "above/out.json": "", "none.json": "",
	} {
		data, err := fs.ReadFile(f, name)
		if string(data) != want || (err == nil) != (want != "") {
			t.Errorf("%s holds %q, %v; want %q", name, data, err, want)
		}
		if _, err := fs.Stat(f, name); (err == nil) != (want != "") {
			t.Errorf("of %s is told %v", name, err)
		}
	}
	if err := os.Rename(path, path+"-old"); err != nil {
		t.Fatal(err)
	}
	put(filepath.Join(path, "more", "in.json"), "new")
	if data, err := fs.ReadFile(f, "more/in.json"); string(data) != "new" {
		t.Errorf("in the folder that took its place is %q, %v", data, err)
	}
}
