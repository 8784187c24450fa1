package main

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// processes are those that a script has started, by the name it gave them.
type processes map[string]*process

type processesKey struct{}

// process is a running command and all it has printed so far.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}

	mu      sync.Mutex
	printed bytes.Buffer
	more    chan struct{} // closed when something is printed
}

// Write takes what the process prints to either of its outputs.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.printed.Write(b)
}

// output answers all that was printed, and a channel that is closed when there is more.
func (p *process) output() (string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.printed.String(), p.more
}

// kill ends what a failed script has left.
func (all processes) kill() {
	for _, p := range all {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.exited
	}
}

func started(ts *testscript.TestScript, name string) *process {
	p := ts.Value(processesKey{}).(processes)[name]
	if p == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return p
}

func start(ts *testscript.TestScript, args []string) {
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	p := &process{exited: make(chan struct{}), more: make(chan struct{})}
	p.cmd = exec.Command(path, args[2:]...)
	p.cmd.Dir = ts.MkAbs(".")
	p.cmd.Stdout, p.cmd.Stderr = p, p
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "CLERK_FRONTEND_API_URL", "CLERK_CLIENT_ID",
		"CLERK_CLIENT_SECRET", "UPSTREAM", "DURWARD_ADMIN_TOKEN", "DURWARD_CONFIG", "DURWARD_LISTEN", "DURWARD_ADMIN",
		"DURWARD_DATA"} {
		if value := ts.Getenv(name); value != "" {
			p.cmd.Env = append(p.cmd.Env, name+"="+value)
		}
	}
	ts.Check(p.cmd.Start())
	ts.Value(processesKey{}).(processes)[args[0]] = p
	go func() {
		_ = p.cmd.Wait() // how it ended is for the script to say
		close(p.exited)
	}()
}

func await(ts *testscript.TestScript, args []string) {
	p, pattern := started(ts, args[0]), regexp.MustCompile("(?m)"+args[1])
	timeout := time.After(scriptTimeout)
	for {
		text, more := p.output()
		if found := pattern.FindStringSubmatch(text); found != nil {
			for i, name := range pattern.SubexpNames() {
				if name != "" {
					ts.Setenv(name, found[i])
				}
			}
			return
		}
		select {
		case <-more:
		case <-p.exited:
			if now, _ := p.output(); now == text {
				ts.Fatalf("it ended without printing %s:\n%s", args[1], text)
			}
		case <-timeout:
			ts.Fatalf("it has not printed %s:\n%s", args[1], text)
		}
	}
}

func sendSignal(ts *testscript.TestScript, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "TERM": syscall.SIGTERM}
	ts.Check(started(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func ended(ts *testscript.TestScript, args []string) {
	p := started(ts, args[0])
	select {
	case <-p.exited:
	case <-time.After(scriptTimeout):
		text, _ := p.output()
		ts.Fatalf("it has not ended:\n%s", text)
	}
	text, _ := p.output()
	if status := p.cmd.ProcessState.ExitCode(); strconv.Itoa(status) != args[1] {
		ts.Fatalf("exit status %d, want %s:\n%s", status, args[1], text)
	}
	checkCanary(ts, text)
}
