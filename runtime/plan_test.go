package runtime_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"durward/runtime"
)

// plan compares the configuration as the test has edited it with what runs, as an operator does.
func (w *world) plan() runtime.Plan {
	w.t.Helper()
	var plan runtime.Plan
	if err := json.Unmarshal([]byte(w.planRaw()), &plan); err != nil {
		w.t.Fatal(err)
	}
	return plan
}

func (w *world) planRaw() string {
	w.t.Helper()
	var body bytes.Buffer
	archive := zip.NewWriter(&body)
	for name, file := range w.files {
		entry, err := archive.Create(name)
		if err != nil {
			w.t.Fatal(err)
		}
		if _, err := entry.Write(file.Data); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		w.t.Fatal(err)
	}
	r := w.sendArchive(body.String(), w.token)
	if r.status != http.StatusOK {
		w.t.Fatalf("the plan was answered %d %s", r.status, r.body)
	}
	return r.body
}

// sendArchive sends what should be an archive.
func (w *world) sendArchive(body, token string) reply {
	w.t.Helper()
	r := w.request(http.MethodPost, w.admin+"/-/plan", body, "Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/zip")
	answer, err := w.client.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// sameReason compares in words: on its way JSON is written in another way.
var sameReason = cmp.Comparer(func(a, b runtime.Reason) bool { return a.String() == b.String() })

// A plan says what a reload then does, in the same words, and does nothing itself.
func TestPlanIsWhatReloadDoes(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("b").Mark = "b"
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/two", []string{"b"}
	})
	for _, tt := range []struct {
		name string
		edit func(*setup)
		want []string
	}{
		{"the same", func(*setup) {}, nil},
		{"an option", func(s *setup) { s.policy("a").Mark = "x" },
			[]string{`policy a restarted: option /mark: added "x"`, "route one changed: policy a: changed"}},
		{"a secret that comes", func(s *setup) { s.policy("a").Secret = "canary-y" },
			[]string{"policy a restarted: option /secret: added (secret)", "route one changed: policy a: changed"}},
		{"another secret", func(s *setup) { s.policy("a").Secret = "canary-z" },
			[]string{"policy a restarted: option /secret: changed (secret)"}},
		{"a route that uses one", func(s *setup) {
			r := s.route("three")
			r.upstream, r.policies = w.upstream.URL+"/three", []string{"b"}
		}, []string{`policy b restarted: route three: added "/mcp/three"`, "route three added"}},
		{"a policy of another name", func(s *setup) {
			s.policy("c").Mark = "b"
			s.policies = slices.DeleteFunc(s.policies, func(p *policySetup) bool { return p.name == "b" })
			s.route("two").policies, s.route("three").policies = []string{"c"}, []string{"c"}
		}, []string{"policy c added", "policy b removed", `route three changed: policies: ["b"] -> ["c"]`,
			`route two changed: policies: ["b"] -> ["c"]`}},
		{"a route that goes", func(s *setup) { s.drop("three") },
			[]string{`policy c restarted: route three: removed, was "/mcp/three"`, "route three removed"}},
		{"headers", func(s *setup) {
			s.inHost("h", setHeaders, map[string]any{"headers": []any{map[string]any{"name": "X-Team", "value": "canary-team"}}})
			s.route("two").policies = []string{"c", "h"}
		}, []string{"policy h added", `route two changed: policies: ["c"] -> ["c","h"]`}},
		{"another header", func(s *setup) {
			s.inHost("h", setHeaders, map[string]any{"headers": []any{map[string]any{"name": "X-Team", "value": "canary-crew"}}})
		}, []string{"policy h changed: option /headers: changed (secret)", "route two changed: policy h: changed"}},
		{"the order", func(s *setup) { s.policies[0], s.policies[1] = s.policies[1], s.policies[0] },
			[]string{"policies in another order"}},
		{"memory", func(s *setup) { s.gateway["policyMemoryMiB"] = 300 },
			[]string{"policy c restarted: policyMemoryMiB: added 300", "policy a restarted: policyMemoryMiB: added 300",
				"gateway: policyMemoryMiB: added 300"}},
		{"a token for operators", func(s *setup) { s.gateway["adminToken"] = "canary-0123456789abcdef" },
			[]string{"gateway: adminToken: added (secret)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before, started := w.host.Status(), w.log.count("policy started")
			tt.edit(w.setup)
			w.save()
			plan := w.plan()
			if diff := cmp.Diff(tt.want, plan.Changes.Lines()); diff != "" {
				t.Errorf("the plan (-want +got):\n%s", diff)
			}
			if n := w.log.count("policy started"); n != started {
				t.Errorf("the plan started %d processes", n-started)
			}
			same(t, before, w.host.Status())
			want := runtime.Applied
			if tt.want == nil {
				want = runtime.Unchanged
			}
			did := w.reload(want, nil)
			if diff := cmp.Diff(plan.Changes, did.Changes, cmpopts.EquateEmpty(), sameReason); diff != "" && tt.want != nil {
				t.Errorf("the reload did something else (-plan +reload):\n%s", diff)
			}
			w.token, _ = w.setup.gateway["adminToken"].(string)
			if again := w.plan(); !again.Changes.None() {
				t.Errorf("after the reload there is left: %q", again.Changes.Lines())
			}
		})
	}
	last := w.log.find(func(line map[string]any) bool { return line["msg"] == "reload" && line["changes"] != nil })
	if diff := cmp.Diff([]any{`policy a restarted: option /mark: added "x"`, "route one changed: policy a: changed"}, last["changes"]); diff != "" {
		t.Errorf("the log's first changes (-want +got):\n%s", diff)
	}
	if strings.Contains(w.log.text(), "canary") {
		t.Error("G10: a secret is in the log")
	}
}

// What cannot be changed while the host runs is named with both values, beside what else would change; so is a
// candidate's fault, by its place in the candidate.
func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	good := w.files["policies.json"].Data
	w.setup.gateway["listen"] = "127.0.0.1:1"
	w.setup.gateway["data"] = filepath.Join(w.dir, "other")
	w.setup.policy("a").Mark = "x"
	w.save()
	plan := w.plan()
	if len(plan.Refused) != 2 || len(plan.Changes.Policies) != 1 ||
		!strings.HasPrefix(plan.Refused[0], `listen cannot change while the gateway runs ("127.0.0.1:0" -> "127.0.0.1:1")`) ||
		!strings.HasPrefix(plan.Refused[1], `data cannot change while the gateway runs ("`+w.dir+`/data" -> "`+w.dir+`/other")`) {
		t.Errorf("the plan is %+v", plan)
	}
	w.files["policies.json"] = &fstest.MapFile{Data: bytes.Replace(good, []byte(`"gate"`), []byte(`"gates"`), 1)}
	plan = w.plan()
	if len(plan.Problems) != 1 || !plan.Changes.None() ||
		!strings.HasPrefix(plan.Problems[0].String(), `policies.json:8:11: /policies/0/handler/options/gates: unknown property`) {
		t.Errorf("the plan is %+v", plan)
	}
	delete(w.files, "routes.oas.json")
	if plan = w.plan(); len(plan.Problems) != 2 ||
		!strings.HasPrefix(plan.Problems[1].String(), "routes.oas.json:1:1: /: there is no such file") {
		t.Errorf("the plan is %+v", plan)
	}
}

// G10: nothing that the answer says holds a secret of either configuration, wherever it comes from.
func TestG10_PlanHoldsNoSecret(t *testing.T) {
	t.Parallel()
	env := map[string]string{"SECRET": "canary-env-secret", "MARK": "canary-env-mark", "URL": "http://canary.example/mcp",
		"TOKEN": "canary-0123456789abcdef"}
	w := start(t, func(w *world) {
		w.setup.policy("a").Secret = "canary-old-literal"
		w.setup.policy("a").Mark = "$env(MARK)"
		w.setup.gateway["adminToken"] = "$env(TOKEN)"
		w.token = env["TOKEN"]
	}, func(o *runtime.Options) {
		o.LookupEnv = func(name string) (string, bool) { value, ok := env[name]; return value, ok }
	})
	for _, tt := range []struct {
		name string
		edit func(*setup)
		want string
	}{
		{"a literal for a literal", func(s *setup) { s.policy("a").Secret = "canary-new-literal" }, `"hidden": "secret"`},
		{"a variable for a literal", func(s *setup) { s.policy("a").Secret = "$env(SECRET)" }, `"hidden": "secret"`},
		{"a secret shown elsewhere", func(s *setup) { s.policy("a").Mark = "canary-new-literal"; s.policy("a").Secret = "canary-new-literal" },
			`"is": "(secret)"`},
		{"the old secret shown elsewhere", func(s *setup) { s.policy("a").Mark = "canary-old-literal" }, `"is": "(secret)"`},
		{"the token shown elsewhere", func(s *setup) { s.policy("a").Mark = env["TOKEN"] }, `"is": "(secret)"`},
		{"a variable", func(s *setup) { s.policy("a").Mark = "$env(SECRET)" }, `"is": "$env(SECRET)"`},
		{"another token", func(s *setup) { s.gateway["adminToken"] = "canary-fedcba9876543210" }, `"hidden": "secret"`},
		{"an upstream", func(s *setup) { s.route("one").upstream = "${env.URL}" }, `"is": "${env.URL}"`},
		{"a problem", func(s *setup) { s.route("one").upstream = "$env(TOKEN)" }, "must be an http or https URL"},
		{"a file that is none", func(s *setup) { s.gateway["adminToken"] = "$env(NONE)" }, "NONE is not set"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			secret, mark, upstream, token := w.setup.policy("a").Secret, w.setup.policy("a").Mark, w.setup.route("one").upstream, w.setup.gateway["adminToken"]
			tt.edit(w.setup)
			w.save()
			answer := w.planRaw()
			if strings.Contains(answer, "canary") || !strings.Contains(answer, tt.want) {
				t.Errorf("G10: the answer, which must say %s and no secret:\n%s", tt.want, answer)
			}
			w.setup.policy("a").Secret, w.setup.policy("a").Mark, w.setup.route("one").upstream, w.setup.gateway["adminToken"] = secret, mark, upstream, token
		})
	}
}

// A plan counts what is open on the routes that it would change, and no other; while earlier generations have not ended
// the status counts what they have left.
func TestPlanAndStatusCountWhatIsOpen(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		*w.setup.policy("b") = guardOptions{Gate: w.gate.URL, Secret: "first"}
		w.setup.route("one").upstream = w.upstream.URL + "/stream/one"
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/stream/two", []string{"b"}
	}, func(o *runtime.Options) { o.Drain = patience })
	first, second := w.open("one"), w.open("one")
	w.open("two")
	held := make(chan reply)
	go func() { held <- w.send(http.MethodPost, "/mcp/two", ping, "Authorization", "Bearer held") }()
	visit := w.gate.next(t)
	w.setup.policy("b").Secret = "another" // its process is another, and what it decides the same
	w.setup.drop("one")
	r := w.setup.route("three")
	r.upstream, r.policies = w.upstream.URL, []string{"a"}
	w.save()
	plan := w.plan()
	var gone runtime.RouteChange
	for _, r := range plan.Changes.Routes {
		if r.ID == "one" {
			gone = r
		}
	}
	if gone.Change != runtime.Removed || gone.Open != 2 || gone.Streams != 2 || plan.DrainSeconds != patience.Seconds() ||
		!slices.Contains(plan.Changes.KeptRoutes, "two") {
		t.Errorf("the plan is %+v", plan)
	}
	if left := w.host.Status().Draining; left != (runtime.Draining{}) {
		t.Errorf("before the reload there is left: %+v", left)
	}
	w.reload(runtime.Applied, nil)
	old := w.log.pids("policy started")
	w.within("only b's old process is left, with its request", func() bool {
		return w.host.Status().Draining == runtime.Draining{Policies: 1, Open: 2}
	})
	if !alive(visit.pid) || !slices.Contains(old, visit.pid) {
		t.Error("the process that owes a decision has ended")
	}
	close(first.send)
	w.within("one answer less", func() bool { return w.host.Status().Draining.Open == 1 })
	close(second.send)
	visit.open()
	go func() { close(w.upstream.next(t).send) }()
	<-held
	w.within("nothing is left", func() bool { return w.host.Status().Draining == runtime.Draining{} })
}

// A reload tells what it was asked for by, and how long each of its steps took.
func TestReloadTellsOfItsSteps(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	if first := w.host.Status().LastReload; first.Why != "start" || first.Result != runtime.Applied {
		t.Errorf("the first is %+v", first)
	}
	if started := w.host.Status().Started; started.IsZero() || started.After(w.host.Status().LastReload.At) {
		t.Errorf("it began to serve at %v", started)
	}
	steps := func(r runtime.Reload) (names string) {
		for _, p := range r.Phases {
			names += p.Name + " "
		}
		return names
	}
	for _, tt := range []struct {
		want, steps string
		edit        func(*setup)
	}{
		{runtime.Unchanged, "load ", func(*setup) {}},
		{runtime.Applied, "load start swap ", func(s *setup) { s.policy("a").Mark = "x" }},
		{runtime.Refused, "load ", func(s *setup) { s.gateway["admin"] = "127.0.0.1:1" }},
		{runtime.Refused, "load start ", func(s *setup) { s.gateway["admin"] = "127.0.0.1:0"; s.policy("a").Start = "problem" }},
		{runtime.Refused, "load ", func(s *setup) { s.route("one").policies = []string{"nobody"} }},
	} {
		go func() {
			if strings.HasPrefix(tt.steps, "load start ") && tt.want == runtime.Refused {
				w.gate.next(t).open()
			}
		}()
		r := w.reload(tt.want, tt.edit)
		if steps(r) != tt.steps || r.Why != "the test" || (tt.want == runtime.Applied) == r.Changes.None() {
			t.Errorf("the reload was %+v, want the steps %s", r, tt.steps)
		}
		if r.Result == runtime.Applied && r.Phases[1].Milliseconds < 1 {
			t.Errorf("a process was started in %v ms", r.Phases[1].Milliseconds)
		}
	}
}

// What is no archive is refused, and so is a plan without the token.
func TestPlanWantsAnArchive(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.gateway["adminToken"] = "0123456789abcdef" })
	if got := w.sendArchive("{}", "0123456789abcdef").status; got != http.StatusBadRequest {
		t.Errorf("what is no archive: %d", got)
	}
	if got := w.sendArchive("", "another").status; got != http.StatusUnauthorized {
		t.Errorf("another token: %d", got)
	}
}

// Of notes only the new ones are told, by a plan and in the log: what runs has the others already.
func TestNewNotesAreTold(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.route("open").upstream = w.upstream.URL })
	logged := func(want ...string) {
		t.Helper()
		for _, text := range want {
			if w.log.find(func(line map[string]any) bool {
				note, _ := line["note"].(string)
				return line["msg"] == "configuration note" && line["level"] == "INFO" && strings.HasSuffix(note, text)
			}) == nil {
				t.Errorf("the note %q is not in the log", text)
			}
		}
		if n := w.log.count("configuration note"); n != len(want) {
			t.Errorf("the log has %d notes, want %d", n, len(want))
		}
	}
	open := `/policies/inbound: route "open" is open to everybody, as publicRoutes in gateway.json has it`
	unused := `/policies/1/name: policy "b" is used by no route`
	logged(open)
	w.setup.policy("b").Mark = "used by nobody"
	w.setup.route("open").upstream = w.upstream.URL + "/else"
	w.save()
	plan := w.plan()
	if len(plan.Notes) != 1 || plan.Notes[0].Text != `policy "b" is used by no route` {
		t.Errorf("the notes are %+v", plan.Notes)
	}
	w.reload(runtime.Applied, nil)
	if plan = w.plan(); len(plan.Notes) != 0 {
		t.Errorf("afterwards the notes are %+v", plan.Notes)
	}
	logged(open, unused)
	w.setup.policy("a").Mark = "changed"
	w.save()
	w.reload(runtime.Applied, nil)
	logged(open, unused)
}
