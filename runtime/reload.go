package runtime

import (
	"context"
	"errors"
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
	// Changes are what it has changed; nothing unless the result is Applied.
	Changes Changes `json:"changes,omitzero"`
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

var errNotRunning = errors.New("the gateway has not started or has ended")

// Reload loads the configuration and, if it is good, puts it to use. It answers when that is done or refused; on a
// refusal everything runs on as it did (G2). Reloads wait for each other. ctx does not bound it: a reload that has
// begun is finished, or undone if the host ends meanwhile.
func (h *Host) Reload(ctx context.Context, why string) Reload {
	h.reloading.Lock()
	defer h.reloading.Unlock()
	h.turn(Loading)
	defer h.turn(Serving)
	ctx = context.WithoutCancel(ctx)
	began := h.options.Now()
	result := h.reload(ctx)
	result.At, result.Why = h.options.Now(), why
	h.last.Store(&result)
	h.counted(result)
	log := h.options.Logger.With("why", why, "result", result.Result, telemetry.KeyGeneration, result.Number,
		"ms", result.At.Sub(began).Milliseconds())
	for _, p := range result.Problems {
		log.Error("configuration problem", "problem", p.String())
	}
	if result.Error != "" {
		log.Error("configuration refused", telemetry.KeyError, result.Error)
	}
	if lines := result.Changes.Lines(); len(lines) > 0 {
		log = log.With("changes", lines)
	}
	log.Info("reload")
	return result
}

func (h *Host) reload(ctx context.Context) (r Reload) {
	acquired := h.current.Acquire()
	if acquired == nil {
		return Reload{Result: Refused, Error: errNotRunning.Error()}
	}
	defer acquired.Release()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(h.life, func() { cancel(errEnding) })()
	old := acquired.Value
	r = Reload{Result: Refused, Number: old.number}
	if h.life.Err() != nil {
		r.Error = errEnding.Error()
		return r
	}

	loaded := h.phase(&r, "load")
	cfg, problems := h.load()
	if cfg == nil {
		loaded()
		r.Problems = publicProblems(problems)
		return r
	}
	changes, refusals := h.compare(old, cfg)
	loaded()
	if len(refusals) > 0 {
		r.Error = strings.Join(refusals, "; ")
		return r
	}
	r.Notes = publicProblems(cfg.Notes)
	if changes.None() {
		r.Result = Unchanged
		return r
	}
	started := h.phase(&r, "start")
	next, err := h.build(ctx, cfg, old.number+1)
	started()
	if err != nil {
		r.Error = err.Error()
		return r
	}
	swapped := h.phase(&r, "swap")
	current := next.Value
	h.follow(current)
	h.current.Swap(next)
	h.retire(old, current)
	swapped()
	r.Result, r.Number, r.Changes = Applied, current.number, changes
	h.logNotes(newNotes(old.config.Notes, cfg.Notes))
	h.warnOpen(old.config, cfg)
	return r
}

// logNotes logs notes of the configuration that are new.
func (h *Host) logNotes(notes []config.Problem) {
	for _, n := range notes {
		h.options.Logger.Info("configuration note", "note", n.String())
	}
}

// phase begins a step of a reload. done notes how long it took.
func (h *Host) phase(r *Reload, name string) (done func()) {
	began := h.options.Now()
	return func() {
		took := h.options.Now().Sub(began)
		r.Phases = append(r.Phases, Phase{Name: name, Milliseconds: float64(took.Microseconds()) / 1000})
	}
}
