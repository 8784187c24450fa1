// Package limit bounds how often somebody may do something.
//
// It owns token buckets (golang.org/x/time/rate), one for each key: an address, or a client.
//
// It promises that its memory is bounded whoever comes: of more than [MaxKeys] keys the one longest not seen is
// forgotten, which costs nothing but that it has a full bucket when it comes again. Time is what the caller says it is.
// Of a key that is over its limit it says so once a minute, so that a flood does not become a flood of log lines. It is
// safe for concurrent use.
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

// tellEvery is how often a key that stays over its limit is reported.
const tellEvery = time.Minute

// Limiter holds the buckets of one kind of request.
type Limiter struct {
	perMinute int
	mu        sync.Mutex
	buckets   *simplelru.LRU[string, *bucket]
}

type bucket struct {
	rate *rate.Limiter
	told time.Time
}

// New makes a limiter: each key may do something perMinute times a minute, and as often at once if it has been quiet for
// as long as that takes. perMinute is 1 or more.
func New(perMinute int) (*Limiter, error) {
	if perMinute < 1 {
		return nil, fmt.Errorf("make limiter: %d a minute is not 1 or more", perMinute)
	}
	buckets, err := simplelru.NewLRU[string, *bucket](MaxKeys, nil)
	if err != nil {
		return nil, fmt.Errorf("make limiter: %w", err)
	}
	return &Limiter{perMinute: perMinute, buckets: buckets}, nil
}

// Verdict says whether something may be done now.
type Verdict struct {
	// Wait is how long it may not be done yet; zero if it may.
	Wait time.Duration
	// Tell is set with Wait if it has not been in the last minute: then the log should say that the limit was reached.
	Tell bool
}

// Take counts one for a key, unless the key must wait: that counts nothing, so that whoever asks too often is answered
// as soon as they would have been anyway.
func (l *Limiter) Take(key string, now time.Time) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets.Get(key)
	if !known {
		b = &bucket{rate: rate.NewLimiter(rate.Limit(l.perMinute)/60, l.perMinute)}
		l.buckets.Add(key, b)
	}
	if b.rate.AllowN(now, 1) {
		return Verdict{}
	}
	return b.refuse(now)
}

// Look answers what Take would, and counts nothing. It is for what is only known afterwards: whether it went wrong.
func (l *Limiter) Look(key string, now time.Time) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets.Get(key)
	if !known || b.rate.TokensAt(now) >= 1 {
		return Verdict{}
	}
	return b.refuse(now)
}

// refuse says how long an empty bucket needs to hold one again: at least a millisecond, whatever is lost in rounding.
func (b *bucket) refuse(now time.Time) Verdict {
	missing := 1 - b.rate.TokensAt(now)
	wait := time.Duration(missing / float64(b.rate.Limit()) * float64(time.Second))
	tell := b.told.IsZero() || now.Sub(b.told) >= tellEvery
	if tell {
		b.told = now
	}
	return Verdict{Wait: max(wait, time.Millisecond), Tell: tell}
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
