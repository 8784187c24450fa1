package runtime

import (
	"context"
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
	changed := make(chan struct{}, 10)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go h.watcher.Run(ctx, func() { changed <- struct{}{} })
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
