package pluginhost

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/policies"
)

// A process may leave the group that was made for it, for one of the same session. It is ended all the same.
func TestG7_ProcessThatLeavesItsGroupIsEnded(t *testing.T) {
	h, _ := newHost(t, func(o *Options) { o.StopTimeout = 200 * time.Millisecond })
	p := start(t, h, testSpec("first", self(t, "leaves-group"), `{}`))
	pid := p.Status().PID
	if group, err := syscall.Getpgid(pid); err != nil || group == pid {
		t.Fatalf("the process's group is %d, %v", group, err)
	}
	_ = syscall.Kill(pid, syscall.SIGSTOP) // it will not end because somebody asks it to
	stopped := make(chan struct{})
	go func() {
		p.Stop(context.Background())
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(patience):
		_ = syscall.Kill(pid, syscall.SIGKILL) // or the host would wait for it
		t.Fatal("Stop hangs")
	}
}

// A child in the process's group ends with it, though it holds the pipes of its output; one that holds them elsewhere keeps
// nobody waiting.
func TestG7_ChildrenOfAProcessEndWithIt(t *testing.T) {
	h, _ := newHost(t, nil)
	for _, end := range []string{"stop", "crash"} {
		p := start(t, h, testSpec(end, self(t, "good"), `{}`))
		pid := p.Status().PID
		var children []int
		for _, how := range []string{"child stays", "child leaves"} {
			d, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: how})
			if err != nil {
				t.Fatal(err)
			}
			child, err := strconv.Atoi(d.Principal.Subject)
			if err != nil {
				t.Fatal(err)
			}
			children = append(children, child)
		}
		if end == "crash" {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			awaitState(t, p, Running, pid)
		}
		p.Stop(t.Context())
		awaitDeath(t, children[0])
		_ = syscall.Kill(children[1], syscall.SIGKILL)
	}
}

// resources is what G6 counts.
type resources struct {
	goroutines, descriptors int
	children                bool
	files                   int
}

func count(t *testing.T, h *Host) resources {
	t.Helper()
	// Descriptors whose owner go-plugin forgot are closed when the collector finds them.
	runtime.GC()
	descriptors, err := os.ReadDir("/dev/fd")
	if err != nil {
		t.Fatal(err)
	}
	_, err = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	return resources{
		goroutines: runtime.NumGoroutine(), descriptors: len(descriptors),
		children: !errors.Is(err, syscall.ECHILD), files: len(list(t, h.run.path)),
	}
}

func TestG6_NothingIsLeftAfterStopsAndCrashes(t *testing.T) {
	cases := map[string]func(*testing.T, *Host){
		"start and stop": func(t *testing.T, h *Host) {
			p := start(t, h, testSpec("first", self(t, "good"), `{}`))
			if _, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo"}); err != nil {
				t.Error(err)
			}
			p.Stop(t.Context())
		},
		"crash and restart": func(t *testing.T, h *Host) {
			p := start(t, h, testSpec("first", self(t, "good"), `{}`))
			pid := p.Status().PID
			_ = syscall.Kill(pid, syscall.SIGKILL)
			awaitState(t, p, Running, pid)
			p.Stop(t.Context())
		},
		"failed start": func(t *testing.T, h *Host) {
			_, err := h.Start(t.Context(), testSpec("first", self(t, "good"), `{"configure":"exit"}`))
			if err == nil {
				t.Error("started")
			}
		},
		"no handshake": func(t *testing.T, h *Host) {
			_, err := h.Start(t.Context(), testSpec("first", self(t, "prints-first"), `{}`))
			if err == nil {
				t.Error("started")
			}
		},
		"start given up": func(t *testing.T, h *Host) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := h.Start(ctx, testSpec("first", self(t, "good"), `{}`)); err == nil {
				t.Error("started")
			}
			h.work.Wait()
		},
	}
	for name, cycle := range cases {
		t.Run(name, func(t *testing.T) {
			h, _ := newHost(t, nil)
			cycle(t, h) // what is made once and kept
			before := count(t, h)
			for range 6 {
				cycle(t, h)
			}
			// Goroutines that gRPC told to end may need a moment to be gone.
			var after resources
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); runtime.Gosched() {
				if after = count(t, h); after == before {
					break
				}
			}
			if after != before || after.children {
				stacks := make([]byte, 1<<16)
				t.Errorf("before %+v, after %+v\n%s", before, after, stacks[:runtime.Stack(stacks, true)])
			}
			if after.files != 1 {
				t.Errorf("%d files in the run folder, not only its lock", after.files)
			}
		})
	}
}

func TestG8_NoProcessOutlivesTheHost(t *testing.T) {
	ends := map[string]func(*exec.Cmd, io.Closer){
		"killed": func(host *exec.Cmd, _ io.Closer) { _ = host.Process.Kill() },
		"SIGTERM nobody handles": func(host *exec.Cmd, _ io.Closer) {
			_ = host.Process.Signal(syscall.SIGTERM)
		},
		"exit without Close": func(_ *exec.Cmd, stdin io.Closer) { _ = stdin.Close() },
		"panic":              func(_ *exec.Cmd, stdin io.Closer) { _ = stdin.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			runDir := shortDir(t)
			host := exec.Command(os.Args[0], "as-host", runDir, name)
			var stderr bytes.Buffer
			host.Stderr = &stderr
			stdin, err := host.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := host.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := host.Start(); err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				t.Fatalf("host did not start: %v\n%s", err, stderr.String())
			}
			end(host, stdin)
			_ = host.Wait()
			deadline := time.Now().Add(time.Second)
			for field := range strings.FieldsSeq(line) {
				pid, err := strconv.Atoi(field)
				if err != nil {
					t.Fatal(err)
				}
				for alive(pid) {
					if time.Now().After(deadline) {
						t.Errorf("process %d outlived its host", pid)
						_ = syscall.Kill(pid, syscall.SIGKILL)
						break
					}
					runtime.Gosched()
				}
			}
			h, err := New(Options{RunDir: runDir, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			if left := list(t, runDir); len(left) != 1 {
				t.Errorf("the next host did not sweep: %v", left)
			}
		})
	}
}

// alive reports whether the process is there and no zombie that waits for init.
func alive(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) || runtime.GOOS != "linux"
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}

// awaitDeath waits until a process that is no child of the test's is dead.
func awaitDeath(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(patience); alive(pid); runtime.Gosched() {
		if time.Now().After(deadline) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			t.Fatalf("process %d lives on", pid)
		}
	}
}
