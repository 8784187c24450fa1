package runtime_test

import (
	"io"
	"net/http"
	"net/url"
	"testing"
)

// G4: once a grant has been taken back every stream and call under it is ended, on whatever route and whether the
// decision is remembered, and nothing else.
func TestG4_RevokedAtOnce(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").TTL = 3600
		w.setup.policy("b").Mark = "its decisions are for one request"
		w.setup.policy("c").TTL = 3600
		for id, by := range map[string][]string{"one": {"a"}, "two": {"a"}, "once": {"b"}, "both": {"b", "a", "c"}} {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/stream/"+id, by
		}
		r := w.setup.route("waiting")
		r.upstream, r.policies = w.upstream.URL+"/wait", []string{"a"}
	})
	theirs := []*stream{w.openAs("one", "Bearer theirs"), w.openAs("two", "Bearer theirs"), w.openAs("both", "Bearer theirs")}
	ends := []*stream{w.open("one"), w.open("one"), w.open("two"), w.open("both")}
	later := []*stream{w.open("once")}
	waiting := w.wait("Bearer good")
	waitsOn := w.wait("Bearer theirs")

	w.revoke("a", "Bearer good")
	for _, s := range ends {
		if rest, err := s.rest(); err != nil || rest != revoked {
			t.Errorf("%s: the stream ended with %v after %q", s.path, err, rest)
		}
		<-s.gone
	}
	if r := <-waiting; r.status != http.StatusUnauthorized || r.body != "taken back" {
		t.Errorf("the call that had no answer yet was answered %d %s", r.status, r.body)
	}
	for _, s := range append(theirs, later...) {
		s.pass(t, "still here")
	}
	w.revoke("b", "Bearer good")
	if rest, err := later[0].rest(); err != nil || rest != revoked {
		t.Errorf("%s: the stream ended with %v after %q", later[0].path, err, rest)
	}
	for _, s := range theirs {
		s.pass(t, "and here")
	}
	select {
	case r := <-waitsOn:
		t.Errorf("another's call was answered %d %s", r.status, r.body)
	default:
	}
	if got := w.host.Status().Ended["revoked"]; got != 6 {
		t.Errorf("status: %d answers were ended, want 6", got)
	}
	if line := w.log.find(func(l map[string]any) bool { return l["ended"] == "revoked" }); line == nil {
		t.Error("the access log does not say that an answer was ended")
	}
	w.revoke("a", "Bearer theirs")
	<-waitsOn
}

// A purge need not mean that the credential is worth nothing: who may still pass is told to try again. The call is not
// made a second time, for it may have had its effect.
func TestG4_TakenBackAndGivenAgain(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").TTL = 3600
		r := w.setup.route("waiting")
		r.upstream, r.policies = w.upstream.URL+"/wait", []string{"a"}
	})
	waiting := w.wait("Bearer good")
	before := w.upstream.requests.Load()
	w.post("/a/revoke?again&credential=" + url.QueryEscape("Bearer good"))
	if r := <-waiting; r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("the call was answered %d %s", r.status, r.body)
	}
	if again := w.upstream.requests.Load() - before; again != 0 {
		t.Errorf("the upstream was called %d times more", again)
	}
}

// G4: where several credentials let a request pass, what listens ends with the first of them that does, wherever its
// policy stands. A call goes on.
func TestG4_FirstCredentialToExpire(t *testing.T) {
	t.Parallel()
	orders := map[string][]string{"first": {"short", "long", "none"}, "last": {"none", "long", "short"}, "never": {"none"}}
	w := start(t, func(w *world) {
		w.setup.policy("short").Life = 1000
		w.setup.policy("long").Life = 3600_000
		w.setup.policy("none").Mark = "its credentials do not end"
		for id, by := range orders {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/stream/"+id, by
		}
	})
	calls := []*stream{w.open("first"), w.open("last")}
	never := w.listen("never")
	for _, id := range []string{"first", "last"} {
		s := w.listen(id)
		if rest, err := s.rest(); err != nil || rest != "" {
			t.Errorf("%s: what listens ended with %v after %q", id, err, rest)
		}
		<-s.gone
	}
	for _, s := range append(calls, never) {
		s.pass(t, "after the credential's end")
	}
	if got := w.host.Status().Ended["expired"]; got != 2 {
		t.Errorf("status: %d answers were ended, want 2", got)
	}
}

// revoke takes back what a policy let a credential do.
func (w *world) revoke(policy, credential string) {
	w.t.Helper()
	w.post("/" + policy + "/revoke?credential=" + url.QueryEscape(credential))
}

func (w *world) post(path string) {
	w.t.Helper()
	if r := w.send(http.MethodPost, path, ""); r.status != http.StatusOK {
		w.t.Fatalf("%s: answered %d %s", path, r.status, r.body)
	}
}

// wait calls the route "waiting", and answers when the upstream has the call. What comes of it comes later.
func (w *world) wait(credential string) <-chan reply {
	w.t.Helper()
	r := w.request(http.MethodPost, "/mcp/waiting", ping, "Authorization", credential)
	answered := make(chan reply, 1)
	go func() {
		answer, err := w.client.Do(r)
		if err != nil {
			w.t.Errorf("the call that waits: %v", err)
			answered <- reply{}
			return
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			w.t.Errorf("the call that waits: %v", err)
		}
		answered <- reply{answer.StatusCode, answer.Header, string(text)}
	}()
	w.upstream.next(w.t)
	return answered
}
