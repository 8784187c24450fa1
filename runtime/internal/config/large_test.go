//go:build !race

// Files as large as they may be. The race detector would take many times as long over their bytes, and has nothing to find
// in one load.

package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// Links give one file as many names as one likes.
func TestRoutesFilesAreBounded(t *testing.T) {
	folder := validFolder(t)
	much := []byte(`{"openapi": "3.1.0", "paths": {}}` + strings.Repeat(" ", 15<<20))
	for i := range 8 {
		folder[fmt.Sprintf("s%d.oas.json", i)] = &fstest.MapFile{Data: much}
	}
	result := load(t, folder, baseEnv())
	want := []string{"config/s4.oas.json:1:1: /: with the files before it there are more than 64 MiB of routes"}
	if diff := cmp.Diff(want, problemsOf(result)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if slices.Contains(result.Files, "s5.oas.json") || !slices.Contains(result.Listed, "s5.oas.json") {
		t.Errorf("read are %v, listed are %v", result.Files, result.Listed)
	}
}

// Links within the folder give a file as many names as one likes.
func TestImportedBytesAreBounded(t *testing.T) {
	var names []string
	files := map[string]string{}
	for i := range 7 {
		name := fmt.Sprintf("f%d.json", i)
		names = append(names, `"$import(./`+name+`)"`)
		files[name] = `"` + strings.Repeat("x", 3<<20) + `"`
	}
	got := problemsOf(load(t, importing(t, `"clientSecret": "s", "extra": [`+strings.Join(names, ", ")+`]`, files), baseEnv()))
	const want = "config/policies.json:13:175: /policies/0/handler/options/extra/6: f6.json cannot be read: " +
		"the imported files hold more than 16 MiB together"
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
