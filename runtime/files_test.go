package runtime_test

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"durward/runtime"
)

// put saves a file as an editor does.
func put(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".tmp", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// reloads answers the results of all reloads so far, in their order.
func (j *journal) reloads() (results []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines {
		if line["msg"] == "reload" {
			results = append(results, fmt.Sprint(line["result"]))
		}
	}
	return results
}

// awaitReload waits for the nth reload, counted from 1, and answers its result.
func (w *world) awaitReload(n int) string {
	w.t.Helper()
	w.within(fmt.Sprintf("reload %d", n), func() bool { return len(w.log.reloads()) >= n })
	return w.log.reloads()[n-1]
}

// G5: a file that a policy reads is a part of it: other bytes in it start that policy anew, beside the old one, and no
// other; the same bytes start none. Without the file, or with one that the policy refuses, everything runs on (G2).
func TestG5_FileThatAPolicyReads(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ca.pem")
	put(t, path, "1")
	w := start(t, func(w *world) {
		w.setup.policy("a").File = path
		w.setup.policy("b").Mark = "b"
	}, watched)
	routes := filepath.Join(w.dir, "none", "routes.oas.json")
	remove := func() {
		t.Helper()
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for i, step := range []struct {
		name string
		do   func()
		// nobody saves anything that makes a reload: this one is asked for.
		ask    bool
		result string
		// file is what the policy has read of it afterwards.
		file  string
		other bool // the process is another
		says  string
	}{
		{name: "nothing", do: func() {}, ask: true, result: runtime.Unchanged, file: "1"},
		{name: "the same bytes", do: func() { put(t, path, "1") }, ask: true, result: runtime.Unchanged, file: "1"},
		{name: "other bytes", do: func() { put(t, path, "2") }, result: runtime.Applied, file: "2", other: true},
		{name: "gone", do: remove, result: runtime.Refused, file: "2", says: "no such file"},
		{name: "back again", do: func() { put(t, path, "2") }, result: runtime.Unchanged, file: "2"},
		{name: "bad", do: func() { put(t, path, "bad") }, result: runtime.Refused, file: "2", says: "the file is bad"},
		{name: "good again, and other", do: func() { put(t, path, "3") }, result: runtime.Applied, file: "3", other: true},
		{name: "the configuration bad", do: func() { put(t, routes, "{}") }, result: runtime.Refused, file: "3"},
		{name: "other bytes meanwhile", do: func() { put(t, path, "4") }, result: runtime.Refused, file: "3"},
		{name: "the configuration mended", do: func() { put(t, routes, string(w.files["routes.oas.json"].Data)) },
			result: runtime.Applied, file: "4", other: true},
		{name: "other bytes once more", do: func() { put(t, path, "5") }, result: runtime.Applied, file: "5", other: true},
	} {
		before, beside := w.policy("a").PID, w.policy("b").PID
		if step.do(); step.ask {
			w.host.Reload(t.Context(), "the test")
		}
		if got := w.awaitReload(i + 1); got != step.result {
			t.Fatalf("%s: the reload was %s, want %s", step.name, got, step.result)
		}
		if last := w.host.Status().LastReload; !strings.Contains(last.Error, step.says) {
			t.Errorf("%s: the error is %q, want %q", step.name, last.Error, step.says)
		}
		if file := w.call("one").Header.Get("X-File"); file != step.file {
			t.Errorf("%s: the policy goes by %q, want %q", step.name, file, step.file)
		}
		if after := w.policy("a").PID; (after != before) != step.other {
			t.Errorf("%s: process %d follows %d", step.name, after, before)
		}
		if after := w.policy("b").PID; after != beside {
			t.Errorf("%s: the other policy was restarted, too", step.name)
		}
	}
	if got := w.log.reloads(); len(got) != 11 {
		t.Errorf("there were %d reloads: %v", len(got), got)
	}
}

// G2, G3: many saves in a short time, while policies take their time to start, come to one reload after the other; what
// was overtaken is not started, and the last word counts.
func TestG3_StormOfSaves(t *testing.T) {
	t.Parallel()
	w := start(t, nil, watched, func(o *runtime.Options) { o.Drain = patience }) // no call is to be cut, however slow
	const saves = 50
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for n := range saves {
		w.setup.policy("a").Mark = fmt.Sprint("save ", n+1)
		w.save()
		w.publish()
		w.call("one")
		<-tick.C
	}
	want := fmt.Sprint("save ", saves)
	w.within("the last save is in use", func() bool { return w.call("one").Header.Get("X-Mark") == want })
	started := w.log.count("policy started")
	if started > saves/4 { // the debounce has a ceiling of 2 s, so there is more than one
		t.Errorf("%d processes were started for %d saves in two seconds", started, saves)
	}
	w.within("the others have stopped", func() bool { return w.log.count("policy stopped") == w.log.count("policy started")-1 })
	for i, result := range w.log.reloads() {
		if result != runtime.Applied && result != runtime.Unchanged {
			t.Errorf("reload %d was %s", i+1, result)
		}
	}
}

// G8: the end of the host waits neither for a reload that is under way nor for those that files have asked for since.
func TestG8_EndDuringAStormOfSaves(t *testing.T) {
	t.Parallel()
	w := start(t, nil, watched)
	w.setup.policy("a").Start = "error" // at the gate, which stays shut
	w.save()
	w.publish()
	starting := w.gate.next(t)
	for n := range 10 {
		w.setup.policy("a").Mark = fmt.Sprint("save ", n+1)
		w.save()
		w.publish()
	}
	began := time.Now()
	w.stop()
	w.ended <- <-w.ended
	if took := time.Since(began); took > 3*time.Second { // a second, on a machine that does more
		t.Errorf("the end took %v", took)
	}
	if alive(starting.pid) {
		t.Errorf("process %d is left", starting.pid)
	}
	if n := w.log.count("policy started"); n != 1 {
		t.Errorf("%d processes were started, want the first alone", n)
	}
}

// G8: a reload that is past everything that can fail is finished before the host ends, and leaves nothing in use.
func TestG8_EndDuringTheLastStepOfAReload(t *testing.T) {
	t.Parallel()
	entered, goOn := make(chan struct{}), make(chan struct{})
	w := start(t, nil, func(o *runtime.Options) {
		first := true
		o.WrapTransport = func(base http.RoundTripper) http.RoundTripper {
			if !first {
				close(entered)
				<-goOn
			}
			first = false
			return base
		}
	})
	w.setup.route("two").upstream = "http://127.0.0.1:9"
	w.save()
	reloaded := make(chan runtime.Reload)
	go func() { reloaded <- w.host.Reload(t.Context(), "the test") }()
	<-entered
	w.stop()
	select {
	case err := <-w.ended:
		w.ended <- err
		t.Error("the host has ended, and the reload has not")
	case <-time.After(2 * time.Second): // which is far more than an end takes without a reload
	}
	close(goOn)
	r := <-reloaded
	w.ended <- <-w.ended
	if s := w.host.Status(); s.Number != 0 {
		t.Errorf("after the end and a reload that was %s, generation %d is in use", r.Result, s.Number)
	}
}

// watched has the configuration in a folder, which the host watches, in place of memory.
func watched(o *runtime.Options) {
	files := o.Fallback.(fstest.MapFS)
	if err := os.MkdirAll(o.Config, 0o700); err != nil {
		panic(err)
	}
	for name, file := range files {
		if err := os.WriteFile(filepath.Join(o.Config, name), file.Data, 0o600); err != nil {
			panic(err)
		}
	}
}

// publish saves the configuration in the folder that the host watches.
func (w *world) publish() {
	w.t.Helper()
	for name, file := range w.files {
		path := filepath.Join(w.dir, "none", name)
		if was, err := os.ReadFile(path); cmp.Or(err != nil, string(was) != string(file.Data)) {
			put(w.t, path, string(file.Data))
		}
	}
}
