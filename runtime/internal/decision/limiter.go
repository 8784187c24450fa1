package decision

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"durward/policies"
)

const (
	// refusedBurst is how many refused credentials a client address has free, refusedPerSecond how many it gets back.
	refusedBurst     = 20
	refusedPerSecond = 2
	// maxClients bounds how many addresses are remembered. The one longest without a refusal is forgotten first.
	maxClients = 10_000
)

// limiter limits how many refused credentials one client address may cause. An address is known here only after a
// refusal, so those who present good credentials take no room.
type limiter struct {
	now     func() time.Time
	mu      sync.Mutex
	buckets map[netip.Addr]*bucket
	order   list.List // front: refused last
}

type bucket struct {
	client netip.Addr
	left   float64 // as of at
	at     time.Time
	place  *list.Element
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, buckets: make(map[netip.Addr]*bucket)}
}

// clientOf answers whom an address stands for: an IPv6 host has a whole /64 to choose from. All that is no address counts
// as one client.
func clientOf(address string) netip.Addr {
	client, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Addr{}
	}
	client = client.Unmap().WithZone("")
	if client.Is6() {
		return netip.PrefixFrom(client, 64).Masked().Addr()
	}
	return client
}

// wait answers how long the client must wait before it may present another unknown credential; zero: not at all.
func (l *limiter) wait(client netip.Addr) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[client]
	if b == nil {
		return 0
	}
	l.refill(b)
	if b.left >= 1 {
		return 0
	}
	return time.Duration((1 - b.left) / refusedPerSecond * float64(time.Second))
}

// refused counts a refused credential.
func (l *limiter) refused(client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[client]
	if b == nil {
		if len(l.buckets) >= maxClients {
			oldest := l.order.Back().Value.(*bucket)
			l.order.Remove(oldest.place)
			delete(l.buckets, oldest.client)
		}
		b = &bucket{client: client, left: refusedBurst, at: l.now()}
		b.place = l.order.PushFront(b)
		l.buckets[client] = b
	}
	l.refill(b)
	b.left = max(0, b.left-1)
	l.order.MoveToFront(b.place)
}

func (l *limiter) refill(b *bucket) {
	now := l.now()
	if passed := now.Sub(b.at); passed > 0 {
		b.left = min(refusedBurst, b.left+passed.Seconds()*refusedPerSecond)
		b.at = now
	}
}

// tooMany is what a limited client gets: 429 (RFC 6585 section 4).
func tooMany(wait time.Duration) policies.Decision {
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	return policies.Decision{Outcome: policies.Respond, Response: &policies.Response{
		Status: http.StatusTooManyRequests,
		Header: http.Header{
			"Cache-Control": {"no-store"},
			"Content-Type":  {"application/json"},
			"Retry-After":   {strconv.Itoa(seconds)},
		},
		Body: []byte(`{"error":"too_many_requests","error_description":"too many unknown credentials from this address"}` + "\n"),
	}}
}
