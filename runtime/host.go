package runtime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"durward/runtime/internal/config"
	"durward/runtime/internal/decision"
	"durward/runtime/internal/ending"
	"durward/runtime/internal/generation"
	"durward/runtime/internal/pluginhost"
	"durward/runtime/internal/proxy"
	"durward/runtime/internal/store"
	"durward/runtime/internal/telemetry"
	"durward/runtime/internal/watch"
)

var errEnding = errors.New("the gateway is shutting down")

// Host is one gateway. Make it with New, run it once with Run.
type Host struct {
	options     Options
	executables map[string]func() (pluginhost.Executable, error) // by policy type, as it is now
	loader      *config.Loader
	reader      watch.Reader
	watcher     *watch.Watcher
	files       []string // that the last load was made of; guarded by reloading
	ready       chan struct{}
	metrics     *telemetry.Metrics
	loaded      atomic.Int64 // when the configuration was last loaded and not refused, in nanoseconds since 1970

	// What Run opens, in this order; set before ready is closed.
	settings   settings
	public     net.Listener
	adminAt    net.Listener
	loopback   bool
	store      *store.DB
	decisions  *decision.Cache
	answers    *decision.Answers
	plugins    *pluginhost.Host
	transports proxy.Transports

	current   generation.Current[*running]
	processes generation.Pool[processKey, *policyProcess]
	lanes     generation.Pool[laneKey, *lane]
	ended     endings
	listeners ending.Group // streams that only listen
	places    proxy.Places // of event streams

	certificate certificate // of the listener for clients
	stopping    sync.WaitGroup
	draining    struct {
		processes draining[*policyProcess]
		lanes     draining[*lane]
	}

	// life ends, with errEnding as its cause, when the host begins to shut down.
	life context.Context
	end  context.CancelCauseFunc

	started   time.Time     // set before there is a current generation
	reloading sync.Mutex    // one reload at a time
	planning  chan struct{} // holds one while a plan is made: one at a time
	last      atomic.Pointer[Reload]
}

// New makes a host. It opens nothing.
func New(o Options) (*Host, error) {
	o = o.withDefaults()
	h := &Host{options: o, ready: make(chan struct{}), planning: make(chan struct{}, 1),
		executables: make(map[string]func() (pluginhost.Executable, error))}
	h.watcher = watch.New(watch.Options{Logger: o.Logger, Reader: &h.reader})
	h.files = h.watched([]string{config.PoliciesFile, config.RoutesFile, config.GatewayFile})
	h.metrics = telemetry.NewMetrics(Applied, Unchanged, Refused)
	h.metrics.Collect(newCollector(h))
	h.life, h.end = context.WithCancelCause(context.Background())
	err := o.checkGiven()
	if err != nil {
		return nil, err
	}
	if h.loader, err = o.loader(&h.reader); err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	for _, p := range o.Plugins {
		if _, twice := h.executables[p.PolicyType]; twice {
			return nil, fmt.Errorf("catalogue names policy type %q twice", p.PolicyType)
		}
		if path := p.Executable.Path; path != "" {
			h.executables[p.PolicyType] = func() (pluginhost.Executable, error) {
				return pluginhost.FileBy(h.sum, path, p.Executable.Args...)
			}
			continue
		}
		self, err := pluginhost.Self(p.Executable.Args...)
		if err != nil {
			return nil, fmt.Errorf("policy type %q: %w", p.PolicyType, err)
		}
		h.executables[p.PolicyType] = func() (pluginhost.Executable, error) { return self, nil }
	}
	return h, nil
}

// Ready is closed when the host serves.
func (h *Host) Ready() <-chan struct{} { return h.ready }

// Addr and AdminAddr are where the host listens. They may be asked once it is ready.
func (h *Host) Addr() net.Addr { return h.public.Addr() }

// AdminAddr is the address of the admin listener.
func (h *Host) AdminAddr() net.Addr { return h.adminAt.Addr() }

// Run serves until ctx ends, then lets what is in flight finish, for as long as the drain time, and ends every process
// it started. It answers nil after an orderly end. A configuration with problems is a *ConfigError.
func (h *Host) Run(ctx context.Context) (err error) {
	defer h.closeGiven()
	cfg, problems := h.load()
	if cfg == nil {
		return &ConfigError{publicProblems(problems)}
	}
	h.settings = h.options.settings(cfg)
	if err := h.settings.check(cfg); err != nil {
		return err
	}
	h.logAs(cfg)
	h.show(cfg)
	var undo generation.Undo
	defer undo.Run()
	if err := h.open(ctx, h.options.bounds(cfg), &undo); err != nil {
		return err
	}
	g, err := h.build(ctx, cfg, 1)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	h.reloading.Lock() // a reload that is asked for meanwhile must not say the last word
	h.started = h.options.Now()
	h.loaded.Store(h.started.UnixNano())
	h.last.Store(&Reload{At: h.started, Why: "start", Result: Applied, Number: 1, Notes: publicProblems(cfg.Notes)})
	h.current.Swap(g)
	h.reloading.Unlock()
	h.logNotes(cfg.Notes)
	h.warnOpen(nil, cfg)
	undo.Add(func() { h.current.Swap(nil) })
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	undo.Add(func() { stop(); tasks.Wait() })
	tasks.Go(func() { h.watcher.Run(background, func() { h.Reload(background, "files changed") }) })
	tasks.Go(func() { h.store.Run(background) })

	public := h.front(h.public, h.settings, telemetry.AccessLog(h.options.Logger, h.options.Now, h.metrics.Elsewhere(),
		http.HandlerFunc(h.serve)))
	operators := h.front(h.adminAt, settings{
		headerBytes: DefaultHeaderBytes, readHeader: DefaultReadHeader, idle: DefaultIdle,
	}, h.adminHandler())
	tasks.Go(public.serve)
	tasks.Go(operators.serve)
	h.begin()
	select {
	case <-ctx.Done():
	case <-public.ended:
		err = public.fault
	case <-operators.ended:
		err = operators.fault
	}
	h.shutdown(public, operators)
	return err
}

// open opens what a host needs besides its configuration.
func (h *Host) open(ctx context.Context, b bounds, undo *generation.Undo) (err error) {
	h.decisions = decision.New(decision.Options{Now: h.options.Now, Logger: h.options.Logger})
	h.answers = decision.NewAnswers(decision.AnswersOptions{Now: h.options.Now})
	h.store, err = store.Open(ctx, store.Options{
		Dir: h.settings.data, Key: h.settings.storeKey, Now: h.options.Now, Logger: h.options.Logger, Purged: h.decisions.Purge,
	})
	if err != nil {
		return err // it says by itself that the store could not be opened
	}
	undo.Add(func() { h.closeLogged("store", h.store.Close) })
	if err = h.listen(undo); err != nil {
		return err
	}
	h.plugins, err = pluginhost.New(pluginhost.Options{
		RunDir: filepath.Join(h.settings.data, "run"), Logger: h.options.Logger, Now: h.options.Now, Env: h.options.policyEnv(),
		RestartWait: b.policyWait,
	})
	if err != nil {
		return fmt.Errorf("prepare policies: %w", err)
	}
	undo.Add(func() { h.stopping.Wait(); h.plugins.Close() })
	h.transports.Wrap = h.options.WrapTransport
	return nil
}

// begin says that the host serves, and where.
func (h *Host) begin() {
	where := []any{"listen", h.public.Addr().String(), "admin", h.adminAt.Addr().String(),
		"config", h.options.Config, "data", h.settings.data}
	if given := h.options.given(); len(given) > 0 {
		where = append(where, "given", given)
	}
	if h.settings.tls {
		where = append(where, "tls", true)
	}
	h.options.Logger.Info("listening", where...)
	h.reloading.Lock() // so that the first turn is the first
	defer h.reloading.Unlock()
	close(h.ready)
	h.turn(Serving)
}

// turn tells of a turn, save before the host serves and once it ends. The caller holds reloading.
func (h *Host) turn(t Turn) {
	select {
	case <-h.ready:
	default:
		return
	}
	if h.life.Err() == nil {
		h.options.OnTurn(t)
	}
}

func (h *Host) closeLogged(what string, closer func() error) {
	if err := closer(); err != nil && !errors.Is(err, net.ErrClosed) {
		h.options.Logger.Error("close "+what, telemetry.KeyError, err)
	}
}
