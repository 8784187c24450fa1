package egress

import (
	"context"

	"durward/policies/oauth/internal/limit"
)

// gate lets a number of fetches in at once, and of those a smaller number for each host. Who waits for a crowded host
// takes no place from others.
type gate struct {
	places chan struct{}
	hosts  *limit.AtOnce
}

func newGate(atOnce, perHost int) *gate {
	return &gate{places: make(chan struct{}, atOnce), hosts: limit.NewAtOnce(perHost)}
}

// enter waits for a place. The error is the context's.
func (g *gate) enter(ctx context.Context, host string) (leave func(), err error) {
	leaveHost, err := g.hosts.Enter(ctx, host)
	if err != nil {
		return nil, err
	}
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; leaveHost() }, nil
	case <-ctx.Done():
		leaveHost()
		return nil, ctx.Err()
	}
}
