package cimd

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// How long an answer is kept, whatever its host says; and how long if it says nothing.
const (
	minFresh   = time.Minute
	maxFresh   = 24 * time.Hour
	usualFresh = 5 * time.Minute
)

// lifetime says how long an answer that came now may be used (RFC 9111 sections 4.2 and 5.2.2), within our bounds (A17):
// zero if it may not be kept at all: with no-store, with no-cache, and with private, for what is kept here is everybody's.
func lifetime(header http.Header, now time.Time) time.Duration {
	fresh, directives := usualFresh, cacheControl(header)
	for _, name := range []string{"no-store", "no-cache", "private"} {
		if _, ok := directives[name]; ok {
			return 0
		}
	}
	if age, ok := directives["s-maxage"]; ok {
		fresh = seconds(age)
	} else if age, ok := directives["max-age"]; ok {
		fresh = seconds(age)
	} else if header.Get("Expires") != "" {
		fresh = untilExpiry(header, now)
	}
	fresh -= seconds(header.Get("Age"))
	return min(max(fresh, minFresh), maxFresh)
}

// cacheControl answers the directives of Cache-Control by name, in small letters. Of one that is there twice the first
// counts.
func cacheControl(header http.Header) map[string]string {
	directives := map[string]string{}
	for part := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, known := directives[name]; !known {
			directives[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return directives
}

// seconds reads delta-seconds, and one that is too large as the largest. What is no number counts as none: the answer is
// stale.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// untilExpiry goes by the host's own clock, if it says what time it is there.
func untilExpiry(header http.Header, now time.Time) time.Duration {
	expires, err := http.ParseTime(header.Get("Expires"))
	if err != nil { // "0", say
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return expires.Sub(now)
}
