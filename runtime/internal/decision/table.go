package decision

import (
	"container/list"
	"sync/atomic"
	"time"
)

// entry is one thing remembered. All but used stays as it was made.
type entry[V any] struct {
	key     Key
	value   V
	expires time.Time
	size    int64

	used  atomic.Bool // since it was last passed over for eviction
	place *list.Element
}

// table remembers values by key, bounded in entries and bytes. An expired entry stays until its room is needed: whoever
// looks compares the time. get may run beside other gets; everything else needs the caller's lock alone.
type table[V any] struct {
	maxEntries int
	maxBytes   int64
	bytes      int64
	entries    map[Key]*entry[V]
	order      list.List // front: new, or used when it was last passed over
	// removed, if not nil, is told of each entry that is forgotten.
	removed func(*entry[V])
}

// passedOver is how many used entries one eviction spares at most, so that it never holds the lock for long.
const passedOver = 64

func newTable[V any](maxEntries int, maxBytes int64) *table[V] {
	return &table[V]{
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		entries:    make(map[Key]*entry[V]),
	}
}

// get answers the entry under key, expired or not, or nil.
func (t *table[V]) get(key Key) *entry[V] {
	e := t.entries[key]
	if e != nil && !e.used.Load() { // a store each time would make the cores fight for the line
		e.used.Store(true)
	}
	return e
}

// put remembers e in place of what lies under its key, and makes room for it. An entry of more than an eighth of all
// room is not worth it: false.
func (t *table[V]) put(e *entry[V]) bool {
	t.remove(t.entries[e.key])
	if e.size > t.maxBytes/8 {
		return false
	}
	for len(t.entries) > 0 && (len(t.entries) >= t.maxEntries || t.bytes+e.size > t.maxBytes) {
		t.evict()
	}
	t.entries[e.key] = e
	t.bytes += e.size
	e.place = t.order.PushFront(e)
	return true
}

// evict removes the entry that has been unused longest, or nearly so.
func (t *table[V]) evict() {
	for range passedOver {
		e := t.order.Back().Value.(*entry[V])
		if !e.used.Load() {
			break
		}
		e.used.Store(false)
		t.order.MoveToFront(e.place)
	}
	t.remove(t.order.Back().Value.(*entry[V]))
}

// remove forgets e, which may be nil.
func (t *table[V]) remove(e *entry[V]) {
	if e == nil {
		return
	}
	delete(t.entries, e.key)
	t.bytes -= e.size
	t.order.Remove(e.place)
	if t.removed != nil {
		t.removed(e)
	}
}

// removeIf forgets every entry whose value matches.
func (t *table[V]) removeIf(matches func(*V) bool) {
	for _, e := range t.entries {
		if matches(&e.value) {
			t.remove(e)
		}
	}
}
