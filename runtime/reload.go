package runtime

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"durward/runtime/internal/config"
	"durward/runtime/internal/telemetry"
)

// The results of a reload.
const (
	// Applied: the configuration is in use.
	Applied = "applied"
	// Unchanged: it says what was in use already, and everything it needs is running.
	Unchanged = "unchanged"
	// Refused: nothing has changed; Problems or Error say why.
	Refused = "refused"
)

// Reload is what came of loading the configuration.
type Reload struct {
	At time.Time `json:"at"`
	// Why is what asked for it.
	Why    string `json:"why,omitempty"`
	Result string `json:"result"`
	// Number is the generation in use afterwards.
	Number uint64 `json:"number"`
	// Problems are what a person must mend in the files.
	Problems []Problem `json:"problems,omitempty"`
	// Error is why a configuration without problems could not be put to use.
	Error string    `json:"error,omitempty"`
	Notes []Problem `json:"notes,omitempty"`
	// Phases are the steps it took, in their order, up to the one that refused it.
	Phases []Phase `json:"phases,omitempty"`
}

// Phase is one step of a reload.
type Phase struct {
	// Name is "load" (read and check the files), "start" (the policies that are not as they were) or "swap".
	Name string `json:"name"`
	// Milliseconds is how long it took.
	Milliseconds float64 `json:"ms"`
}

// Problem is a fault in the configuration that a person must mend, or a note. It holds no value of an option.
type Problem struct {
	File string `json:"file"`
	// Line and Column count from 1; the column counts characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Pointer is the JSON pointer (RFC 6901) in the file.
	Pointer string `json:"pointer"`
	Text    string `json:"text"`
}

// String is "file:line:column: /pointer: text".
func (p Problem) String() string { return config.Problem(p).String() }

// ConfigError is a configuration with problems.
type ConfigError struct{ Problems []Problem }

func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Validation is what can be said of a configuration without running it.
type Validation struct {
	Problems, Notes  []Problem
	Policies, Routes int
}

// Validate loads and checks the configuration. It starts nothing and writes nothing. An error is a fault of the
// catalogue in o, not of the configuration.
func Validate(o Options) (Validation, error) {
	loader, err := o.withDefaults().loader()
	if err != nil {
		return Validation{}, fmt.Errorf("read catalogue: %w", err)
	}
	loaded := loader.Load()
	if loaded.Config == nil {
		return Validation{Problems: publicProblems(loaded.Problems)}, nil
	}
	cfg := loaded.Config
	return Validation{Notes: publicProblems(cfg.Notes), Policies: len(cfg.Policies), Routes: len(cfg.Routes)}, nil
}

// Reload loads the configuration and, if it is good, puts it to use. It answers when that is done or refused; on a
// refusal everything runs on as it did (G2). Reloads wait for each other. ctx does not bound it: a reload that has
// begun is finished, or undone if the host ends meanwhile.
func (h *Host) Reload(ctx context.Context, why string) Reload {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	ctx = context.WithoutCancel(ctx)
	h.turn(Loading)
	defer h.turn(Serving)
	began := h.options.Now()
	result := h.reload(ctx)
	result.At = h.options.Now()
	h.last.Store(&result)
	h.counted(result)
	log := h.options.Logger.With("why", why, "result", result.Result, telemetry.KeyGeneration, result.Number,
		"ms", h.options.Now().Sub(began).Milliseconds())
	for _, p := range result.Problems {
		log.Error("configuration problem", "problem", p.String())
	}
	if result.Error != "" {
		log.Error("configuration refused", telemetry.KeyError, result.Error)
	}
	log.Info("reload")
	return result
}

func (h *Host) reload(ctx context.Context) Reload {
	acquired := h.current.Acquire()
	if acquired == nil {
		return Reload{Result: Refused, Error: "the gateway has not started or has ended"}
	}
	defer acquired.Release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.life, func() { cancel(errEnding) })()
	old := acquired.Value
	refused := Reload{Result: Refused, Number: old.number}
	if h.life.Err() != nil {
		refused.Error = errEnding.Error()
		return refused
	}

	cfg, problems := h.load()
	if cfg == nil {
		refused.Problems = publicProblems(problems)
		return refused
	}
	if fixed := h.options.settings(cfg); fixed != h.settings {
		refused.Error = "listen, admin and data cannot change while the gateway runs: restart it, or take the change back"
		return refused
	}
	if err := h.settings.check(cfg); err != nil {
		refused.Error = err.Error()
		return refused
	}
	notes := publicProblems(cfg.Notes)
	if same(cfg, old.config) && h.fit(old) {
		return Reload{Result: Unchanged, Number: old.number, Notes: notes}
	}
	next, err := h.build(ctx, cfg, old.number+1)
	if err != nil {
		refused.Error = err.Error()
		return refused
	}
	current := next.Value
	h.current.Swap(next)
	h.retire(old, current)
	return Reload{Result: Applied, Number: current.number, Notes: notes}
}

// same tells whether two configurations come to the same generation.
func same(a, b *config.Config) bool {
	return reflect.DeepEqual(a.Gateway, b.Gateway) &&
		slices.EqualFunc(a.Policies, b.Policies, func(p, q config.Policy) bool { return p.Hash == q.Hash }) &&
		slices.EqualFunc(a.Routes, b.Routes, func(r, s config.Route) bool { return r.Hash == s.Hash })
}

// fit tells whether every policy of g may go on as it is: its process is not down, and its executable is what it was.
func (h *Host) fit(g *running) bool {
	for i := range g.config.Policies {
		p := &g.config.Policies[i]
		if p.Middleware != nil {
			continue
		}
		process := g.policies[p.Name].Value
		exe, err := h.executables[p.Type]()
		if err != nil || exe.ID() != process.key.executable || !process.alive() {
			return false
		}
	}
	return true
}

func publicProblems(problems []config.Problem) []Problem {
	public := make([]Problem, len(problems))
	for i, p := range problems {
		public[i] = Problem(p)
	}
	return public
}
