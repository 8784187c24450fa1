package mutation

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

// example is a configuration that loads.
type example struct {
	name, folder string
	files        []string
	env          map[string]string
}

// examples are the one for Clerk that people copy, and those of testdata, whose files "env" hold NAME=VALUE lines.
func examples(t *testing.T) []example {
	t.Helper()
	clerkEnv := map[string]string{"CLERK_CLIENT_ID": "client", "CLERK_CLIENT_SECRET": "secret"}
	all := []example{{name: "clerk", folder: filepath.Join(gateway.Root(), "examples", "clerk"), env: clerkEnv}}
	for _, name := range []string{"parts", "whole"} {
		e := example{name: name, folder: filepath.Join("testdata", name), env: map[string]string{}}
		raw, err := os.ReadFile(filepath.Join(e.folder, "env"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(raw)) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			e.env[name] = value
		}
		all = append(all, e)
	}
	for i := range all {
		files, err := filepath.Glob(filepath.Join(all[i].folder, "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s: %v", all[i].folder, err)
		}
		for _, file := range files {
			all[i].files = append(all[i].files, filepath.Base(file))
		}
	}
	return all
}

func (e example) read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(e.folder, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// copied answers a folder with the same files, and the certificate that they may name.
func (e example) copied(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(e.folder)); err != nil {
		t.Fatal(err)
	}
	certified(t, folder)
	return folder
}
