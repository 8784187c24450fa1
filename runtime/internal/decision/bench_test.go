package decision

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

// hotPath is what the usual request costs: the key from a bearer of 447 bytes, the look-up, and the place among those
// who are told of a purge.
func hotPath(c *Cache, base *Key, authorization []string, hold *Hold) bool {
	key := NewKey().Bytes(base[:]).Values(authorization).String("https://mcp.example.com").String("").String("").String("").Sum()
	d, _, ok := c.Lookup(Query{Policy: "p", Key: key, Client: "192.0.2.1"}, hold)
	hold.Leave()
	return ok && d.Outcome == policies.Allow
}

func hotCache(tb testing.TB, entries int) (*Cache, *Key, []string) {
	c := New(Options{})
	base := NewKey().String("policy").Sum()
	allow := func(context.Context) (policies.Decision, error) {
		return policies.Decision{
			Outcome: policies.Allow, TTL: time.Hour, Tags: []string{"grant", "person"},
			Principal: &policies.Principal{Issuer: "https://idp.example.com", Subject: "user_1"},
		}, nil
	}
	var authorization []string
	for i := range entries {
		authorization = []string{"Bearer " + strings.Repeat("t", 440-8) + fmt.Sprintf("%08d", i)}
		key := NewKey().Bytes(base[:]).Values(authorization).String("https://mcp.example.com").String("").String("").String("").Sum()
		if _, source := c.Decide(tb.Context(), Query{Policy: "p", Key: key}, nil, allow); source != Evaluated {
			tb.Fatal(source)
		}
	}
	return c, &base, authorization
}

func TestHitAllocatesAtMostOnce(t *testing.T) {
	c, base, authorization := hotCache(t, 1)
	var hold Hold
	allocs := testing.AllocsPerRun(1000, func() {
		if !hotPath(c, base, authorization, &hold) {
			t.Fatal("no hit")
		}
	})
	if allocs > 1 {
		t.Errorf("%v allocations a hit, want at most 1", allocs)
	}
}

func BenchmarkHit(b *testing.B) {
	c, base, authorization := hotCache(b, 10_000)
	b.Run("serial", func(b *testing.B) {
		b.ReportAllocs()
		var hold Hold
		for b.Loop() {
			hotPath(c, base, authorization, &hold)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			var hold Hold
			for pb.Next() {
				hotPath(c, base, authorization, &hold)
			}
		})
	})
	b.Run("key only", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			NewKey().Bytes(base[:]).Values(authorization).String("https://mcp.example.com").Sum()
		}
	})
}

func BenchmarkMiss(b *testing.B) {
	c := New(Options{})
	load := func(context.Context) (policies.Decision, error) {
		return policies.Decision{Outcome: policies.Allow, TTL: time.Hour, Tags: []string{"grant", "person"}}, nil
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		c.Decide(b.Context(), Query{Policy: "p", Key: NewKey().String(fmt.Sprint(i)).Sum()}, nil, load)
	}
}
