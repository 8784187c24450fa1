package limit

import (
	"context"
	"sync"
)

// AtOnce bounds how many things each key does at the same time. Who waits takes no place from other keys.
type AtOnce struct {
	most  int
	mu    sync.Mutex
	doors map[string]*door
}

// door is one key's. It is there while anybody waits at it or is inside.
type door struct {
	places chan struct{}
	users  int
}

// NewAtOnce makes one that lets each key do most things at once, which is 1 or more.
func NewAtOnce(most int) *AtOnce {
	return &AtOnce{most: most, doors: map[string]*door{}}
}

// Enter waits for a place, which leave gives back. The error is the context's.
func (a *AtOnce) Enter(ctx context.Context, key string) (leave func(), err error) {
	at := a.approach(key)
	select {
	case at.places <- struct{}{}:
		return func() { <-at.places; a.depart(key, at) }, nil
	case <-ctx.Done():
		a.depart(key, at)
		return nil, ctx.Err()
	}
}

func (a *AtOnce) approach(key string) *door {
	a.mu.Lock()
	defer a.mu.Unlock()
	at, ok := a.doors[key]
	if !ok {
		at = &door{places: make(chan struct{}, a.most)}
		a.doors[key] = at
	}
	at.users++
	return at
}

func (a *AtOnce) depart(key string, at *door) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(a.doors, key)
	}
}
