package reload

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// caller is one that makes its requests one after the other, on one connection that it keeps.
type caller struct {
	name      string
	http      *http.Client
	transport *http.Transport
	// cuts counts how often the gateway ended the connection, done the requests.
	dials, cuts, done atomic.Int64
	// conn is the last one that it has made.
	conn atomic.Pointer[kept]
	// first is closed when it has made a request.
	first chan struct{}

	mu sync.Mutex
	// took are how long its requests took, since somebody has last asked.
	took []time.Duration
}

// RoundTrip notes an answer that announces the end of the connection.
func (c *caller) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := c.transport.RoundTrip(r)
	if err == nil && answer.Close {
		c.conn.Load().cut()
	}
	return answer, err
}

// kept is a caller's connection. Its end is noted once, however often it is met.
type kept struct {
	net.Conn
	cut func()
}

// Read notes an end that is not the caller's own doing. Go's Transport closes a healthy connection by itself if it was
// kept from running for so long that the answer overtook its own note of having written the request.
func (k *kept) Read(b []byte) (int, error) {
	n, err := k.Conn.Read(b)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		k.cut()
	}
	return n, err
}

// caller adds one that makes a request every so often until the reloads are over. A request that fails is not made again:
// what a client that takes no care would lose is what counts.
func (c *crowd) caller(name string, every time.Duration, request func(context.Context, *http.Client) error) {
	one := &caller{name: name, first: make(chan struct{})}
	dialer := new(net.Dialer)
	one.transport = &http.Transport{
		MaxConnsPerHost: 1,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			one.dials.Add(1)
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			k := &kept{conn, sync.OnceFunc(func() { one.cuts.Add(1) })}
			one.conn.Store(k)
			return k, nil
		},
	}
	one.http = &http.Client{Transport: one}
	c.callers = append(c.callers, one)
	c.wg.Go(func() {
		defer one.transport.CloseIdleConnections()
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-c.over:
				return
			case <-ticker.C:
			}
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			began := time.Now()
			if err := request(ctx, one.http); err != nil {
				c.fail("%s, after %d requests: %v", name, one.done.Load(), err)
			}
			cancel()
			one.mu.Lock()
			one.took = append(one.took, time.Since(began))
			one.mu.Unlock()
			if one.done.Add(1) == 1 {
				close(one.first)
			}
		}
	})
}

// taken answers how long the requests took that were made since it was last asked, sorted.
func (c *crowd) taken() []time.Duration {
	var all []time.Duration
	for _, one := range c.callers {
		one.mu.Lock()
		all = append(all, one.took...)
		one.took = nil
		one.mu.Unlock()
	}
	slices.Sort(all)
	return all
}
