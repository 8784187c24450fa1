package pluginhost

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

func TestStartEvaluateServeStop(t *testing.T) {
	h, j := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))

	status := p.Status()
	if status.State != Running || status.PID == 0 || status.Restarts != 0 || status.Since.IsZero() {
		t.Errorf("status = %+v", status)
	}

	decision, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	want := policies.Decision{
		Outcome: policies.Allow, TTL: time.Minute,
		Principal: &policies.Principal{Issuer: "test", Subject: strconv.Itoa(status.PID)},
	}
	if diff := cmp.Diff(want, decision); diff != "" {
		t.Errorf("decision (-want +got):\n%s", diff)
	}

	response, err := p.Do(t.Context(), testCall(), HTTPRequest{
		Method: "POST", Target: "/test/echo?a=%20b&c=\xff", Body: []byte("body"),
		Header: http.Header{"X-Many": {"1", "2\xfe"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantResponse := policies.Response{
		Status: 202, Body: []byte("body"),
		Header: http.Header{
			"X-Host": {"mcp.example.com"}, "X-Remote": {"192.0.2.7:0"}, "X-Query": {"a=%20b&c=\xff"}, "X-Many": {"1", "2\xfe"},
		},
	}
	if diff := cmp.Diff(wantResponse, response); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}

	p.Stop(t.Context())
	if status := p.Status(); status.State != Stopped || status.PID != 0 {
		t.Errorf("after Stop: %+v", status)
	}
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); !errors.Is(err, errStopped) {
		t.Errorf("Evaluate after Stop: %v", err)
	}
	p.Stop(t.Context())
	j.await(t, "policy stopped")
}

func TestStoreAndAuditAcross(t *testing.T) {
	h, _ := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	for _, path := range []string{"/test/store", "/test/audit"} {
		response, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: path})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(response.Body); got != "ok" && got != "<nil>" {
			t.Errorf("%s: %s", path, got)
		}
	}
	m := spec.Store.(*memory)
	if want := []string{"test.done success s1 req-1"}; !cmp.Equal(want, m.events) {
		t.Errorf("events = %q", m.events)
	}
	if want := []string{"tag"}; !cmp.Equal(want, m.purged) {
		t.Errorf("purged = %q", m.purged)
	}
}

func TestG7_EvaluateFaultsAreErrorsAndLeaveTheProcessRunning(t *testing.T) {
	h, j := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	pid := p.Status().PID
	for name, want := range map[string]string{
		"panic":     "the policy panicked",
		"error":     "cannot decide",
		"malformed": "unknown outcome",
		"oversized": "tag",
	} {
		t.Run(name, func(t *testing.T) {
			d, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: name})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("decision %+v, error %v, want %q", d, err, want)
			}
		})
	}
	t.Run("hang", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := p.Evaluate(ctx, testCall(), policies.Request{Route: "demo", Name: "hang"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("big answer", func(t *testing.T) {
		_, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/big"})
		if err == nil || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("error = %v", err)
		}
	})
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); err != nil {
		t.Error(err)
	}
	if got := p.Status(); got.PID != pid || got.Restarts != 0 {
		t.Errorf("status = %+v, want process %d", got, pid)
	}
	line := j.await(t, "policy panicked")
	stack, _ := line["log"].(map[string]any)["stack"].(string)
	if !strings.Contains(stack, "Evaluate") {
		t.Errorf("log line has no stack: %v", line)
	}
}

func TestG7_StartFailsAndLeavesNothing(t *testing.T) {
	cases := []struct{ name, how, options, want string }{
		{"prints to stdout first", "prints-first", `{}`, "hello from a library"},
		{"endless first line", "floods-stdout", `{}`, "Unrecognized remote plugin message"},
		{"exits", "exits", `{}`, "exit status 7"},
		{"says nothing", "says-nothing", `{}`, "was not ready within"},
		{"names another socket", "names-another-socket", `{}`, "outside of its own folder"},
		{"another protocol version", "other-protocol", `{}`, "incompatible API version"},
		{"hangs in Configure", "good", `{"configure":"hang"}`, "was not ready within"},
		{"panics in Configure", "good", `{"configure":"panic"}`, "the policy panicked"},
		{"fails in Configure", "good", `{"configure":"error"}`, "cannot be configured"},
		{"exits in Configure", "good", `{"configure":"exit"}`, "exit status 8"},
		{"finds problems", "good", `{"configure":"problem"}`, "1 problems"},
		{"another type", "good", `{}`, "not \"another\""},
		{"another report", "good", `{}`, "other paths than the policy type's Validate"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, j := newHost(t, func(o *Options) {
				if c.want == "was not ready within" {
					o.StartTimeout = 3 * time.Second
				}
			})
			spec := testSpec("first", self(t, c.how), c.options)
			if c.name == "another type" {
				spec.Type = "another"
			}
			if c.name == "another report" {
				spec.Report.Paths = nil
			}
			p, err := h.Start(t.Context(), spec)
			if err == nil {
				t.Fatalf("started: %+v", p.Status())
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
			if strings.Contains(j.all(), "secret in a panic") {
				t.Error("the panic's value is in the log")
			}
			h.work.Wait()
			if left := list(t, h.run.path); !cmp.Equal(left, []string{lockName}) {
				t.Errorf("left in the run folder: %v", left)
			}
		})
	}
}

func TestProblemsOfConfigureAreGiven(t *testing.T) {
	h, _ := newHost(t, nil)
	_, err := h.Start(t.Context(), testSpec("first", self(t, "good"), `{"configure":"problem"}`))
	problems, ok := errors.AsType[*ProblemsError](err)
	if !ok || len(problems.Problems) != 1 || problems.Problems[0].Pointer != "/configure" {
		t.Errorf("error = %v", err)
	}
}

func TestCancelledStartReturnsAtOnce(t *testing.T) {
	h, _ := newHost(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := h.Start(ctx, testSpec("first", self(t, "says-nothing"), `{}`))
		failed <- err
	}()
	cancel()
	select {
	case err := <-failed:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error = %v", err)
		}
	case <-time.After(patience / 2): // long before its StartTimeout
		t.Fatal("Start did not return")
	}
	done := make(chan struct{})
	go func() {
		h.work.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("a start that was given up goes on")
	}
	if left := list(t, h.run.path); !cmp.Equal(left, []string{lockName}) {
		t.Errorf("left in the run folder: %v", left)
	}
}

func TestNothingIsInherited(t *testing.T) {
	t.Setenv("DURWARD_TEST_SECRET", "s3cret")
	h, _ := newHost(t, func(o *Options) { o.Env = []string{"HTTPS_PROXY=http://127.0.0.1:1"} })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	response, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/env"})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(response.Body))
	slices.Sort(got)
	want := []string{
		"DURWARD_LIFELINE", "DURWARD_LOG_LEVEL", "DURWARD_POLICY", "GOMEMLIMIT", "HTTPS_PROXY", "PLUGIN_CLIENT_CERT", "PLUGIN_MAX_PORT",
		"PLUGIN_MIN_PORT", "PLUGIN_PROTOCOL_VERSIONS", "PLUGIN_UNIX_SOCKET_DIR", "TMPDIR",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestSocketsOfBothSidesArePrivate(t *testing.T) {
	h, _ := newHost(t, nil)
	start(t, h, testSpec("first", self(t, "good"), `{}`))
	sockets := 0
	err := filepath.WalkDir(h.run.path, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Type()&os.ModeSocket != 0 {
			sockets++
			info, err := os.Stat(filepath.Dir(path))
			if err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("folder of %s: %v, %v", path, info.Mode(), err)
			}
		}
		return nil
	})
	if err != nil || sockets != 2 {
		t.Errorf("%d sockets in the run folder, want 2: %v", sockets, err)
	}
}

func TestExecutableThatChangedIsNotStarted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "policy")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 0\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := File(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	changed, err := File(path)
	if err != nil || changed.ID() == e.ID() || len(e.ID()) != 64 {
		t.Errorf("ids %s and %s, %v", e.ID(), changed.ID(), err)
	}
	h, _ := newHost(t, nil)
	_, err = h.Start(t.Context(), testSpec("first", e, `{}`))
	if err == nil || !strings.Contains(err.Error(), "has changed") {
		t.Errorf("error = %v", err)
	}
	if _, err = h.Start(t.Context(), testSpec("first", Executable{}, `{}`)); err == nil {
		t.Error("no executable was started")
	}
}

func TestPolicyFromAFile(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	e, err := File(path, "as-policy", "good")
	if err != nil {
		t.Fatal(err)
	}
	if e.ID() != self(t, "good").ID() {
		t.Error("the same bytes have two ids")
	}
	h, _ := newHost(t, nil)
	p := start(t, h, testSpec("first", e, `{}`))
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); err != nil {
		t.Error(err)
	}
}

func TestStopLetsCallsInFlightEndUntilItsBound(t *testing.T) {
	h, _ := newHost(t, func(o *Options) { o.StopTimeout = 300 * time.Millisecond })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	result := make(chan error, 1)
	go func() {
		_, err := p.Do(context.Background(), testCall(), HTTPRequest{Method: "GET", Target: "/test/hang"})
		result <- err
	}()
	for calls := 0; calls == 0; {
		p.mu.Lock()
		calls = p.calls
		p.mu.Unlock()
	}
	began := time.Now()
	p.Stop(t.Context())
	if took := time.Since(began); took < 300*time.Millisecond || took > 5*time.Second {
		t.Errorf("Stop took %v", took)
	}
	if err := <-result; err == nil {
		t.Error("a call that was cut has no error")
	}
}

func TestCloseEndsEverything(t *testing.T) {
	h, err := New(Options{RunDir: shortDir(t), Logger: newJournal().logger()})
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	slow := make(chan error, 1)
	go func() {
		_, err := h.Start(context.Background(), testSpec("slow", self(t, "says-nothing"), `{}`))
		slow <- err
	}()
	h.Close()
	if err := <-slow; err == nil {
		t.Error("a start outlived Close")
	}
	if p.Status().State != Stopped {
		t.Errorf("status = %+v", p.Status())
	}
	if _, err := os.Stat(h.run.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("run folder is still there: %v", err)
	}
	if _, err := h.Start(t.Context(), testSpec("late", self(t, "good"), `{}`)); err == nil {
		t.Error("started after Close")
	}
}

func TestStandardStreamsDoNotBlockThePolicy(t *testing.T) {
	h, _ := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := p.Do(ctx, testCall(), HTTPRequest{Method: "GET", Target: "/test/print"}); err != nil {
		t.Error(err)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
