package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime/internal/config"
)

// A file that held something else just while it was loaded, and holds what it held before by the time anybody looks
// again, is seen to differ from what was loaded.
func TestChangeThereAndBackDuringALoad(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		config.PoliciesFile: `{"policies": []}`, config.RoutesFile: `{"openapi": "3.1.0", "paths": {}}`,
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := New(Options{Config: folder})
	if err != nil {
		t.Fatal(err)
	}
	h.load()
	changed := watching(t, h)
	select {
	case <-changed:
		t.Fatal("what was loaded counts as changed")
	case <-time.After(500 * time.Millisecond): // some times as long as the watcher waits for quiet
	}

	h.loader = h.loader.Of(fstest.MapFS{ // what the load comes upon
		config.PoliciesFile: {Data: []byte("")}, config.RoutesFile: {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
	}, folder)
	if _, problems := h.load(); len(problems) == 0 {
		t.Error("an empty file has no problem")
	}
	select {
	case <-changed:
	case <-time.After(5 * time.Second): // before the next poll
		t.Error("nobody sees that the file is not what was loaded")
	}
}

// The same of a file that holds a value.
func TestValueThereAndBackDuringALoad(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "token")
	write := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := filepath.Join(folder, "config")
	if err := os.Mkdir(config, 0o700); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(config, "policies.json"), `{"policies": []}`)
	write(filepath.Join(config, "routes.oas.json"), `{"openapi": "3.1.0", "paths": {}}`)
	write(filepath.Join(config, "gateway.json"), `{"adminToken": "$env(TOKEN)"}`)
	var token string // what the file holds as it is read
	h, err := New(Options{Config: config, LookupEnv: func(name string) (string, bool) {
		if name != "TOKEN_FILE" {
			return "", false
		}
		write(path, token)
		return path, true
	}})
	if err != nil {
		t.Fatal(err)
	}
	load := func(value string) {
		t.Helper()
		token = value
		if cfg, problems := h.load(); cfg == nil || cfg.Gateway.AdminToken != value {
			t.Fatalf("loaded %+v, %v", cfg, problems)
		}
	}
	load("0123456789abcdef")
	changed := watching(t, h)
	load("fedcba9876543210")
	write(path, "0123456789abcdef")
	select {
	case <-changed:
	case <-time.After(5 * time.Second): // before the next poll
		t.Error("nobody sees that the file does not hold what was loaded")
	}
}

// The configuration that is built in never changes: nothing that is not there counts as changed against it.
func TestG5_BuiltInConfigurationIsLoadedOnce(t *testing.T) {
	h, err := New(Options{Config: filepath.Join(t.TempDir(), "none"), Fallback: fstest.MapFS{
		config.PoliciesFile: {Data: []byte(`{"policies": []}`)},
		config.RoutesFile:   {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := h.load(); len(problems) > 0 {
		t.Fatal(problems)
	}
	changed := watching(t, h)
	select {
	case <-changed:
		t.Error("what was loaded counts as changed")
	case <-time.After(500 * time.Millisecond): // some times as long as the watcher waits for quiet
	}
}

// watching lets the host's watcher run until the test ends, and answers where it tells of changes.
func watching(t *testing.T, h *Host) <-chan struct{} {
	changed := make(chan struct{}, 10)
	go h.watcher.Run(t.Context(), func() { changed <- struct{}{} })
	return changed
}
