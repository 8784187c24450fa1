package cimd

import (
	"context"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// cache holds what was fetched from URLs, and fetches each once for all who wait for it.
type cache[T any] struct {
	kept    *lru.Cache[string, kept[T]]
	flights singleflight.Group
}

// kept is what was fetched, when, and until when it is good.
type kept[T any] struct {
	value          T
	fetched, until time.Time
}

func newCache[T any](size int) *cache[T] {
	all, _ := lru.New[string, kept[T]](size) // which fails for no size above zero
	return &cache[T]{kept: all}
}

// get answers what is kept if it is good at the time now and enough for the caller, else what fetch answers. fetch says
// how long that may be kept, zero for not at all; its error is kept never. It has a context that ends with none of those
// who wait, and bounds its own time.
func (c *cache[T]) get(
	ctx context.Context, now time.Time, url string, enough func(kept[T]) bool,
	fetch func(context.Context) (T, time.Duration, error),
) (T, error) {
	if found, ok := c.kept.Get(url); ok && now.Before(found.until) && enough(found) {
		return found.value, nil
	}
	flight := c.flights.DoChan(url, func() (any, error) {
		value, fresh, err := fetch(context.WithoutCancel(ctx))
		switch {
		case err != nil: // what was kept stays until it is stale: it was good when it came
		case fresh > 0:
			c.kept.Add(url, kept[T]{value, now, now.Add(fresh)})
		default:
			c.kept.Remove(url)
		}
		return value, err
	})
	select {
	case landed := <-flight:
		value, _ := landed.Val.(T)
		return value, landed.Err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
