package runtime

import "sync"

// draining are the things of earlier generations that have not ended yet. The zero value is empty.
type draining[T comparable] struct {
	mu     sync.Mutex
	things map[T]struct{}
}

func (d *draining[T]) add(thing T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.things == nil {
		d.things = make(map[T]struct{})
	}
	d.things[thing] = struct{}{}
}

func (d *draining[T]) remove(thing T) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.things, thing)
}

// all answers what has not ended.
func (d *draining[T]) all() []T {
	d.mu.Lock()
	defer d.mu.Unlock()
	things := make([]T, 0, len(d.things))
	for thing := range d.things {
		things = append(things, thing)
	}
	return things
}

// left is what earlier generations have left.
func (h *Host) left() Draining {
	left := Draining{Policies: len(h.draining.processes.all())}
	for _, l := range h.draining.lanes.all() {
		open, _ := l.count()
		left.Open += open
	}
	return left
}
