package runtime_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"durward/runtime"
)

// lookUp has the host know these variables, and no others.
func lookUp(env map[string]string) func(*runtime.Options) {
	return func(o *runtime.Options) {
		o.LookupEnv = func(name string) (string, bool) { value, set := env[name]; return value, set }
	}
}

// valueStep is something that somebody does to where a value is.
type valueStep struct {
	name   string
	do     func()
	result string // of the reload that follows; "" if none does
	mark   string // what the policy goes by afterwards
	says   string // what stands in a problem
}

// take does the steps. Policy a, whose mark is the value, is started anew when that has changed, and policy b never.
func (w *world) take(steps []valueStep) {
	w.t.Helper()
	reloads := 0
	for _, step := range steps {
		before, beside, mark := w.policy("a").PID, w.policy("b").PID, w.call("one").Header.Get("X-Mark")
		step.do()
		if step.result == "" { // nothing wakes the host: it is asked, which must find nothing new
			step.result = runtime.Unchanged
			w.host.Reload(w.t.Context(), "the test")
		}
		reloads++
		if got := w.awaitReload(reloads); got != step.result {
			w.t.Fatalf("%s: the reload was %s, want %s: %v", step.name, got, step.result, w.host.Status().LastReload.Problems)
		}
		last := w.host.Status().LastReload
		if (len(last.Problems) > 0) != (step.says != "") || step.says != "" && !strings.Contains(last.Problems[0].Text, step.says) {
			w.t.Errorf("%s: the problems are %v, want %q", step.name, last.Problems, step.says)
		}
		got := w.call("one").Header.Get("X-Mark")
		if got != step.mark {
			w.t.Errorf("%s: the policy goes by %q, want %q", step.name, got, step.mark)
		}
		if other := w.policy("a").PID != before; other != (mark != got) {
			w.t.Errorf("%s: the policy was started anew: %v", step.name, other)
		}
		if w.policy("b").PID != beside {
			w.t.Errorf("%s: the other policy was started anew, too", step.name)
		}
	}
	if got := w.log.reloads(); len(got) != reloads {
		w.t.Errorf("there were %d reloads, want %d: %v", len(got), reloads, got)
	}
}

// withMark has policy a's mark be what a variable holds, and another policy beside it.
func withMark(w *world) {
	w.setup.policy("a").Mark = "$env(MARK)"
	w.setup.policy("b").Mark = "b"
}

func remove(t testing.TB, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// G2, G5: a value in a file that a variable names is rotated by writing the file. What runs goes on where the file is gone,
// empty or no text.
func TestG5_ValueInAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mark")
	put(t, path, "one\n")
	w := start(t, withMark, watched, lookUp(map[string]string{"MARK_FILE": path}))
	w.take([]valueStep{
		{"nothing", func() {}, "", "one", ""},
		{"the same bytes", func() { put(t, path, "one\n") }, "", "one", ""},
		{"without the line end", func() { put(t, path, "one") }, runtime.Unchanged, "one", ""},
		{"another value", func() { put(t, path, "two") }, runtime.Applied, "two", ""},
		{"gone", func() { remove(t, path) }, runtime.Refused, "two", "the file that MARK_FILE names does not exist"},
		{"back again", func() { put(t, path, "two\n") }, runtime.Unchanged, "two", ""},
		{"empty", func() { put(t, path, "") }, runtime.Refused, "two", "the file that MARK_FILE names is empty"},
		{"no text", func() { put(t, path, "\xff") }, runtime.Refused, "two", "is not valid UTF-8"},
		{"a folder", func() {
			remove(t, path)
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, runtime.Refused, "two", "is no regular file"},
		{"a file again", func() { remove(t, path); put(t, path, "three") }, runtime.Applied, "three", ""},
	})
}

// G5: in Kubernetes a secret's file is a link through a link, and it is the middle one that is replaced.
func TestG5_ValueInASecretOfKubernetes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := func(target, name string) {
		t.Helper()
		if err := os.Symlink(target, filepath.Join(dir, name+".tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, name+".tmp"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	publish := func(version, mark string) {
		t.Helper()
		if err := os.Mkdir(filepath.Join(dir, version), 0o700); err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(dir, version, "mark"), mark)
		link(version, "..data")
	}
	publish("..2026_1", "one")
	link("..data/mark", "mark")
	w := start(t, withMark, watched, lookUp(map[string]string{"MARK_FILE": filepath.Join(dir, "mark")}))
	w.take([]valueStep{
		{"another value", func() { publish("..2026_2", "two") }, runtime.Applied, "two", ""},
		{"the old one removed", func() {
			if err := os.RemoveAll(filepath.Join(dir, "..2026_1")); err != nil {
				t.Fatal(err)
			}
		}, "", "two", ""},
		{"a third", func() { publish("..2026_3", "three\n") }, runtime.Applied, "three", ""},
		{"the same again", func() { publish("..2026_4", "three\n") }, "", "three", ""},
		{"no file in it", func() { publish("..2026_5", ""); remove(t, filepath.Join(dir, "mark")) }, runtime.Refused, "three", "does not exist"},
	})
}

// .env lies beside the folder, is watched, and is the last to be asked.
func TestG5_ValueInDotEnv(t *testing.T) {
	t.Parallel()
	var dotEnv string
	w := start(t, func(w *world) {
		withMark(w)
		dotEnv = filepath.Join(w.dir, ".env")
		put(t, dotEnv, "MARK=one\nHTTPS_PROXY=http://canary.example\n")
	}, watched)
	inFile := filepath.Join(w.dir, "mark")
	w.take([]valueStep{
		{"another value", func() { put(t, dotEnv, "MARK='t w o' # two") }, runtime.Applied, "t w o", ""},
		{"something else in it", func() { put(t, dotEnv, "MARK='t w o'\nOTHER=1") }, runtime.Unchanged, "t w o", ""},
		{"a broken line", func() { put(t, dotEnv, "MARK='t w o'\nOTHER='1") }, runtime.Refused, "t w o", "has no closing '"},
		{"gone", func() { remove(t, dotEnv) }, runtime.Refused, "t w o", "environment variable MARK is not set"},
		{"a file that is not there", func() { put(t, dotEnv, "MARK_FILE="+inFile) }, runtime.Refused, "t w o",
			"the file that MARK_FILE in .env names does not exist"},
		{"the file", func() { put(t, inFile, "three") }, runtime.Applied, "three", ""},
		{"for others, too", func() {
			w.setup.gateway["publicUrl"] = "https://mcp.example.com"
			w.save()
			w.publish()
		}, runtime.Refused, "three", "environment variable MARK is not set"},
	})
	for _, p := range w.host.Status().Policies {
		environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "environ"))
		if err == nil && strings.Contains(string(environ), "canary") {
			t.Errorf("policy %s has what is in .env in its environment", p.Name)
		}
	}
}
