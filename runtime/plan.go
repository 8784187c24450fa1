package runtime

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"time"

	"durward/runtime/internal/config"
)

// planWait is how long a plan waits for another. Who asks for one waits longer.
const planWait = 5 * time.Second

var errPlanning = errors.New("another plan is being made: try again shortly")

// Plan is how a candidate differs from what runs.
type Plan struct {
	// Number and Since are those of the generation it was compared with.
	Number uint64    `json:"number"`
	Since  time.Time `json:"since"`
	// Problems are what a person must mend in the files before they can be used. Then nothing else is told.
	Problems []Problem `json:"problems,omitempty"`
	// Notes are worth a person's attention, and new: what runs does not have them.
	Notes []Problem `json:"notes,omitempty"`
	// Refused says why a reload would refuse the candidate though it has no problems.
	Refused []string `json:"refused,omitempty"`
	Changes Changes  `json:"changes,omitzero"`
	// DrainSeconds is how long what is open on a route that changes may go on.
	DrainSeconds float64 `json:"drainSeconds"`
}

// Plan tells what a reload would change if the folder held these files. Variables are the host's own, so that it tells
// of the configuration what the host would make of it. It starts nothing and writes nothing, and holds no secret (G10).
// One plan is made at a time. An error means that another is being made, that the host does not run, or that its store
// cannot be read.
func (h *Host) Plan(ctx context.Context, files fs.FS) (Plan, error) {
	if err := h.planAlone(ctx); err != nil {
		return Plan{}, err
	}
	defer func() { <-h.planning }()
	acquired := h.current.Acquire()
	if acquired == nil {
		return Plan{}, errNotRunning
	}
	defer acquired.Release()
	g := acquired.Value
	plan := Plan{Number: g.number, Since: g.since, DrainSeconds: g.bounds.drain.Seconds()}
	loaded := h.loader.Of(files, "").Load()
	if loaded.Config == nil {
		plan.Problems = publicProblems(loaded.Problems)
		return plan, nil
	}
	plan.DrainSeconds = h.options.bounds(loaded.Config).drain.Seconds()
	plan.Notes = publicProblems(newNotes(g.config.Notes, loaded.Config.Notes))
	plan.Changes, plan.Refused = h.compare(g, loaded.Config)
	for i := range plan.Changes.Policies {
		p := &plan.Changes.Policies[i]
		if p.Change != Removed {
			continue
		}
		var err error
		if p.Records, err = h.store.Count(ctx, p.Name); err != nil {
			return Plan{}, fmt.Errorf("count records of policy %q: %w", p.Name, err)
		}
	}
	return plan, nil
}

// planAlone waits for the plan that is being made, if there is one, and not for long: reading a file that it names may take
// as long as the file system likes.
func (h *Host) planAlone(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, planWait, errPlanning)
	defer cancel()
	select {
	case h.planning <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// newNotes answers the notes that the old configuration does not have, wherever they stand.
func newNotes(old, next []config.Problem) (notes []config.Problem) {
	for _, n := range next {
		if !slices.ContainsFunc(old, func(o config.Problem) bool {
			return path.Base(o.File) == path.Base(n.File) && o.Pointer == n.Pointer && o.Text == n.Text
		}) {
			notes = append(notes, n)
		}
	}
	return notes
}
