package providers

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
)

// callbacks carries a person's requests and notes what the provider has sent the gateway by way of the browser. A test
// may change that on its way, which is all that somebody needs who has got hold of another's code.
type callbacks struct {
	base http.RoundTripper

	mu     sync.Mutex
	seen   []url.Values
	change func(url.Values)
}

// RoundTrip implements http.RoundTripper.
func (c *callbacks) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == "/oauth/callback" {
		c.mu.Lock()
		query := r.URL.Query()
		c.seen = append(c.seen, query)
		if c.change != nil {
			changed := maps.Clone(query)
			c.change(changed)
			r = r.Clone(r.Context())
			r.URL.RawQuery = changed.Encode()
		}
		c.mu.Unlock()
	}
	return c.base.RoundTrip(r)
}

// last answers what the last callback brought.
func (c *callbacks) last() url.Values {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[len(c.seen)-1]
}

// names are the parameters of the last callback.
func (c *callbacks) names() []string { return slices.Sorted(maps.Keys(c.last())) }

// meddle has the callbacks changed from now on.
func (c *callbacks) meddle(change func(url.Values)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.change = change
}
