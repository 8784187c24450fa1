package runtime_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"durward/runtime"
)

// G3, G5: connections to upstreams outlive reloads, and so do decisions, unless what they depend on has changed: then
// each costs one question more. A refused reload costs nothing at all.
func TestG5_WhatDidNotChangeSurvives(t *testing.T) {
	t.Parallel()
	connections := new(atomic.Int64)
	counted := httptest.NewUnstartedServer(&upstream{begun: make(chan *answer)})
	counted.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	counted.Start()
	t.Cleanup(counted.Close)
	file := filepath.Join(t.TempDir(), "list")
	put(t, file, "1")
	w := start(t, func(w *world) {
		w.setup.policy("a").TTL, w.setup.policy("a").Secret = 3600, "first"
		w.setup.policy("b").TTL = 3600
		w.setup.policy("b").File = file
		w.setup.route("one").upstream = counted.URL + "/one"
		r := w.setup.route("two")
		r.upstream, r.policies = counted.URL+"/two", []string{"b"}
		// Nothing changes this one. It is called all the time, so that its connection does not fall idle for long.
		w.setup.route("open").upstream = counted.URL + "/open"
	})
	asked := func() [2]uint64 {
		return [2]uint64{w.policy("a").Decisions["evaluated"], w.policy("b").Decisions["evaluated"]}
	}
	var one sync.Mutex // request at a time, so that one connection is enough
	single := func(route string) arrived {
		one.Lock()
		defer one.Unlock()
		return w.call(route)
	}
	call := func() {
		single("one")
		single("two")
	}
	call()
	stop, busy := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(busy)
		for {
			select {
			case <-stop:
				return
			default:
				single("open")
			}
		}
	}()
	for _, tt := range []struct {
		name string
		do   func(s *setup)
		// result is Applied if it is empty; questions are how many more "a" and "b" are asked for the same calls.
		result    string
		questions [2]uint64
	}{
		{name: "nothing", do: func(*setup) {}, result: runtime.Unchanged},
		{name: "a secret", do: func(s *setup) { s.policy("a").Secret = "another" }},
		{name: "an option", do: func(s *setup) { s.policy("a").Mark = "another" }, questions: [2]uint64{1, 0}},
		{name: "an upstream's path", do: func(s *setup) { s.route("two").upstream = counted.URL + "/else" }, questions: [2]uint64{0, 1}},
		{name: "a route more", do: func(s *setup) { s.route("three").upstream = counted.URL + "/three" }},
		{name: "a route less", do: func(s *setup) { s.drop("three") }},
		{name: "a policy more", do: func(s *setup) { s.policy("c").Mark = "c" }},
		{name: "a policy that does not start", do: func(s *setup) { s.policy("c").Start = "die" }, result: runtime.Refused},
		{name: "a policy less", do: func(s *setup) { s.policies = s.policies[:2] }},
		{name: "a fault in a file", do: func(*setup) {
			w.files["routes.oas.json"] = &fstest.MapFile{Data: []byte("{")}
		}, result: runtime.Refused},
		{name: "the fault mended", do: func(*setup) { w.save() }, result: runtime.Unchanged},
	} {
		before := asked()
		tt.do(w.setup)
		if tt.name != "a fault in a file" {
			w.save()
		}
		want := tt.result
		if want == "" {
			want = runtime.Applied
		}
		if r := w.host.Reload(t.Context(), "the test"); r.Result != want {
			t.Fatalf("%s: the reload was %+v, want %s", tt.name, r, want)
		}
		call()
		call()
		after := asked()
		if got := [2]uint64{after[0] - before[0], after[1] - before[1]}; got != tt.questions {
			t.Errorf("%s: the policies were asked %v times more, want %v", tt.name, got, tt.questions)
		}
	}
	before := asked()
	put(t, file, "2") // after the last change of the configuration: from here on the watcher loads it, too
	w.within("the policy goes by the new file", func() bool { return single("two").Header.Get("X-File") == "2" })
	close(stop)
	<-busy
	if after := asked(); after != [2]uint64{before[0], before[1] + 1} {
		t.Errorf("with another file the policies were asked %v times, want %v and one more of the second", after, before)
	}
	if n := connections.Load(); n > 2 { // the next request may come before the last one's connection is free
		t.Errorf("%d connections were made to the upstream, want one or two", n)
	}
}
