package pluginhost

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-plugin/runner"

	"durward/policies/sdk/protocol"
)

const (
	// maxHandshake bounds the first line of a process's standard output, in bytes. A true one has about 1,000.
	maxHandshake = 4 << 10
	// outputGrace is how long a dead process's output is read on: a child that it left may hold the pipes open.
	outputGrace = 250 * time.Millisecond
)

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

	// dir is the private folder that go-plugin made for the sockets of both sides. Set by prepare.
	dir string
	cmd *exec.Cmd

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
	p.dir = dir
	p.cmd = &exec.Cmd{
		Path:        p.executable.path,
		Args:        append([]string{p.executable.name}, p.executable.args...),
		Env:         append(append(env, "TMPDIR="+dir, protocol.LifelineEnv+"=3"), p.env...),
		Dir:         dir,
		SysProcAttr: attributes(),
	}
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
	p.cmd.Stdout, p.cmd.Stderr = stdout.w, stderr.w
	p.cmd.ExtraFiles = []*os.File{lifeline.r}

	p.mu.Lock()
	defer p.mu.Unlock()
	err = errAbandoned
	if !p.killed {
		err = p.start(p.cmd)
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

// reap waits for the process, ends what it left of its group, and closes what is kept for it.
func (p *process) reap() {
	err := p.cmd.Wait()
	p.mu.Lock()
	p.exit = err
	p.alive = false
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	p.mu.Unlock()
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
		_ = syscall.Kill(-p.pid, syscall.SIGKILL)
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

// passFirstLine gives the first line of stdout to line, if it is short enough, and throws away what follows.
func passFirstLine(stdout io.Reader, line *io.PipeWriter) {
	lines := bufio.NewReaderSize(stdout, maxHandshake)
	first, err := lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		_ = line.CloseWithError(errors.New("first line of output is too long"))
	} else {
		_, _ = line.Write(first)
		_ = line.Close()
	}
	_, _ = io.Copy(io.Discard, lines)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }
func (eof) Close() error             { return nil }

// pipe is both ends of one.
type pipe struct{ r, w *os.File }

func (p pipe) close() {
	_ = p.r.Close()
	_ = p.w.Close()
}

// newPipes makes n pipes or none.
func newPipes(n int) ([]pipe, error) {
	pipes := make([]pipe, 0, n)
	for range n {
		r, w, err := os.Pipe()
		if err != nil {
			for _, p := range pipes {
				p.close()
			}
			return nil, err
		}
		pipes = append(pipes, pipe{r, w})
	}
	return pipes, nil
}
