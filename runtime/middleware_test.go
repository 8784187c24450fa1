package runtime_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// The policy types that run inside the host.
const (
	setHeaders = "set-headers-inbound"
	setKey     = "set-upstream-api-key-inbound"
)

// headers are options of set-headers-inbound: names and values in turn.
func headers(namesAndValues ...string) map[string]any {
	list := []any{}
	for i := 0; i < len(namesAndValues); i += 2 {
		list = append(list, map[string]any{"name": namesAndValues[i], "value": namesAndValues[i+1]})
	}
	return map[string]any{"headers": list}
}

// S63, S73: the upstream is told by the host who is calling and with which key; what the client says of either, in any
// spelling, and whatever it has Connection name, does not arrive.
func TestS63_S73_OnlyTheHostNamesThePrincipal(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").Subject, w.setup.policy("a").Email = "user_1", "ada@größe.example"
		w.setup.policy("b").Subject = "user_2"
		who := headers("X-User-Id", "${principal.sub}", "X-Caller", "${principal.issuer}#${principal.sub}", "X-Mail", "${principal.email}")
		w.setup.inHost("who", setHeaders, who)
		w.setup.inHost("key", setKey, map[string]any{"value": "Bearer of the gateway"})
		w.setup.route("one").policies = []string{"a", "who", "key"}
		r := w.setup.route("two")
		r.upstream, r.policies = w.upstream.URL+"/two", []string{"b", "key", "who"}
	})
	forged := []string{"Authorization", "Bearer good", "Connection", "X-Caller, X-Mail"}
	for _, name := range []string{"X-User-Id", "x_user_id", "X-Caller", "X_Caller", "X.Caller", "X-Mail", "x_mail", "Cookie"} {
		forged = append(forged, name, "forged")
	}
	for route, want := range map[string]http.Header{
		"one": {"X-User-Id": {"user_1"}, "X-Caller": {"test#user_1"}, "X-Mail": {"ada@größe.example"}},
		"two": {"X-User-Id": {"user_2"}, "X-Caller": {"test#user_2"}}, // no e-mail address: no header, and not the client's
	} {
		t.Run(route, func(t *testing.T) {
			want["Authorization"] = []string{"Bearer of the gateway"}
			a := w.arrived(w.send(http.MethodPost, "/mcp/"+route, ping, forged...))
			got := http.Header{}
			for name, values := range a.Header {
				if want[name] != nil || strings.Contains(strings.Join(values, ""), "forged") || name == "X-Mail" {
					got[name] = values
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("at the upstream (-want +got):\n%s", diff)
			}
		})
	}
}

// overwrite: what the client sent stands where it is allowed to, and never under a name of which the host is the judge.
func TestOverwrite(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.inHost("h", setHeaders, map[string]any{"headers": []any{
			map[string]any{"name": "X-Always", "value": "ours"},
			map[string]any{"name": "X-Else", "value": "ours", "overwrite": false},
			map[string]any{"name": "X-Absent", "value": "ours", "overwrite": false},
			map[string]any{"name": "Cookie", "value": "ours", "overwrite": false},
		}})
		w.setup.inHost("key", setKey, map[string]any{"value": "ours", "overwrite": false})
		w.setup.inHost("late", setKey, map[string]any{"header": "X-Absent", "value": "the later one's", "overwrite": false})
		w.setup.route("one").policies = []string{"a", "h", "key", "late"}
	})
	a := w.arrived(w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good", "X-Always", "theirs", "X-Else", "theirs",
		"Cookie", "theirs"))
	want := map[string]string{"X-Always": "ours", "X-Else": "theirs", "X-Absent": "ours", "Cookie": "ours", "Authorization": "ours"}
	for name, value := range want {
		if got := a.Header.Values(name); !cmp.Equal(got, []string{value}) {
			t.Errorf("%s is %q at the upstream, want %q", name, got, value)
		}
	}
}

// A later policy of the list wins over an earlier one, whether they decide or run inside the host.
func TestLaterPolicyWins(t *testing.T) {
	t.Parallel()
	orders := map[string]struct{ list, mark, principal string }{
		"a-h":   {"a h", "h", "user_a"},
		"h-a":   {"h a", "a", ""},
		"a-h-i": {"a h i", "i", "user_a"},
		"a-i-h": {"a i h", "h", "user_a"},
		"a-h-b": {"a h b", "b", "user_b"},
		"a-b-p": {"a b p", "b", "user_b"},
		"a-n-p": {"a n p", "n", "user_a"},
	}
	w := start(t, func(w *world) {
		for _, name := range []string{"a", "b", "n"} {
			w.setup.policy(name).Mark, w.setup.policy(name).Subject = name, "user_"+name
		}
		w.setup.policy("n").Open = true
		w.setup.inHost("h", setHeaders, headers("x-mark", "h"))
		w.setup.inHost("i", setHeaders, headers("X-MARK", "i"))
		w.setup.inHost("p", setHeaders, headers("X-Principal", "${principal.sub}"))
		for id, order := range orders {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/"+id, strings.Fields(order.list)
		}
	})
	for id, order := range orders {
		a := w.call(id)
		if got := a.Header.Values("X-Mark"); !cmp.Equal(got, []string{order.mark}) {
			t.Errorf("%s: X-Mark is %q at the upstream, want %q", id, got, order.mark)
		}
		if got := a.Header.Get("X-Principal"); strings.Contains(order.list, "p") && got != order.principal {
			t.Errorf("%s: the principal is %q at the upstream, want %q", id, got, order.principal)
		}
	}
}

// A principal that cannot be told to the upstream stops the request: the upstream hears nothing, the log says why, and
// nobody is told what the principal is.
func TestPrincipalThatCannotBeToldStopsTheRequest(t *testing.T) {
	t.Parallel()
	const canary = "canary-subject"
	w := start(t, func(w *world) {
		w.setup.policy("a").Email = canary + "\r\nX-Admin: 1"
		w.setup.inHost("who", setHeaders, headers("X-Mail", "${principal.email}"))
		w.setup.route("one").policies = []string{"a", "who"}
	})
	const route, reason = "one", "the principal's email cannot stand in a header as it is"
	r := w.send(http.MethodPost, "/mcp/"+route, ping, "Authorization", "Bearer good", "X-Mail", "theirs")
	var answer struct {
		Version string          `json:"jsonrpc"`
		Error   json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal([]byte(r.body), &answer); err != nil || answer.Version != "2.0" || answer.Error == nil {
		t.Errorf("%s: the body is no JSON-RPC error: %v: %s", route, err, r.body)
	}
	if r.status != http.StatusInternalServerError || r.header.Get("Retry-After") != "" || strings.Contains(r.body, canary) {
		t.Errorf("%s: answered %d, Retry-After %q, %s", route, r.status, r.header.Get("Retry-After"), r.body)
	}
	id := r.header.Get("X-Request-Id")
	line := w.log.find(func(l map[string]any) bool { return l["msg"] == "request not sent on" && l["request_id"] == id })
	if line == nil || line["reason"] != reason || line["policy"] != "who" || line["route"] != route {
		t.Errorf("%s: the log says %v", route, line)
	}
	if n := w.upstream.requests.Load(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
	if strings.Contains(w.log.text(), canary) {
		t.Error("the log holds what cannot be told")
	}
}

// A policy that authenticates and names nobody has not decided.
func TestG7_AllowOfNobody(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.policy("a").Nobody = true })
	r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good")
	if n := w.upstream.requests.Load(); r.status != http.StatusServiceUnavailable || n != 0 {
		t.Errorf("answered %d, and %d requests reached the upstream", r.status, n)
	}
}

// G4, G5: a rotated key starts no process, ends what is open on its own route at the deadline, and leaves a stream on
// another route alone. The next request has the new key.
func TestG4_G5_RotatedKey(t *testing.T) {
	t.Parallel()
	const canary = "canary-key"
	w := start(t, func(w *world) {
		w.setup.inHost("key", setKey, map[string]any{"value": canary + "-1"})
		w.setup.route("one").policies = []string{"a", "key"}
		for _, id := range []string{"keyed", "kept"} {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/stream/"+id, []string{"a", "key"}
		}
		w.setup.route("kept").policies = []string{"a"}
	})
	keyed, kept := w.open("keyed"), w.open("kept")
	keyed.pass(t, "before")
	kept.pass(t, "before")
	before, hash := w.policy("a"), w.policy("key").Hash
	if got := w.call("one").Header.Get("Authorization"); got != canary+"-1" {
		t.Errorf("the upstream was given %q", got)
	}
	w.reload(runtime.Unchanged, func(*setup) {})
	w.reload(runtime.Applied, func(s *setup) { s.inHost("key", setKey, map[string]any{"value": canary + "-2"}) })
	if got := w.call("one").Header.Get("Authorization"); got != canary+"-2" {
		t.Errorf("after the rotation the upstream was given %q", got)
	}
	if rest, err := keyed.rest(); err != nil || rest != drained {
		t.Errorf("the stream with the old key ended with %v after %q, want a clean end after the error", err, rest)
	}
	kept.pass(t, "after")
	after := w.policy("a")
	after.Decisions, after.Memory = before.Decisions, before.Memory
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the policy with a process has changed (-before +after):\n%s", diff)
	}
	if w.policy("key").Hash == hash {
		t.Error("the hash of the key's policy is what it was")
	}
	w.reload(runtime.Applied, func(s *setup) { s.route("one").policies = []string{"a"} })
	w.reload(runtime.Applied, func(s *setup) { s.policies = s.policies[:1]; s.route("keyed").policies = []string{"a"} })
	kept.pass(t, "after")
	if got, sent := w.call("one").Header["Authorization"]; sent {
		t.Errorf("without the policy the upstream was given %q", got)
	}
	close(kept.send)
	if _, err := io.Copy(io.Discard, kept.body); err != nil {
		t.Error(err)
	}
	if strings.Contains(w.log.text(), canary) {
		t.Error("G10: the log holds the key")
	}
}

// A policy inside the host is listed with the others, without a process and without its options.
func TestStatusOfPolicyInTheHost(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.inHost("key", setKey, map[string]any{"value": "canary-key"})
		w.setup.route("one").policies = []string{"a", "key"}
	})
	got := w.policy("key")
	want := runtime.PolicyStatus{
		Name: "key", Type: setKey, Hash: got.Hash, State: runtime.InHost, Decisions: map[string]uint64{},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.Hash) != 16 {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	r := w.send(http.MethodGet, w.admin+"/-/generation", "")
	var shown struct {
		Policies []map[string]any `json:"policies"`
	}
	if err := json.Unmarshal([]byte(r.body), &shown); err != nil || len(shown.Policies) != 2 {
		t.Fatalf("%v: %s", err, r.body)
	}
	wantJSON := map[string]any{"name": "key", "type": setKey, "hash": got.Hash, "state": "in host", "restarts": 0.0, "decisions": map[string]any{}}
	if diff := cmp.Diff(wantJSON, shown.Policies[1]); diff != "" {
		t.Errorf("as JSON (-want +got):\n%s", diff)
	}
	if strings.Contains(r.body, "canary") {
		t.Error("G10: the status holds the key")
	}
	if r := w.send(http.MethodGet, w.admin+"/-/policies/key/x", ""); r.status != http.StatusNotFound {
		t.Errorf("a path of the policy is answered %d", r.status)
	}
}

// A policy inside the host opens and closes no door: without one that signs people in the route is open, and says so.
func TestRouteThatOnlySetsHeadersIsOpen(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.inHost("key", setKey, map[string]any{"value": "ours"})
		r := w.setup.route("open")
		r.upstream, r.policies = w.upstream.URL+"/open", []string{"key"}
	})
	if got := w.arrived(w.send(http.MethodPost, "/mcp/open", ping)).Header.Get("Authorization"); got != "ours" {
		t.Errorf("the upstream was given %q", got)
	}
	notes := w.host.Status().LastReload.Notes
	if len(notes) != 1 || !strings.Contains(notes[0].Text, `route "open" is open to everybody`) {
		t.Errorf("notes are %v", notes)
	}
}

// Nobody else's policy can take the name of one that runs inside the host.
func TestNamesOfPoliciesInTheHostAreTaken(t *testing.T) {
	for _, name := range []string{setHeaders, setKey} {
		o := runtime.Options{Plugins: []runtime.Plugin{{
			Modules: []string{"test"}, Export: "Other", PolicyType: name, Schema: json.RawMessage(guardSchema), Validate: guardType{}.Validate,
		}}}
		want := `read catalogue: catalogue names policy type "` + name + `", which is the gateway's own`
		if _, err := runtime.New(o); err == nil || err.Error() != want {
			t.Errorf("New: %v, want %s", err, want)
		}
		if _, err := runtime.Validate(o); err == nil || err.Error() != want {
			t.Errorf("Validate: %v, want %s", err, want)
		}
	}
}
