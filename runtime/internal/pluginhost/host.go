package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"durward/policies"
)

// Options are what a Host needs. RunDir is required; the zero value of every other field is a sensible choice.
type Options struct {
	// RunDir is where the private folders for sockets are made: a short path that only this user can write to. It is
	// made if missing, and may be shared by several hosts; what hosts that are gone have left there is removed.
	RunDir string
	// Logger gets the host's lines and those of the policies. Default: slog.Default().
	Logger *slog.Logger
	// Now is the clock, for Status, the crash budget and the limit on log lines. Default: time.Now.
	Now func() time.Time
	// Random answers a number in [0,1), for the jitter of restarts. Default: math/rand/v2.
	Random func() float64
	// Env is what every process gets besides what it needs to be started, as "NAME=value": a proxy, a folder of
	// certificates. Nothing is inherited, and nothing here should be a secret.
	Env []string
	// StartTimeout bounds a start, from the process to its health. Default: 10 s.
	StartTimeout time.Duration
	// StopTimeout bounds how long Stop waits for calls in flight, and then how long a process may take to end by
	// itself before it is killed. Default: 2 s.
	StopTimeout time.Duration
	// HealthInterval is the time between two health checks, and bounds each. A process that fails three in a row is
	// killed, which counts as a crash. Default: 5 s.
	HealthInterval time.Duration
	// RestartWait is how long a call waits for a restart. One that was cut waits half of that to learn that the process
	// died. Default: 2 s. See SetRestartWait.
	RestartWait time.Duration
	// StuckAfter is how long a process may leave every Evaluate unanswered, three at least, before it is killed, which
	// counts as a crash. Default: 5 s.
	StuckAfter time.Duration
	// MemoryInterval is the time between two looks at how much memory the processes have, where there is no cgroup for
	// each. Default: 1 s.
	MemoryInterval time.Duration
}

// Host runs policies. It is made by New and safe for concurrent use.
type Host struct {
	options Options
	run     *runDir
	starter *starter
	bounds  *memoryBounds
	// restartWait is Options.RestartWait, or what was said since, in nanoseconds.
	restartWait atomic.Int64
	// ctx ends all starts when the host closes.
	ctx    context.Context
	cancel context.CancelFunc
	// work counts the goroutines of starts and policies.
	work sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	policies map[*Policy]struct{}
}

// Spec is a policy to be run.
type Spec struct {
	// Name is the policy's name and Type its policyType, which the process must confirm.
	Name, Type string
	Executable Executable
	// Input is what the policy is configured with, each time its process starts.
	Input policies.Input
	// Report is what the policy type's Validate said of Input. A process that says otherwise is not started: requests
	// would be served by a report that is not its own.
	Report policies.Report
	// Store and Audit are served to the policy's process, and to no other.
	Store policies.Store
	Audit policies.Audit
	// Memory is how much the process may have, with those it starts, in bytes. 0: DefaultMemory; below 0: no bound.
	Memory int64
	// Redact takes the secrets of Input out of a text of the process, which may be a panic's value. nil: there are none.
	Redact func(text string) string
}

// redacted answers a text of the process as it may be logged.
func (s Spec) redacted(text string) string {
	if s.Redact == nil {
		return text
	}
	return s.Redact(text)
}

// ProblemsError is Start's answer if the policy finds problems in its input.
type ProblemsError struct{ Problems []policies.Problem }

func (e *ProblemsError) Error() string {
	return fmt.Sprintf("policy found %d problems in its options", len(e.Problems))
}

// New answers a host without policies. Close it when its policies are stopped.
func New(options Options) (*Host, error) {
	if options.RunDir == "" {
		return nil, errors.New("make plugin host: no run folder")
	}
	if options.Logger == nil {
		options.Logger = slog.Default()
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Random == nil {
		options.Random = rand.Float64
	}
	options.StartTimeout = cmpOr(options.StartTimeout, 10*time.Second)
	options.StopTimeout = cmpOr(options.StopTimeout, 2*time.Second)
	options.HealthInterval = cmpOr(options.HealthInterval, 5*time.Second)
	options.RestartWait = cmpOr(options.RestartWait, 2*time.Second)
	options.StuckAfter = cmpOr(options.StuckAfter, 5*time.Second)
	options.MemoryInterval = cmpOr(options.MemoryInterval, time.Second)

	run, err := openRunDir(options.RunDir, options.Logger)
	if err != nil {
		return nil, fmt.Errorf("make plugin host: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h := &Host{
		options: options, run: run, starter: newStarter(), ctx: ctx, cancel: cancel,
		bounds: newMemoryBounds(options.MemoryInterval, options.Logger), policies: make(map[*Policy]struct{}),
	}
	h.SetRestartWait(options.RestartWait)
	return h, nil
}

// SetRestartWait changes Options.RestartWait for the calls that begin to wait from now on.
func (h *Host) SetRestartWait(d time.Duration) { h.restartWait.Store(int64(d)) }

// waitForRestart is how long a call waits for a restart.
func (h *Host) waitForRestart() time.Duration { return time.Duration(h.restartWait.Load()) }

// Start starts a policy. When it returns without an error, the policy is configured and healthy, and must be stopped; with
// an error, nothing is left of it, or will be: if ctx ends first, Start returns at once and the process is killed in the
// background. The error is a *ProblemsError if the policy refuses its input.
func (h *Host) Start(ctx context.Context, spec Spec) (*Policy, error) {
	if !h.begin() {
		return nil, fmt.Errorf("start policy %s: host is closed", spec.Name)
	}
	defer h.work.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()

	began := h.options.Now()
	first, err := h.launch(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("start policy %s: %w", spec.Name, err)
	}
	p := newPolicy(h, spec, first)
	if !h.adopt(p) {
		first.close()
		return nil, fmt.Errorf("start policy %s: host is closed", spec.Name)
	}
	p.logger.Info("policy started", "pid", first.pid(), "type", spec.Type, "executable", spec.Executable.ID(),
		"ms", h.options.Now().Sub(began).Milliseconds())
	h.work.Go(func() { p.supervise(first) })
	return p, nil
}

// begin counts in one start, which must end with work.Done.
func (h *Host) begin() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.work.Add(1)
	}
	return !h.closed
}

func (h *Host) adopt(p *Policy) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.closed {
		h.policies[p] = struct{}{}
	}
	return !h.closed
}

func (h *Host) release(p *Policy) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.policies, p)
}

// Close stops what still runs, gives up starts, waits for all of it, and removes the run folder. No call may follow.
func (h *Host) Close() {
	h.mu.Lock()
	h.closed = true
	var running []*Policy
	for p := range h.policies {
		running = append(running, p)
	}
	h.mu.Unlock()
	h.cancel()
	var stops sync.WaitGroup
	for _, p := range running {
		stops.Go(func() { p.Stop(context.Background()) })
	}
	stops.Wait()
	h.work.Wait()
	h.starter.close()
	h.bounds.watch.close()
	if err := h.run.close(); err != nil {
		h.options.Logger.Warn("cannot remove the run folder", "dir", h.run.path, "error", err)
	}
}

// launch starts one process of a policy. It answers as soon as ctx or the start's time is over, and then ends what was
// begun in the background.
func (h *Host) launch(ctx context.Context, spec Spec) (*instance, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, h.options.StartTimeout,
		fmt.Errorf("process was not ready within %v", h.options.StartTimeout))
	defer cancel()
	in := newInstance(h, spec)
	started := make(chan error)
	h.work.Go(func() {
		unlessDone := context.AfterFunc(ctx, in.proc.kill)
		err := in.start(ctx)
		if !unlessDone() {
			err = context.Cause(ctx)
		}
		if err != nil {
			in.close()
		}
		select {
		case started <- err:
		case <-ctx.Done():
			in.close()
		}
	})
	select {
	case err := <-started:
		if err != nil {
			return nil, err
		}
		return in, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func cmpOr(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}
