package runtime_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"durward/runtime"
)

// same compares two statuses but for the last reload and for what traffic moves.
func same(t *testing.T, before, after runtime.Status) {
	t.Helper()
	if diff := cmp.Diff(before, after, cmpopts.IgnoreFields(runtime.Status{}, "LastReload", "Draining", "Watch"),
		cmpopts.IgnoreFields(runtime.PolicyStatus{}, "Decisions", "Memory")); diff != "" {
		t.Errorf("the status has changed (-before +after):\n%s", diff)
	}
}

// G2: a configuration that cannot be used changes nothing but the log and the status, whatever else in it is good.
func TestG2_RefusedReloadChangesNothing(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	good := w.files["policies.json"].Data
	for _, tt := range []struct {
		name string
		edit func(*setup)
		// raw takes the place of policies.json.
		raw string
		// want is the error, or the problem that begins so.
		want string
	}{
		{name: "bad JSON", raw: "{\n  \"policies\": [,]\n}", want: "policies.json:2:16: "},
		{name: "schema fault", raw: strings.Replace(string(good), `"handler": {`, "\"handlr\": 1,\n      \"handler\": {", 1),
			want: "policies.json:4:7: /policies/0/handlr: "},
		{name: "a fault in the options", raw: strings.Replace(string(good), `"gate"`, `"gates"`, 1),
			want: "policies.json:8:11: /policies/0/handler/options/gates: "},
		{name: "a route that names no policy", want: "routes.oas.json:",
			edit: func(s *setup) { s.route("one").policies = []string{"a", "nobody"} }},
		{name: "another address to listen at", want: `listen cannot change while the gateway runs ("127.0.0.1:0" -> "127.0.0.1:1")`,
			edit: func(s *setup) { s.gateway["listen"] = "127.0.0.1:1" }},
		{name: "another address for operators", want: `admin cannot change while the gateway runs ("127.0.0.1:0" -> "127.0.0.1:1")`,
			edit: func(s *setup) { s.gateway["admin"] = "127.0.0.1:1" }},
		{name: "another folder for data", want: "data cannot change while the gateway runs (",
			edit: func(s *setup) { s.gateway["data"] = filepath.Join(w.dir, "other") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			was, files := *w.setup, w.files["policies.json"]
			was.gateway = map[string]any{"listen": was.gateway["listen"], "admin": was.gateway["admin"], "data": was.gateway["data"]}
			route := *w.setup.route("one")
			before, started := w.host.Status(), w.log.count("policy started")

			if tt.raw != "" {
				w.files["policies.json"] = &fstest.MapFile{Data: []byte(tt.raw)}
			}
			r := w.reload(runtime.Refused, func() func(*setup) {
				if tt.edit == nil {
					return nil
				}
				return func(s *setup) {
					tt.edit(s)
					s.policy("a").Mark = "never in use" // good in itself, and refused with the rest
				}
			}())
			said := r.Error
			if len(r.Problems) > 0 {
				said += r.Problems[0].String()
			}
			if !strings.Contains(said, tt.want) {
				t.Errorf("refused for %q, want %q", said, tt.want)
			}
			after := w.host.Status()
			same(t, before, after)
			if diff := cmp.Diff(r, after.LastReload); diff != "" {
				t.Errorf("the status tells of another reload (-want +got):\n%s", diff)
			}
			if r.Number != before.Number {
				t.Errorf("the refusal speaks of generation %d, current is %d", r.Number, before.Number)
			}
			if mark := w.call("one").Header.Get("X-Mark"); mark != "" {
				t.Errorf("a call was decided by %q", mark)
			}
			if n := w.log.count("policy started"); n != started {
				t.Errorf("%d processes were started", n-started)
			}
			if _, err := os.Stat(filepath.Join(w.dir, "other")); !os.IsNotExist(err) {
				t.Errorf("the other folder: %v", err)
			}

			*w.setup, w.files["policies.json"] = was, files
			*w.setup.route("one") = route
			w.reload(runtime.Unchanged, func(s *setup) { s.policy("a").Mark = "" })
			same(t, before, w.host.Status())
		})
	}
}

// G2, G6: if one policy does not start, the others that the reload has started end too, and all that ran runs on.
func TestG2_PolicyThatDoesNotStart(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.policy("b").Gate = w.gate.URL })
	before := w.host.Status()
	done := make(chan runtime.Reload)
	w.setup.policy("a").Mark = "beside it"
	w.setup.policy("b").Start = "error"
	w.save()
	go func() { done <- w.host.Reload(t.Context(), "the test") }()
	failing := w.gate.next(t)
	w.call("one") // nothing waits for the reload
	same(t, before, w.host.Status())
	failing.open()
	r := <-done
	if r.Result != runtime.Refused || !strings.Contains(r.Error, `policy "b"`) || len(r.Problems) != 0 {
		t.Errorf("the reload was %+v", r)
	}
	if alive(failing.pid) {
		t.Errorf("the process that did not start, %d, is left", failing.pid)
	}
	same(t, before, w.host.Status())
	w.call("one")
	// The one that did start was number three: its end is in the log, and with it nothing of it is left.
	started := w.log.pids("policy started")
	if len(started) != 3 {
		t.Fatalf("%d processes were started, want 3", len(started))
	}
	w.log.await(t, "policy stopped", started[2])
	w.reload(runtime.Applied, func(s *setup) { s.policy("b").Start = "" })
	if mark := w.call("one").Header.Get("X-Mark"); mark != "beside it" {
		t.Errorf("after the remedy a call was decided by %q", mark)
	}
}

// G5: a policy's process ends for a change of its own and for no other.
func TestG5_ChangeRestartsWhatDependsOnItAlone(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("b").Mark = "b"
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/two", []string{"b"}
	})
	for _, tt := range []struct {
		name   string
		edit   func(*setup)
		result string
		// restarted are the policies whose process is another afterwards.
		restarted string
	}{
		{"the same bytes", func(*setup) {}, runtime.Unchanged, ""},
		{"an option", func(s *setup) { s.policy("a").Mark = "x" }, runtime.Applied, "a"},
		{"a secret", func(s *setup) { s.policy("a").Secret = "y" }, runtime.Applied, "a"},
		{"a route that uses one", func(s *setup) {
			r := s.route("three")
			r.upstream, r.policies = w.upstream.URL+"/three", []string{"b"}
		}, runtime.Applied, "b"},
		{"a route that uses none", func(s *setup) { s.route("open").upstream = w.upstream.URL + "/open" }, runtime.Applied, ""},
		{"another upstream", func(s *setup) { s.route("two").upstream = w.upstream.URL + "/else" }, runtime.Applied, ""},
		{"a route that goes", func(s *setup) { s.drop("three") }, runtime.Applied, "b"},
		{"a policy more", func(s *setup) { s.policy("c").Mark = "c" }, runtime.Applied, ""},
		{"a policy less", func(s *setup) { s.policies = s.policies[:2] }, runtime.Applied, ""},
		{"the order of policies", func(s *setup) { s.policies[0], s.policies[1] = s.policies[1], s.policies[0] }, runtime.Applied, ""},
		{"the public origins", func(s *setup) { s.gateway["publicUrl"] = w.public }, runtime.Applied, "ab"},
		{"the memory of policies", func(s *setup) { s.gateway["policyMemoryMiB"] = 768 }, runtime.Applied, "ab"},
		{"a token for operators", func(s *setup) { s.gateway["adminToken"] = "0123456789abcdef0123456789abcdef" }, runtime.Applied, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.host.Status()
			pids := map[string]int{"a": w.policy("a").PID, "b": w.policy("b").PID}
			w.reload(tt.result, tt.edit)
			after := w.host.Status()
			if tt.result == runtime.Unchanged {
				same(t, before, after)
			} else if after.Number != before.Number+1 {
				t.Errorf("generation %d follows %d", after.Number, before.Number)
			}
			restarted := ""
			for _, name := range []string{"a", "b"} {
				if w.policy(name).PID != pids[name] {
					restarted += name
					w.log.await(t, "policy stopped", pids[name])
				}
			}
			if restarted != tt.restarted {
				t.Errorf("restarted are %q, want %q", restarted, tt.restarted)
			}
			w.call("one")
			w.call("two")
		})
	}
}

// G5: a policy's executable is a part of it: other bytes in the file mean another process.
func TestG5_ExecutableIsPartOfThePolicy(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "policy")
	replace := func(code []byte) {
		t.Helper()
		if err := os.WriteFile(path+".tmp", code, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".tmp", path); err != nil {
			t.Fatal(err)
		}
	}
	replace(code)
	w := start(t, nil, func(o *runtime.Options) { o.Plugins[0].Executable.Path = path })
	first := w.policy("a")
	w.reload(runtime.Unchanged, nil)
	replace(append(code, 0)) // what lies behind a program's end is not read
	// The file is watched, too: whoever comes first, the process is another one.
	w.host.Reload(t.Context(), "the test")
	second := w.policy("a")
	if second.PID == first.PID {
		t.Error("the old executable runs on")
	}
	applied := w.log.find(func(line map[string]any) bool { return line["msg"] == "reload" && line["result"] == runtime.Applied })
	if diff := cmp.Diff([]any{"policy a restarted: executable: changed", "route one changed: policy a: changed"},
		applied["changes"]); diff != "" {
		t.Errorf("what was changed (-want +got):\n%s", diff)
	}
	w.call("one")
	w.reload(runtime.Unchanged, nil)
	if pid := w.policy("a").PID; pid != second.PID {
		t.Errorf("process %d follows %d for nothing", pid, second.PID)
	}
	// One that cannot be started changes nothing (G2).
	replace([]byte("not a program"))
	w.host.Reload(t.Context(), "the test")
	if got := w.policy("a"); got.PID != second.PID || got.State != "running" {
		t.Errorf("the policy is %+v", got)
	}
	w.call("one")
	replace(append(code, 0))
	w.host.Reload(t.Context(), "the test")
}

// G5: a policy whose process ended too often is down; a reload starts it anew, though nothing has changed.
func TestG5_PolicyThatIsDownIsStartedByReload(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for crash := range 4 {
		before := w.policy("a")
		if err := syscall.Kill(before.PID, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if crash < 3 {
			w.within("the policy is restarted", func() bool { return w.log.count("policy restarted") == crash+1 })
		}
	}
	w.log.await(t, "policy is down: its process ended too often", 0)
	if r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good"); r.status != http.StatusServiceUnavailable {
		t.Errorf("without its policy the route answers %d", r.status)
	}
	if state := w.policy("a").State; state != "down" {
		t.Errorf("the state is %q", state)
	}
	r := w.reload(runtime.Applied, nil)
	if diff := cmp.Diff([]string{`policy a restarted: state: "down" -> "running"`}, r.Changes.Lines()); diff != "" {
		t.Errorf("what was changed (-want +got):\n%s", diff)
	}
	if got := w.policy("a"); got.State != "running" || !alive(got.PID) {
		t.Errorf("the policy is %+v", got)
	}
	w.call("one")
	w.reload(runtime.Unchanged, nil)
}

// G1, G3: a request finishes on the generation that it began on: the old process makes its answer, though a new one is
// current meanwhile, and ends when it has.
func TestG1_RequestFinishesWhereItBegan(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, method, path, credential string }{
		{"a path that the policy serves", http.MethodGet, "/a/hold", ""},
		{"a decision", http.MethodPost, "/mcp/one", "Bearer held"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// The request is held through the reload, and its route is another afterwards: neither ends it in this test.
			w := start(t, func(w *world) { w.setup.policy("a").Mark = "old" }, func(o *runtime.Options) { o.Drain = patience })
			old := w.policy("a").PID
			answered := make(chan reply)
			go func() {
				defer close(answered)
				answered <- w.send(tt.method, tt.path, ping, "Authorization", tt.credential)
			}()
			held := w.gate.next(t)
			w.reload(runtime.Applied, func(s *setup) {
				s.policy("a").Mark = "new"
				s.route("one").upstream = w.upstream.URL + "/new"
			})
			if a := w.call("one"); a.Path != "/new" || a.Header.Get("X-Mark") != "new" {
				t.Errorf("the next request was decided by %q and went to %s", a.Header.Get("X-Mark"), a.Path)
			}
			if held.pid != old || !alive(old) {
				t.Fatalf("the request is at process %d; the old one, %d, alive: %v", held.pid, old, alive(old))
			}
			if n := w.log.count("policy stopped"); n != 0 {
				t.Fatalf("%d processes were stopped while the request was in flight", n)
			}
			held.open()
			r := <-answered
			if tt.credential == "" {
				if r.status != http.StatusOK || r.header.Get("X-Mark") != "old" || r.header.Get("X-Pid") != fmt.Sprint(old) {
					t.Errorf("answered %d %s by %q", r.status, r.body, r.header.Get("X-Mark"))
				}
			} else if a := w.arrived(r); a.Path != "/one" || a.Header.Get("X-Mark") != "old" {
				t.Errorf("the request was decided by %q and went to %s", a.Header.Get("X-Mark"), a.Path)
			}
			w.log.await(t, "policy stopped", old)
		})
	}
}

// G8: the end of the host does not wait for a policy that is slow to start, and a reload that was under way puts
// nothing to use any more.
func TestG8_EndDuringReload(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	w.setup.policy("a").Start = "error"
	w.save()
	done := make(chan runtime.Reload)
	go func() { done <- w.host.Reload(t.Context(), "the test") }()
	starting := w.gate.next(t)
	began := time.Now()
	w.stop()
	r := <-done
	if r.Result != runtime.Refused || !strings.Contains(r.Error, "shutting down") {
		t.Errorf("the reload was %+v", r)
	}
	w.ended <- <-w.ended
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the end took %v", took)
	}
	if alive(starting.pid) {
		t.Errorf("process %d is left", starting.pid)
	}
}
