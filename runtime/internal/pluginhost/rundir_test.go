package pluginhost

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func openTestDir(t *testing.T, base string, logger *slog.Logger) *runDir {
	t.Helper()
	d, err := openRunDir(base, logger)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.close() })
	return d
}

func TestRunFolderIsSweptOfHostsThatAreGoneOnly(t *testing.T) {
	base := shortDir(t)
	logger := slog.New(slog.DiscardHandler)
	living := openTestDir(t, base, logger)
	gone := openTestDir(t, base, logger)
	if err := os.WriteFile(filepath.Join(gone.path, "socket"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = gone.lock.Close() // what a kill does
	unlocked := filepath.Join(base, "h1")
	if err := os.Mkdir(unlocked, 0o700); err != nil {
		t.Fatal(err)
	}
	next := openTestDir(t, base, logger)
	for path, want := range map[string]bool{living.path: true, next.path: true, gone.path: false, unlocked: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v, want %v", path, err == nil, want)
		}
	}
}

func TestRunFolderWithALongNameIsReplacedByAShortOne(t *testing.T) {
	temp := shortDir(t)
	t.Setenv("TMPDIR", temp)
	var log bytes.Buffer
	long := filepath.Join(temp, strings.Repeat("long", 20))
	d := openTestDir(t, long, newTestLogger(&log))
	if !strings.HasPrefix(d.path, filepath.Join(temp, "durward-")) {
		t.Errorf("run folder is %s", d.path)
	}
	if !strings.Contains(log.String(), long) {
		t.Errorf("log does not say so: %s", log.String())
	}
	if len(d.path)+socketTail > longestSocket {
		t.Errorf("%s is still too long", d.path)
	}
}

func TestRunFolderOthersCanWriteToIsRefused(t *testing.T) {
	base := shortDir(t)
	if err := os.Chmod(base, 0o777); err != nil {
		t.Fatal(err)
	}
	if d, err := openRunDir(base, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("accepted: %s", d.path)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a host without a run folder was made")
	}
}

func TestAdapterKeepsGoPluginFromParsingAndPassesOnWhatItSays(t *testing.T) {
	var out bytes.Buffer
	l := newHclogger(newTestLogger(&out)).Named("a").With("k", 1)
	if l.GetLevel() != hclog.Off {
		t.Errorf("level is %v: go-plugin would parse what processes write", l.GetLevel())
	}
	l.Error("exited", "error", "x")
	want := `{"level":"DEBUG","msg":"exited","from":"go-plugin","severity":"error","k":"1","error":"x"}`
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
