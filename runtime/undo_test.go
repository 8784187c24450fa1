package runtime_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime"
)

// G2, G6: whichever step of a reload fails, it is undone: what ran runs on, in the same processes, and nothing is left of
// what was made for the new generation, however often. No other test runs beside this one.
func TestG2_UndoAtEveryStep(t *testing.T) {
	var upstreams transports
	w := start(t, func(w *world) {
		for _, name := range []string{"b", "c"} {
			w.setup.policy(name).Gate = w.gate.URL
			r := w.setup.route(name)
			r.upstream, r.policies = w.upstream.URL+"/stream/"+name, []string{name}
		}
	}, func(o *runtime.Options) { o.WrapTransport = upstreams.wrap })
	s := w.open("c")
	run, good := filepath.Join(w.dir, "data", "run"), w.files["policies.json"]
	steps := []struct {
		name string
		// fault makes the next reload fail, in which the first of three policies and a route are others, too.
		fault func(t *testing.T) (undo func())
		// started is how many processes are ready by the time of the fault.
		started int
		says    string
	}{
		{"reading the files", func(*testing.T) func() {
			w.files["policies.json"] = &fstest.MapFile{Data: []byte(`{"policies": `)}
			return func() {}
		}, 0, ""},
		{"what cannot change", func(*testing.T) func() {
			was := w.setup.gateway["listen"]
			w.setup.gateway["listen"] = "127.0.0.1:1"
			w.save()
			return func() { w.setup.gateway["listen"] = was }
		}, 0, "listen"},
		{"making a place for sockets", func(t *testing.T) func() { return away(t, run) }, 0, "run"},
		{"the process's death", func(*testing.T) func() {
			w.setup.policy("b").Start = "die"
			w.save()
			return func() { w.setup.policy("b").Start = "" }
		}, 1, `policy "b"`},
		{"what the policy says", func(t *testing.T) func() {
			w.setup.policy("b").Start = "error"
			w.save()
			go func() { w.gate.next(t).open() }()
			return func() { w.setup.policy("b").Start = "" }
		}, 1, "told not to start"},
	}
	pids := func() (pids [3]int) {
		for i, name := range []string{"a", "b", "c"} {
			pids[i] = w.policy(name).PID
		}
		return pids
	}
	running, number := pids(), w.host.Status().Number
	other := startUpstream(t)
	round := func(n int) {
		t.Helper()
		for _, step := range steps {
			w.setup.policy("a").Mark = fmt.Sprint("never in use ", n)
			w.setup.route("new").upstream = other.URL
			w.save()
			before := w.log.count("policy started")
			undo := step.fault(t)
			r := w.host.Reload(t.Context(), "the test")
			if r.Result != runtime.Refused || !strings.Contains(r.Error, step.says) {
				t.Errorf("%s: the reload was %+v, want %q", step.name, r, step.says)
			}
			undo()
			if n := w.log.count("policy started") - before; n > step.started {
				t.Errorf("%s: %d processes were started, want %d", step.name, n, step.started)
			}
			if now := pids(); now != running || w.host.Status().Number != number {
				t.Fatalf("%s: the processes are %v, want %v", step.name, now, running)
			}
			if mark := w.call("one").Header.Get("X-Mark"); mark != "" {
				t.Errorf("%s: a call was decided by %q", step.name, mark)
			}
			s.pass(t, step.name)
		}
		w.setup.policy("a").Mark = ""
		w.setup.drop("new")
		w.save()
		w.files["policies.json"] = good
		w.reload(runtime.Unchanged, nil)
	}
	settled := func() {
		t.Helper()
		w.within("every process that was started in vain has stopped", func() bool {
			return w.log.count("policy stopped") == w.log.count("policy started")-3
		})
	}
	round(0) // the first time, things are made that stay
	settled()
	before := w.usage(&upstreams)
	for range 20 { // until what is about to end has ended
		<-time.After(10 * time.Millisecond)
		before = before.least(w.usage(&upstreams))
	}
	for n := range 3 {
		round(n + 1)
	}
	settled()
	if !w.soon(func() bool { return w.usage(&upstreams).within(before) }) {
		var stacks strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Errorf("used after the reloads: %+v, before: %+v\n%s", w.usage(&upstreams), before, &stacks)
	}
	if before.processes != 3 || other.requests.Load() != 0 {
		t.Errorf("%d processes run, want 3; %d requests came to the new route", before.processes, other.requests.Load())
	}
	close(s.send)
	if rest, err := s.rest(); err != nil || rest != "" {
		t.Errorf("the stream ended with %v after %q", err, rest)
	}
}

// G2: an executable that has gone, or is no program, is refused, and what runs of it runs on; when it is back, nothing
// has changed.
func TestG2_ExecutableThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "policy")
	copyExecutable(t, program)
	w := start(t, nil, func(o *runtime.Options) { o.Plugins[0].Executable.Path = program })
	pid := w.policy("a").PID
	for _, tt := range []struct {
		name, content, says string
	}{
		{"gone", "", "is missing"},
		{"no program", "no program", "start process"},
		{"cut short", "\x7fELF", "start process"},
	} {
		back := away(t, program)
		if tt.content != "" {
			if err := os.WriteFile(program, []byte(tt.content), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if r := w.reload(runtime.Refused, nil); !strings.Contains(r.Error, tt.says) {
				t.Errorf("%s: the error is %q, want %q", tt.name, r.Error, tt.says)
			}
			w.call("one")
		}
		back()
		w.reload(runtime.Unchanged, nil)
	}
	if now := w.policy("a").PID; now != pid || w.log.count("policy started") != 1 {
		t.Errorf("process %d follows %d, and %d were started", now, pid, w.log.count("policy started"))
	}
}

// away moves something away, until it is brought back.
func away(t *testing.T, path string) (back func()) {
	t.Helper()
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	move(path, path+".away")
	return func() {
		t.Helper()
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		move(path+".away", path)
	}
}

// copyExecutable puts this test's executable at a path.
func copyExecutable(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, code, 0o700); err != nil {
		t.Fatal(err)
	}
}
