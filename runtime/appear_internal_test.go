package runtime

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime/internal/config"
)

// A file with routes that was away just while the folder was looked through is seen to be there.
func TestRoutesFileAwayDuringALoad(t *testing.T) {
	folder := t.TempDir()
	files := fstest.MapFS{
		config.PoliciesFile: {Data: []byte(`{"policies": []}`)},
		"a.oas.json":        {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
		"b.oas.json":        {Data: []byte(`{"openapi": "3.1.0", "paths": {}}`)},
	}
	for name, file := range files {
		if err := os.WriteFile(filepath.Join(folder, name), file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h, err := New(Options{Config: folder})
	if err != nil {
		t.Fatal(err)
	}
	h.load()
	delete(files, "b.oas.json")
	h.loader = h.loader.Of(files, folder)
	if cfg, problems := h.load(); cfg == nil {
		t.Fatal(problems)
	}
	changed := watching(t, h)
	select {
	case <-changed:
	case <-time.After(5 * time.Second): // before the next poll
		t.Error("nobody sees that there is a file more than was loaded")
	}
}
