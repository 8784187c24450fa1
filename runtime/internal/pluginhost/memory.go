package pluginhost

import (
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

// DefaultMemory is how much memory a policy's process may have, in bytes.
const DefaultMemory = 512 << 20

// memoryLimit answers the bound that a Spec asks for, in bytes; 0 is none.
func memoryLimit(asked int64) uint64 {
	switch {
	case asked < 0:
		return 0
	case asked == 0:
		return DefaultMemory
	}
	return uint64(asked)
}

// memoryEnv has a Go process collect its garbage harder before it comes to its bound. A fifth is left for what the Go
// runtime does not count: the executable's own pages, and memory that is not Go's.
func memoryEnv(limit uint64) []string {
	if limit == 0 {
		return nil
	}
	return []string{"GOMEMLIMIT=" + strconv.FormatUint(limit/5*4, 10)}
}

// memoryBounds keeps processes within their memory in the one way that the machine has: a cgroup for each, or else a look
// at all of them once in a while. Where there is no /proc either, GOMEMLIMIT is all there is.
type memoryBounds struct {
	cgroups *cgroups // nil if there are none for us
	watch   *memoryWatch
}

// newMemoryBounds finds out which it is, and says so.
func newMemoryBounds(interval time.Duration, logger *slog.Logger) *memoryBounds {
	b := &memoryBounds{watch: newMemoryWatch(interval, residentByGroup, logger)}
	cgroups, err := findCgroups(systemCgroups())
	switch {
	case err == nil:
		b.cgroups = cgroups
		logger.Info("memory of policies is bounded", "by", "cgroup", "dir", cgroups.dir)
	case b.watch.works():
		logger.Info("memory of policies is bounded", "by", "watch", "interval", interval.String(), "cgroup", err.Error())
	default:
		logger.Info("memory of policies is bounded", "by", "GOMEMLIMIT", "cgroup", err.Error())
	}
	return b
}

// cgroup makes a cgroup for one process, or answers nil: then the process is for the watch.
func (b *memoryBounds) cgroup(limit uint64, logger *slog.Logger) *cgroup {
	if b.cgroups == nil {
		return nil
	}
	group, err := b.cgroups.add(limit)
	if err != nil {
		logger.Warn("cannot make a cgroup: the process is watched instead", "error", err)
		return nil
	}
	return group
}

// memoryWatch looks once in a while at what the processes have resident, with those of their process groups, and kills
// what has too much. Between two looks a process may have more than its bound.
type memoryWatch struct {
	// resident answers the resident bytes of process groups.
	resident func(groups []int) (map[int]uint64, error)
	logger   *slog.Logger

	mu        sync.Mutex
	processes map[*process]struct{}
	end       chan struct{}
	loop      sync.WaitGroup
}

func newMemoryWatch(
	interval time.Duration, resident func(groups []int) (map[int]uint64, error), logger *slog.Logger,
) *memoryWatch {
	w := &memoryWatch{
		resident: resident, logger: logger, processes: make(map[*process]struct{}), end: make(chan struct{}),
	}
	if !w.works() {
		return w
	}
	w.loop.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-w.end:
				return
			case <-ticker.C:
				w.look()
			}
		}
	})
	return w
}

// works reports whether the machine tells what processes have resident.
func (w *memoryWatch) works() bool {
	_, err := w.resident(nil)
	return !errors.Is(err, os.ErrNotExist)
}

func (w *memoryWatch) add(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.processes[p] = struct{}{}
}

func (w *memoryWatch) remove(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.processes, p)
}

func (w *memoryWatch) look() {
	w.mu.Lock()
	watched := slices.Collect(maps.Keys(w.processes))
	w.mu.Unlock()
	if len(watched) == 0 {
		return
	}
	groups := make([]int, len(watched))
	for i, p := range watched {
		groups[i] = p.processID()
	}
	resident, err := w.resident(groups)
	if err != nil {
		w.logger.Warn("cannot tell how much memory policies have", "error", err)
		return
	}
	for i, p := range watched {
		p.seen(resident[groups[i]])
	}
}

func (w *memoryWatch) close() {
	close(w.end)
	w.loop.Wait()
}

// seen takes note of what the process group has resident, and kills it if that is too much.
func (p *process) seen(bytes uint64) {
	p.resident.Store(bytes)
	if p.limit > 0 && bytes > p.limit && !p.wasKilled() {
		p.tellExcess(bytes)
		p.kill()
	}
}

func (p *process) tellExcess(bytes uint64) {
	p.logger.Error("policy's process has more memory than it may: it is ended", "pid", p.processID(),
		"memory", bytes, "limit", p.limit)
}

// memory is how many bytes the process has resident, with those it started; 0 if that is not known.
func (p *process) memory() uint64 {
	p.mu.Lock()
	cgroup, alive := p.cgroup, p.alive
	p.mu.Unlock()
	switch {
	case !alive:
		return 0
	case cgroup != nil:
		return cgroup.current()
	}
	return p.resident.Load()
}

func (p *process) removeCgroup() {
	if p.cgroup == nil {
		return
	}
	if err := p.cgroup.remove(); err != nil {
		p.logger.Warn("cannot remove the cgroup of a policy", "error", err)
	}
	p.cgroup = nil
}
