package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"durward/policies"
)

func newTestLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestKilledProcessIsReplacedAndCallsWaitForIt(t *testing.T) {
	h, _ := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	pid := p.Status().PID
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	decision, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"})
	if err != nil {
		t.Fatal(err)
	}
	status := awaitState(t, p, Running, pid)
	if status.Restarts != 1 || decision.Principal.Subject != strconv.Itoa(status.PID) {
		t.Errorf("decided by %s, status %+v", decision.Principal.Subject, status)
	}
	if _, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/echo"}); err != nil {
		t.Error(err)
	}
}

func TestEvaluateUnderKillNeverFails(t *testing.T) {
	h, _ := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	ctx, cancel := context.WithCancel(t.Context())
	var callers sync.WaitGroup
	var ready sync.WaitGroup
	for range 4 {
		ready.Add(1)
		callers.Go(func() {
			for first := true; ctx.Err() == nil; first = false {
				call, done := context.WithTimeout(context.Background(), patience)
				_, err := p.Evaluate(call, testCall(), policies.Request{Route: "demo"})
				done()
				if err != nil {
					t.Errorf("evaluate: %v", err)
				}
				if first {
					ready.Done()
				}
			}
		})
	}
	ready.Wait()
	pid := p.Status().PID
	_ = syscall.Kill(pid, syscall.SIGKILL)
	awaitState(t, p, Running, pid)
	cancel()
	callers.Wait()
}

func TestEvaluateCutByACrashIsAskedOnceMore(t *testing.T) {
	h, _ := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	spec.Store.(*memory).put("crash/once")
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: "exit once"}); err != nil {
		t.Error(err)
	}
	if got := p.Status().Restarts; got != 1 {
		t.Errorf("%d restarts", got)
	}
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: "exit"}); err == nil {
		t.Error("an Evaluate that always crashes has an answer")
	}
	if got := awaitState(t, p, Running, 0).Restarts; got > 3 {
		t.Errorf("%d restarts: asked more than twice", got)
	}
}

// A call waits for a restart, but not for ever: whoever called answers 503 meanwhile.
func TestCallsWaitForARestartNoLongerThanTheyMay(t *testing.T) {
	h, _ := newHost(t, func(o *Options) { o.RestartWait = 20 * time.Millisecond })
	options := fmt.Sprintf(`{"crashFile":%q,"hangAgain":true}`, filepath.Join(t.TempDir(), "crash"))
	p := start(t, h, testSpec("first", self(t, "good"), options))
	_ = syscall.Kill(p.Status().PID, syscall.SIGKILL)
	awaitState(t, p, Restarting, 0) // and it stays so, since the next process hangs
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); !errors.Is(err, errRestarting) {
		t.Errorf("Evaluate: %v", err)
	}
	if _, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/echo"}); !errors.Is(err, errRestarting) {
		t.Errorf("Do: %v", err)
	}
}

func TestRequestThatMayHaveRunIsNotSentAgain(t *testing.T) {
	h, _ := newHost(t, nil)
	spec := testSpec("first", self(t, "good"), `{}`)
	p := start(t, h, spec)
	pid := p.Status().PID
	_, err := p.Do(t.Context(), testCall(), HTTPRequest{Method: "GET", Target: "/test/count-and-exit"})
	if err == nil {
		t.Error("a request that was cut has an answer")
	}
	awaitState(t, p, Running, pid)
	if n := spec.Store.(*memory).count("count/"); n != 1 {
		t.Errorf("the request ran %d times", n)
	}
}

func TestCrashBudgetEndsInDown(t *testing.T) {
	h, j := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	for n := range crashBudget {
		pid := p.Status().PID
		_ = syscall.Kill(pid, syscall.SIGKILL)
		if got := awaitState(t, p, Running, pid).Restarts; got != n+1 {
			t.Errorf("%d restarts, want %d", got, n+1)
		}
	}
	_ = syscall.Kill(p.Status().PID, syscall.SIGKILL)
	awaitState(t, p, Down, 0)
	j.await(t, "policy is down")
	if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); !errors.Is(err, errDown) {
		t.Errorf("error = %v", err)
	}
	p.Stop(t.Context())
	if got := p.Status().State; got != Stopped {
		t.Errorf("state = %s", got)
	}
}

func TestFailingRestartsSpendTheBudgetToo(t *testing.T) {
	h, _ := newHost(t, nil)
	options := fmt.Sprintf(`{"crashFile":%q}`, filepath.Join(t.TempDir(), "crash"))
	p := start(t, h, testSpec("first", self(t, "good"), options))
	_ = syscall.Kill(p.Status().PID, syscall.SIGKILL)
	awaitState(t, p, Down, 0)
	if got := p.Status().Restarts; got != 0 {
		t.Errorf("%d restarts", got)
	}
}

func TestProcessThatDoesNotAnswerIsReplaced(t *testing.T) {
	h, j := newHost(t, func(o *Options) { o.HealthInterval = 200 * time.Millisecond })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	pid := p.Status().PID
	_ = syscall.Kill(pid, syscall.SIGSTOP)
	awaitState(t, p, Running, pid)
	j.await(t, "does not answer")
}

func TestStopOfAProcessThatDoesNotAnswer(t *testing.T) {
	h, _ := newHost(t, func(o *Options) { o.StopTimeout = 200 * time.Millisecond })
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	_ = syscall.Kill(p.Status().PID, syscall.SIGSTOP)
	stopped := make(chan struct{})
	go func() {
		p.Stop(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("Stop hangs")
	}
}

// A policy that closes its own output has said its last word to the log, and works on.
func TestG7_ProcessThatClosesItsOutputWorksOn(t *testing.T) {
	h, _ := newHost(t, nil)
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	pid := p.Status().PID
	for _, name := range []string{"close streams", "", ""} {
		if err := ask(t, p, name, patience); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Status(); got.PID != pid {
		t.Errorf("status = %+v", got)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
	awaitState(t, p, Running, pid)
}

func TestRestartRule(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	second := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	rule := restarts{random: func() float64 { return 0.5 }}
	steps := []struct {
		at    int
		pause time.Duration
		ok    bool
	}{
		{0, 0, true},
		{1, 75 * time.Millisecond, true},
		{2, 150 * time.Millisecond, true},
		{61, 75 * time.Millisecond, true}, // 0 and 1 are forgotten
		{130, 0, true},
		{131, 75 * time.Millisecond, true},
		{132, 150 * time.Millisecond, true},
		{133, 0, false},
	}
	for _, s := range steps {
		if pause, ok := rule.next(second(s.at)); pause != s.pause || ok != s.ok {
			t.Errorf("crash at %d s: pause %v, %v, want %v, %v", s.at, pause, ok, s.pause, s.ok)
		}
	}
}
