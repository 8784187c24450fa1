package parts

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func TestAMissingPartIsNamedWithHowToGetIt(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	missing := Missing()
	if len(missing) != 5 {
		t.Fatalf("missing: %q", missing)
	}
	for i, want := range []string{"chromium", "nginx-light", "nodejs", "npm", "util-linux"} {
		if !strings.Contains(missing[i], "apt-get install --no-install-recommends "+want) {
			t.Errorf("%q does not say how to get %s", missing[i], want)
		}
	}
}

func TestAPartIsFoundUnderEachOfItsNames(t *testing.T) {
	for _, name := range chromium().commands {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, name), "#!/bin/sh\n", 0o700)
			t.Setenv("PATH", folder)
			if got, err := chromium().find(); err != nil || got != filepath.Join(folder, name) {
				t.Errorf("found %q, %v", got, err)
			}
		})
	}
}

// outcome is a test that notes how it was ended, and goes on.
type outcome struct {
	testing.TB
	failed, skipped bool
}

func (*outcome) Helper()        {}
func (o *outcome) Fatal(...any) { o.failed = true }
func (o *outcome) Skip(...any)  { o.skipped = true }

func TestAMissingPartFailsInCIOnly(t *testing.T) {
	for ci, want := range map[string]outcome{"true": {failed: true, skipped: true}, "": {skipped: true}} {
		t.Run("CI="+ci, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir())
			t.Setenv("CI", ci)
			var got outcome
			Node(&got) // after this Fatal it goes on to Skip, as it would not after a real one
			if got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestInstallOnceForEachLockFile(t *testing.T) {
	folder := t.TempDir()
	npm := filepath.Join(t.TempDir(), "npm")
	write(t, npm, "#!/bin/sh\necho run >>log\n[ -e broken ] && echo 'no such version' && exit 1\nmkdir -p node_modules\n", 0o700)
	list := filepath.Join(folder, "package-lock.json")
	runs := func() int {
		log, _ := os.ReadFile(filepath.Join(folder, "log")) // not there: no run
		return strings.Count(string(log), "run")
	}

	write(t, list, "one", 0o600)
	var suites sync.WaitGroup
	for range 8 {
		suites.Go(func() {
			if err := install(npm, folder); err != nil {
				t.Error(err)
			}
		})
	}
	suites.Wait()
	if got := runs(); got != 1 {
		t.Errorf("npm ran %d times for one lock file", got)
	}

	write(t, list, "two", 0o600)
	write(t, filepath.Join(folder, "broken"), "", 0o600)
	if err := install(npm, folder); err == nil || !strings.Contains(err.Error(), "no such version") {
		t.Errorf("an installation that failed answers %v", err)
	}
	if err := os.Remove(filepath.Join(folder, "broken")); err != nil {
		t.Fatal(err)
	}
	if err := install(npm, folder); err != nil {
		t.Error(err)
	}
	if got := runs(); got != 3 {
		t.Errorf("npm ran %d times, want again after another lock file and after a failure", got)
	}
}

func TestAxeCoreIsTheScript(t *testing.T) {
	if script := AxeCore(t); !strings.Contains(script, "axe v4.14.1") {
		t.Errorf("it begins %.80q", script)
	}
}

func TestNode22IsThat(t *testing.T) {
	version, err := major(Node22(t))
	if err != nil {
		t.Fatal(err)
	}
	if version < 22 {
		t.Errorf("it is of version %d", version)
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}
