// Package limit bounds how often somebody may do something, and how many things at once.
//
// It owns token buckets (golang.org/x/time/rate), one for each key: an address, or a client ([Limiter]); and places, some
// for each key ([AtOnce]).
//
// It promises that its memory is bounded whoever comes: of more than [MaxKeys] keys the one longest not seen is
// forgotten, which costs nothing but that it has a full bucket when it comes again; and of places nothing is kept but of
// those who are there. Time is what the caller says it is. It is safe for concurrent use.
//
// It is not for deciding who a key is, or what those are told who must wait. Buckets are neither kept nor shared: a
// process that is started anew begins with full ones, and each of several hosts counts for itself.
package limit

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// MaxKeys is how many keys a Limiter remembers.
const MaxKeys = 20_000

// Limiter holds the buckets of one kind of request.
type Limiter struct {
	perMinute int
	mu        sync.Mutex
	buckets   *simplelru.LRU[string, *rate.Limiter]
}

// New makes a limiter: each key may do something perMinute times a minute, and as often at once if it has been quiet for
// as long as that takes. perMinute is 1 or more.
func New(perMinute int) (*Limiter, error) {
	if perMinute < 1 {
		return nil, fmt.Errorf("make limiter: %d a minute is not 1 or more", perMinute)
	}
	buckets, err := simplelru.NewLRU[string, *rate.Limiter](MaxKeys, nil)
	if err != nil {
		return nil, fmt.Errorf("make limiter: %w", err)
	}
	return &Limiter{perMinute: perMinute, buckets: buckets}, nil
}

// Take counts one for a key and answers zero, or how long the key must wait. That counts nothing, so that whoever asks
// too often is answered as soon as they would have been anyway.
func (l *Limiter) Take(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, known := l.buckets.Get(key)
	if !known {
		bucket = rate.NewLimiter(rate.Limit(l.perMinute)/60, l.perMinute)
		l.buckets.Add(key, bucket)
	}
	if bucket.AllowN(now, 1) {
		return 0
	}
	return untilOne(bucket, now)
}

// Look answers what Take would, and counts nothing. It is for what is only known afterwards: whether it went wrong.
func (l *Limiter) Look(key string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, known := l.buckets.Get(key)
	if !known || bucket.TokensAt(now) >= 1 {
		return 0
	}
	return untilOne(bucket, now)
}

// untilOne is how long it takes until a bucket holds one again: at least a millisecond, whatever is lost in rounding.
func untilOne(bucket *rate.Limiter, now time.Time) time.Duration {
	missing := 1 - bucket.TokensAt(now)
	return max(time.Duration(missing/float64(bucket.Limit())*float64(time.Second)), time.Millisecond)
}

// Address answers the key of a client's IP address: of IPv6 the network of 56 bits, which a single customer has to
// choose addresses from (RFC 6177). All that is no address is one key.
func Address(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		return netip.PrefixFrom(address, 56).Masked().String()
	}
	return address.String()
}
