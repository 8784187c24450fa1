package pluginhost

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// State is what a policy is doing.
type State string

// The states. A policy that Start has answered is running; before that there is none to ask.
const (
	Running    State = "running"
	Restarting State = "restarting"
	// Down: the crash budget is spent. Calls fail at once, until the policy is stopped and started anew.
	Down    State = "down"
	Stopped State = "stopped"
)

// Status is what a policy is doing at the moment.
type Status struct {
	// PID is the process's id, 0 if there is none.
	PID   int
	State State
	// Since is when State, or the process, last changed, by the host's clock.
	Since time.Time
	// Restarts counts the processes after the first.
	Restarts int
	// Memory is what the process has resident, and those it started with it, in bytes; 0 if it is not known.
	Memory uint64
}

var (
	errRestarting = errors.New("policy is restarting")
	errDown       = errors.New("policy is down")
	errStopped    = errors.New("policy is stopped")
)

// Policy is a running policy: one process at a time, restarted when it dies. It is safe for concurrent use.
type Policy struct {
	host   *Host
	spec   Spec
	logger *slog.Logger
	// ctx ends when the process is to end for good.
	ctx    context.Context
	cancel context.CancelFunc
	// ended is closed when nothing is left of the policy.
	ended    chan struct{}
	closings sync.WaitGroup

	mu      sync.Mutex
	status  Status
	current *instance
	// changed is closed at every change of status, and replaced.
	changed  chan struct{}
	stopping bool
	calls    int
	// idle is closed when the policy is stopping and the last call has ended.
	idle chan struct{}
}

func newPolicy(h *Host, spec Spec, first *instance) *Policy {
	ctx, cancel := context.WithCancel(context.Background())
	return &Policy{
		host:    h,
		spec:    spec,
		logger:  h.options.Logger.With("policy", spec.Name),
		ctx:     ctx,
		cancel:  cancel,
		ended:   make(chan struct{}),
		status:  Status{PID: first.pid(), State: Running, Since: h.options.Now()},
		current: first,
		changed: make(chan struct{}),
		idle:    make(chan struct{}),
	}
}

// Status answers what the policy is doing.
func (p *Policy) Status() Status {
	p.mu.Lock()
	status, in := p.status, p.current
	p.mu.Unlock()
	if in != nil {
		status.Memory = in.proc.memory()
	}
	return status
}

// Stop ends the policy. New calls fail at once. Calls in flight have until ctx ends, at most StopTimeout, and are cut
// then: whoever stops a policy has drained it. Stop returns when the process is dead and its sockets are removed. It may
// be called more than once.
func (p *Policy) Stop(ctx context.Context) {
	p.mu.Lock()
	if !p.stopping {
		p.stopping = true
		if p.calls == 0 {
			close(p.idle)
		}
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, p.host.options.StopTimeout)
	defer cancel()
	select {
	case <-p.idle:
	case <-ctx.Done():
	}
	p.cancel()
	<-p.ended
}

// set changes the state and tells those who wait. in is the running instance, or nil.
func (p *Policy) set(state State, in *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current = in
	p.status.State = state
	p.status.Since = p.host.options.Now()
	p.status.PID = 0
	if in != nil {
		p.status.PID = in.pid()
		p.status.Restarts++
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

// enter counts a call in, unless the policy is stopping; leave counts it out.
func (p *Policy) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopping {
		return false
	}
	p.calls++
	return true
}

func (p *Policy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls--
	if p.stopping && p.calls == 0 {
		close(p.idle)
	}
}

// await answers the running instance. It waits for a restart as long as ctx allows, at most Options.RestartWait.
func (p *Policy) await(ctx context.Context) (*instance, error) {
	in, changed, err := p.look()
	if in != nil || err != nil {
		return in, err
	}
	timer := time.NewTimer(p.host.waitForRestart())
	defer timer.Stop()
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return nil, errRestarting
		}
		if in, changed, err = p.look(); in != nil || err != nil {
			return in, err
		}
	}
}

// look answers the running instance, or why there will be none, or what to wait for.
func (p *Policy) look() (*instance, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.status.State {
	case Down:
		return nil, nil, errDown
	case Stopped:
		return nil, nil, errStopped
	}
	if p.current != nil && p.current.alive() {
		return p.current, nil, nil
	}
	return nil, p.changed, nil
}
