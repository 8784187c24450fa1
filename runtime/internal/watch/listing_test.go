package watch

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A listing changes when a file of its kind appears or goes, and with nothing else.
func TestListing(t *testing.T) {
	folder := t.TempDir()
	name := Listing(folder, ".oas.json", ".oas.jsonc")
	var r Reader
	put := func(name, data string) func() {
		return func() {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		do   func()
		want Content
	}{
		{"empty", func() {}, Listed(nil)},
		{"a file", put("b.oas.json", "1"), Listed([]string{"b.oas.json"})},
		{"other bytes", put("b.oas.json", "2"), Listed([]string{"b.oas.json"})},
		{"another kind", put("policies.json", "{}"), Listed([]string{"b.oas.json"})},
		{"some program's own", put(".#a.oas.json", ""), Listed([]string{"b.oas.json"})},
		{"a second file", put("a.oas.jsonc", ""), Listed([]string{"b.oas.json", "a.oas.jsonc"})},
		{"no folder", remove, Listed(nil)},
	} {
		if step.do(); r.ReadFile(name) != step.want {
			t.Errorf("%s: the content is %s, want %s", step.name, r.ReadFile(name), step.want)
		}
	}
}

// What must happen for a listing to change happens in its folder.
func TestAroundListing(t *testing.T) {
	folder := t.TempDir()
	if got := around([]string{Listing(folder, ".oas.json")}); !slices.Contains(got, folder) {
		t.Errorf("followed is %q", got)
	}
}
