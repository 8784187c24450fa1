package cimd

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"durward/policies/oauth/internal/egress"
	"durward/policies/oauth/internal/limit"
)

// cache holds what was fetched from URLs, and fetches each once for all who wait for it.
type cache[T any] struct {
	what   string // as faults name it
	askers *limit.AtOnce

	mu      sync.Mutex
	kept    *lru.Cache[string, kept[T]]
	flights map[string]*flight[T]
}

// kept is what was fetched, when, and until when it is good.
type kept[T any] struct {
	value          T
	fetched, until time.Time
}

// flight is one fetch. What came of it is set before done is closed.
type flight[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func newCache[T any](what string, size int, askers *limit.AtOnce) *cache[T] {
	all, _ := lru.New[string, kept[T]](size) // which fails for no size above zero
	return &cache[T]{what: what, askers: askers, kept: all, flights: map[string]*flight[T]{}}
}

// question is what a cache is asked: for what lies at URL, at the time Now, good enough for Enough, by Asker.
type question[T any] struct {
	Now        time.Time
	Asker, URL string
	Enough     func(kept[T]) bool
}

// get answers what is kept if it is good at the time and enough for the caller, else what fetch answers. fetch says how long
// that may be kept, zero for not at all; its error is kept never. It has a context that ends with none of those who wait,
// and bounds its own time. The error of get is fetch's, that of ctx, or a *Fault of an asker who has too much under way.
//
// Who asks has a place of their own before there is a flight: one that began and then waited for it would keep all waiting
// who ask for the same. The place is free again when the fetch is over, and not when its asker hangs up.
func (c *cache[T]) get(
	ctx context.Context, q question[T], fetch func(context.Context) (T, time.Duration, error),
) (T, error) {
	var none T
	f, _ := c.board(q, false)
	if f == nil {
		leave, err := c.enter(ctx, q.Asker)
		if err != nil {
			return none, err
		}
		begins := false
		if f, begins = c.board(q, true); begins {
			go func() {
				defer leave()
				c.fly(context.WithoutCancel(ctx), f, q, fetch)
			}()
		} else {
			leave()
		}
	}
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// enter waits for a place of the asker's.
func (c *cache[T]) enter(ctx context.Context, asker string) (leave func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	leave, err = c.askers.Enter(waiting, asker)
	switch {
	case err == nil:
		return leave, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, unfetched(c.what, &egress.Error{Reason: egress.Busy, Err: err})
}

// board answers the flight to wait for: one that has landed if what is asked for is kept, the one that is under way, or a
// new one, which the caller must then fly. Without a place there is no new one: nil.
func (c *cache[T]) board(q question[T], placed bool) (f *flight[T], begins bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.kept.Get(q.URL); ok && q.Now.Before(found.until) && q.Enough(found) {
		f = &flight[T]{done: make(chan struct{}), value: found.value}
		close(f.done)
		return f, false
	}
	if f = c.flights[q.URL]; f != nil || !placed {
		return f, false
	}
	f = &flight[T]{done: make(chan struct{})}
	c.flights[q.URL] = f
	return f, true
}

// fly fetches, keeps what may be kept, and lands.
func (c *cache[T]) fly(
	ctx context.Context, f *flight[T], q question[T], fetch func(context.Context) (T, time.Duration, error),
) {
	value, fresh, err := fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil: // what was kept stays until it is stale: it was good when it came
	case fresh > 0:
		c.kept.Add(q.URL, kept[T]{value, q.Now, q.Now.Add(fresh)})
	default:
		c.kept.Remove(q.URL)
	}
	delete(c.flights, q.URL)
	f.value, f.err = value, err
	close(f.done)
}
