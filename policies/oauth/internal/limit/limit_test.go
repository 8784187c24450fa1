package limit_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"durward/policies/oauth/internal/limit"
)

var noon = time.Date(2027, time.March, 1, 12, 0, 0, 0, time.UTC)

func newLimiter(t *testing.T, perMinute int) *limit.Limiter {
	t.Helper()
	l, err := limit.New(perMinute)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// taken counts how often a key may do it at once.
func taken(l *limit.Limiter, key string, now time.Time, tries int) (count int) {
	for range tries {
		if l.Take(key, now) == 0 {
			count++
		}
	}
	return count
}

func TestNoneIsNoLimit(t *testing.T) {
	for _, perMinute := range []int{0, -1} {
		if l, err := limit.New(perMinute); err == nil {
			t.Errorf("%d a minute: %v", perMinute, l)
		}
	}
}

func TestTake(t *testing.T) {
	l := newLimiter(t, 30)
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, 30},                              // as many at once as a minute has
		{0, 0},                               // asking on and on moves nothing
		{time.Second, 0},                     // one comes back every two seconds
		{2 * time.Second, 1},                 //
		{12 * time.Second, 5},                //
		{10 * time.Second, 0},                // a clock that is put back gives nothing
		{time.Minute, 24},                    //
		{time.Hour, 30},                      // and there are never more
		{time.Hour + 4*time.Second, 2},       //
		{-time.Hour, 0},                      //
		{time.Hour + 64*time.Second, 30},     //
		{365 * 24 * time.Hour, 30},           //
		{365*24*time.Hour + time.Minute, 30}, //
	} {
		if got := taken(l, "192.0.2.1", noon.Add(step.after), 100); got != step.want {
			t.Errorf("after %s: %d may, want %d", step.after, got, step.want)
		}
	}
	if got := taken(l, "192.0.2.2", noon, 100); got != 30 {
		t.Errorf("another key: %d may, want 30", got)
	}
}

// Whoever waits as long as they were told to may go on.
func TestWait(t *testing.T) {
	for _, perMinute := range []int{1, 7, 59, 60, 61, 3000, 10_000} {
		l := newLimiter(t, perMinute)
		now := noon
		taken(l, "key", now, perMinute)
		for range 20 {
			wait := l.Take("key", now)
			if wait <= 0 || wait > time.Minute/time.Duration(perMinute)+time.Millisecond {
				t.Fatalf("%d a minute: wait for %s", perMinute, wait)
			}
			if now = now.Add(wait + time.Millisecond); l.Take("key", now) != 0 {
				t.Fatalf("%d a minute: %s was not enough", perMinute, wait)
			}
		}
	}
}

func TestLook(t *testing.T) {
	l := newLimiter(t, 2)
	for range 10 {
		if l.Look("key", noon) != 0 {
			t.Fatal("looking counts")
		}
	}
	taken(l, "key", noon, 2)
	if l.Look("key", noon) == 0 || l.Look("other", noon) != 0 || l.Look("key", noon.Add(30*time.Second)) != 0 {
		t.Error("looking does not see what was counted")
	}
}

// A flood of addresses takes the room of MaxKeys, and whoever is seen all the while keeps their bucket (S45).
func TestAFloodOfKeysHasNoMoreRoom(t *testing.T) {
	l := newLimiter(t, 5)
	taken(l, "steady", noon, 5)
	flood := func(from, n int) {
		for i := range n {
			l.Take(fmt.Sprintf("2001:db8:%x:%x::/56", (from+i)>>16, (from+i)&0xffff), noon)
			if i%1000 == 0 && l.Take("steady", noon) == 0 {
				t.Fatal("somebody who is over the limit was forgotten")
			}
		}
	}
	flood(0, limit.MaxKeys)
	before := heap()
	flood(limit.MaxKeys, 10*limit.MaxKeys)
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("ten times as many addresses: %d KiB more", grown>>10)
	}
	runtime.KeepAlive(l)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestTakeTogether(t *testing.T) {
	l := newLimiter(t, 100)
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 20 {
				if l.Take("key", noon) == 0 {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if passed.Load() != 100 {
		t.Errorf("%d passed, want 100", passed.Load())
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1":           "192.0.2.1",
		"::ffff:192.0.2.1":    "192.0.2.1",
		"2001:db8:1:2ff::1":   "2001:db8:1:200::/56",
		"2001:db8:1:200:5::1": "2001:db8:1:200::/56",
		"2001:db8:1:300::1":   "2001:db8:1:300::/56",
		"fe80::1%eth0":        "fe80::/56",
		"::1":                 "::/56",
		"":                    "",
		"example.com":         "",
		"192.0.2.1:80":        "",
	} {
		if got := limit.Address(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
