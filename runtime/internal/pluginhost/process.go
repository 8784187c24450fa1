package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"durward/policies/sdk/protocol"
)

// outputGrace is how long a dead process's output is read on: a child that it left may hold the pipes open.
const outputGrace = 250 * time.Millisecond

var errAbandoned = errors.New("start was given up")

// process is one operating system process of a policy, in the form that go-plugin wants: its runner. It can be killed at
// any time from any goroutine, before, during and after its start, without go-plugin's lock.
//
// go-plugin sees of its output one bounded line, the handshake, and nothing of its standard error: both pipes are read
// here to their ends, so that nothing the process writes can block or confuse either side.
type process struct {
	executable Executable
	env        []string
	start      func(*exec.Cmd) error
	logger     *slog.Logger
	// redacted answers a text of the process as it may be logged.
	redacted func(string) string
	now      func() time.Time
	bounds   *memoryBounds
	// limit is how many bytes of memory the process may have; 0 is no limit.
	limit uint64

	// dir is the private folder that go-plugin made for the sockets of both sides. Set by prepare, as is handed, which is
	// go-plugin's part of the environment.
	dir    string
	handed []string
	cmd    *exec.Cmd

	handshake *io.PipeReader
	// outputs are our ends of the pipes; readers counts the goroutines that read them.
	outputs  []*os.File
	readers  sync.WaitGroup
	lifeline *os.File

	mu     sync.Mutex
	killed bool
	// alive is true from the start until the process is reaped: as long as pid is certainly its own.
	alive bool
	pid   int
	// cgroup is the process's own, nil if it is watched instead; resident is what was last seen of it then.
	cgroup   *cgroup
	resident atomic.Uint64
	// done is closed when the process has been started and is dead and reaped; exit is how it ended.
	done chan struct{}
	exit error
	// reaped counts the goroutine that waits for the process.
	reaped sync.WaitGroup
}

var _ runner.Runner = (*process)(nil)

// prepare takes go-plugin's part of the environment and the folder for the sockets.
func (p *process) prepare(env []string, dir string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dir, p.handed = dir, env
}

// Start starts the process. Part of runner.Runner, as are the other exported methods.
func (p *process) Start(context.Context) error {
	if err := p.executable.check(); err != nil {
		return err
	}
	pipes, err := newPipes(3)
	if err != nil {
		return fmt.Errorf("make pipes: %w", err)
	}
	stdout, stderr, lifeline := pipes[0], pipes[1], pipes[2]

	p.mu.Lock()
	defer p.mu.Unlock()
	err = errAbandoned
	if !p.killed {
		err = p.spawn(stdout.w, stderr.w, lifeline.r)
	}
	if err != nil {
		for _, pipe := range pipes {
			pipe.close()
		}
		return err
	}
	stdout.w.Close()
	stderr.w.Close()
	lifeline.r.Close()
	p.pid, p.alive = p.cmd.Process.Pid, true
	p.outputs, p.lifeline = []*os.File{stdout.r, stderr.r}, lifeline.w

	handshake, line := io.Pipe()
	p.handshake = handshake
	p.readers.Go(func() { passFirstLine(stdout.r, line) })
	logger := p.logger.With("pid", p.pid)
	p.readers.Go(func() { logLines(stderr.r, logger, p.redacted, p.now) })
	p.reaped.Go(p.reap)
	return nil
}

// spawn starts the process in a cgroup of its own. If it cannot be started there (a sandbox may forbid the system call),
// it is started without, and watched.
func (p *process) spawn(stdout, stderr, lifeline *os.File) error {
	if p.cgroup = p.bounds.cgroup(p.limit, p.logger); p.cgroup != nil {
		err := p.spawnIn(p.cgroup.path, stdout, stderr, lifeline)
		if err == nil {
			return nil
		}
		p.logger.Warn("cannot start a process in a cgroup: it is watched instead", "error", err)
		p.removeCgroup()
	}
	if err := p.spawnIn("", stdout, stderr, lifeline); err != nil {
		return err
	}
	p.bounds.watch.add(p)
	return nil
}

func (p *process) spawnIn(cgroup string, stdout, stderr, lifeline *os.File) error {
	var folder *os.File
	if cgroup != "" {
		var err error
		if folder, err = os.Open(cgroup); err != nil {
			return fmt.Errorf("open cgroup: %w", err)
		}
		defer folder.Close()
	}
	p.cmd = &exec.Cmd{
		Path:        p.executable.path,
		Args:        append([]string{p.executable.name}, p.executable.args...),
		Env:         slices.Concat(p.handed, []string{"TMPDIR=" + p.dir, protocol.LifelineEnv + "=3"}, memoryEnv(p.limit), p.env),
		Dir:         p.dir,
		SysProcAttr: attributes(folder),
		Stdout:      stdout,
		Stderr:      stderr,
		ExtraFiles:  []*os.File{lifeline},
	}
	return p.start(p.cmd)
}

// reap waits for the process, ends what it left of its groups, and closes what is kept for it.
func (p *process) reap() {
	err := p.cmd.Wait()
	p.mu.Lock()
	p.exit = err
	p.killGroups()
	p.alive = false
	p.mu.Unlock()
	p.bounds.watch.remove(p)
	if p.cgroup != nil {
		if most, over := p.cgroup.exceeded(); over {
			p.tellExcess(most)
		}
	}
	_ = p.lifeline.Close()
	close(p.done)

	cut := time.AfterFunc(outputGrace, p.closeOutputs)
	p.readers.Wait()
	if cut.Stop() {
		p.closeOutputs()
	}
}

func (p *process) closeOutputs() {
	_ = p.handshake.Close()
	for _, output := range p.outputs {
		_ = output.Close()
	}
}

// kill ends the process and its group at once, or keeps it from being started.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.killed = true
	if p.alive {
		p.killGroups()
	}
}

// killGroups ends the process, wherever it has gone, with the process group that was made for it, and with its cgroup what
// has left that. The caller holds the lock, and the pid is still the process's own, or nobody's but its group's.
func (p *process) killGroups() {
	_ = p.cmd.Process.Kill() // which knows whether it is reaped
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	if p.cgroup != nil {
		if err := p.cgroup.kill(); err != nil {
			p.logger.Warn("cannot end all processes of a policy", "error", err)
		}
	}
}

// wasKilled reports whether the host has killed the process, or keeps it from starting.
func (p *process) wasKilled() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.killed
}

// processID is 0 if there never was a process.
func (p *process) processID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// end kills the process, waits until nothing of it is left, and removes its folder.
func (p *process) end() error {
	p.kill()
	p.reaped.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.removeCgroup()
	if p.dir == "" {
		return nil
	}
	return os.RemoveAll(p.dir)
}

func (p *process) Wait(context.Context) error {
	<-p.done
	return p.exit
}

func (p *process) Kill(context.Context) error {
	p.kill()
	return nil
}

func (p *process) Stdout() io.ReadCloser { return p.handshake }

func (*process) Stderr() io.ReadCloser { return eof{} }

func (p *process) Name() string { return p.executable.name }

// ID is not empty once there was a process: go-plugin cleans up only then.
func (p *process) ID() string {
	pid := p.processID()
	if pid == 0 {
		return ""
	}
	return strconv.Itoa(pid)
}

func (*process) Diagnose(context.Context) string {
	return "the executable does not serve a policy, or wrote to standard output before it did"
}

// PluginToHost refuses addresses outside of the process's private folder, so that no process can make the host connect
// to another's socket.
func (p *process) PluginToHost(network, address string) (string, string, error) {
	if network != "unix" || filepath.Dir(filepath.Clean(address)) != p.dir {
		return "", "", errors.New("process names a socket outside of its own folder")
	}
	return network, address, nil
}

func (*process) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
