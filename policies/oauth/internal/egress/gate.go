package egress

import (
	"context"
	"sync"
)

// gate lets a number of fetches in at once, and of those a smaller number for each host. Who waits for a crowded host
// takes no place from others.
type gate struct {
	places  chan struct{}
	perHost int
	mu      sync.Mutex
	hosts   map[string]*door
}

// door is one host's. It is there while anybody waits at it or is inside.
type door struct {
	places chan struct{}
	users  int
}

func newGate(atOnce, perHost int) *gate {
	return &gate{places: make(chan struct{}, atOnce), perHost: perHost, hosts: map[string]*door{}}
}

// enter waits for a place. The error is the context's.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	door := g.approach(host)
	select {
	case door.places <- struct{}{}:
	case <-ctx.Done():
		g.depart(host, door)
		return nil, ctx.Err()
	}
	leaveHost := func() { <-door.places; g.depart(host, door) }
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; leaveHost() }, nil
	case <-ctx.Done():
		leaveHost()
		return nil, ctx.Err()
	}
}

func (g *gate) approach(host string) *door {
	g.mu.Lock()
	defer g.mu.Unlock()
	at, ok := g.hosts[host]
	if !ok {
		at = &door{places: make(chan struct{}, g.perHost)}
		g.hosts[host] = at
	}
	at.users++
	return at
}

func (g *gate) depart(host string, at *door) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at.users--; at.users == 0 {
		delete(g.hosts, host)
	}
}
