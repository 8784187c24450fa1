package policytest

import (
	"context"
	"slices"
	"sync"

	"durward/policies"
)

// Audit remembers every event in the order of writing. Its zero value is ready; it is safe for concurrent use.
type Audit struct {
	mu     sync.Mutex
	events []policies.Event
}

var _ policies.Audit = (*Audit)(nil)

// Write remembers the event. It never fails.
func (a *Audit) Write(_ context.Context, event policies.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, event)
	return nil
}

// Events answers what was written so far.
func (a *Audit) Events() []policies.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.events)
}

// Named answers the events of one name.
func (a *Audit) Named(name string) []policies.Event {
	return slices.DeleteFunc(a.Events(), func(e policies.Event) bool { return e.Name != name })
}
