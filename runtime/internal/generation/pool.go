package generation

import (
	"slices"
	"sync"
)

// Pool keeps the parts that generations share, by key: a part whose key appears again in the next generation is held
// by both and goes on undisturbed. It keeps no part alive itself. Its methods may be called concurrently.
type Pool[K comparable, T any] struct {
	mu    sync.Mutex
	parts map[K]*Part[T]
}

// Hold answers the living part of that key with a hold for the caller, or nil. fit may refuse it: it is then forgotten,
// so that the next Add takes its place.
func (p *Pool[K, T]) Hold(key K, fit func(T) bool) *Part[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.parts[key]
	if part == nil {
		return nil
	}
	if !fit(part.Value) {
		delete(p.parts, key)
		return nil
	}
	if !part.Hold() {
		return nil
	}
	return part
}

// Add makes a part of value, held by the caller, and keeps it under key until it ends.
func (p *Pool[K, T]) Add(key K, value T, end func(T)) *Part[T] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts == nil {
		p.parts = make(map[K]*Part[T])
	}
	var part *Part[T]
	part = NewPart(value, func(v T) {
		p.forget(key, part)
		end(v)
	})
	p.parts[key] = part
	return part
}

// Forget makes sure that the part is not handed out again. Those who hold it keep it.
func (p *Pool[K, T]) Forget(key K, part *Part[T]) { p.forget(key, part) }

func (p *Pool[K, T]) forget(key K, part *Part[T]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts[key] == part {
		delete(p.parts, key)
	}
}

// Undo collects what must be taken back if a build fails.
type Undo struct{ steps []func() }

// Add notes a step. Steps are noted as soon as there is something to take back, before it is used.
func (u *Undo) Add(step func()) { u.steps = append(u.steps, step) }

// Run takes everything back, last step first.
func (u *Undo) Run() {
	for _, step := range slices.Backward(u.steps) {
		step()
	}
	u.steps = nil
}

// Keep forgets the steps: the build has succeeded.
func (u *Undo) Keep() { u.steps = nil }
