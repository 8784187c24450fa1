package decision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
)

// policy is a policy that counts its calls and says what the test wants.
type policy struct {
	calls atomic.Int64
	mu    sync.Mutex
	say   func(ctx context.Context, call int) (policies.Decision, error)
}

func says(d policies.Decision) *policy {
	return &policy{say: func(context.Context, int) (policies.Decision, error) { return d, nil }}
}

func (p *policy) load(ctx context.Context) (policies.Decision, error) {
	call := p.calls.Add(1)
	p.mu.Lock()
	say := p.say
	p.mu.Unlock()
	return say(ctx, int(call))
}

func (p *policy) wantCalls(t *testing.T, want int64) {
	t.Helper()
	if got := p.calls.Load(); got != want {
		t.Errorf("%d calls to the policy, want %d", got, want)
	}
}

func allow(ttl time.Duration, tags ...string) policies.Decision {
	return policies.Decision{Outcome: policies.Allow, TTL: ttl, Tags: tags}
}

func refuse(ttl time.Duration) policies.Decision {
	d := respond(http.StatusUnauthorized, ttl)
	d.RefusedCredential = true
	return d
}

func respond(status int, ttl time.Duration) policies.Decision {
	return policies.Decision{Outcome: policies.Respond, TTL: ttl, Response: &policies.Response{Status: status}}
}

func query(name string) Query {
	return Query{Policy: "p", Key: NewKey().String(name).Sum(), Client: "192.0.2.1"}
}

// decide asks and wants an outcome from a source.
func decide(t *testing.T, c *Cache, q Query, p *policy, outcome policies.Outcome, source Source) policies.Decision {
	t.Helper()
	d, got := c.Decide(t.Context(), q, nil, p.load)
	if d.Outcome != outcome || got != source {
		t.Errorf("outcome %v %s (%s), want %v %s", d.Outcome, got, d.Reason, outcome, source)
	}
	return d
}

func TestDecisionsEnd(t *testing.T) {
	until := func(life time.Duration) *policies.Principal {
		return &policies.Principal{Issuer: "i", Subject: "s", Expires: time.Now().Add(life)}
	}
	for _, tc := range []struct {
		name string
		say  func() policies.Decision
		life time.Duration // zero: never kept
	}{
		{"with the TTL", func() policies.Decision { return allow(time.Minute) }, time.Minute},
		{"with the principal, if that is sooner", func() policies.Decision {
			d := allow(time.Minute)
			d.Principal = until(20 * time.Second)
			return d
		}, 20 * time.Second},
		{"with the TTL, if the principal lives longer", func() policies.Decision {
			d := allow(time.Minute)
			d.Principal = until(time.Hour)
			return d
		}, time.Minute},
		{"at once without a TTL", func() policies.Decision { return allow(0) }, 0},
		{"after a day at the latest", func() policies.Decision { return allow(100 * time.Hour) }, 24 * time.Hour},
		{"as a response too", func() policies.Decision { return respond(http.StatusForbidden, time.Minute) }, time.Minute},
		{"within a second as a refused credential", func() policies.Decision { return refuse(time.Minute) }, time.Second},
		{"sooner as a refused credential, if told", func() policies.Decision { return refuse(time.Second / 2) }, time.Second / 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, d := New(Options{}), tc.say()
				p := says(d)
				decide(t, c, query("k"), p, d.Outcome, Evaluated)
				if tc.life == 0 {
					decide(t, c, query("k"), p, d.Outcome, Evaluated)
					return
				}
				remembered := Cached
				if d.RefusedCredential {
					remembered = Refused
				}
				time.Sleep(tc.life - 1)
				decide(t, c, query("k"), p, d.Outcome, remembered)
				p.wantCalls(t, 1)
				time.Sleep(time.Nanosecond)
				if d.Principal != nil {
					d.Principal = nil
					p.say = func(context.Context, int) (policies.Decision, error) { return d, nil }
				}
				decide(t, c, query("k"), p, d.Outcome, Evaluated)
				p.wantCalls(t, 2)
			})
		})
	}
}

func TestTTLCountsFromTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			time.Sleep(time.Second)
			return allow(3 * time.Second), nil
		}}
		decide(t, c, query("k"), p, policies.Allow, Evaluated)
		time.Sleep(2*time.Second - 1)
		decide(t, c, query("k"), p, policies.Allow, Cached)
		time.Sleep(time.Nanosecond)
		decide(t, c, query("k"), p, policies.Allow, Evaluated)
	})
}

func TestSenselessDecisionsAreUnavailable(t *testing.T) {
	tags := func(n int) (tags []string) {
		for i := range n {
			tags = append(tags, fmt.Sprint(i))
		}
		return tags
	}
	for name, d := range map[string]policies.Decision{
		"no outcome":            {TTL: time.Minute},
		"unknown outcome":       {Outcome: 9, TTL: time.Minute},
		"unavailable":           {Outcome: policies.Unavailable, TTL: time.Minute, Principal: &policies.Principal{}},
		"negative TTL":          allow(-1),
		"17 tags":               allow(time.Minute, tags(17)...),
		"empty tag":             allow(time.Minute, ""),
		"tag too long":          allow(time.Minute, strings.Repeat("t", policies.MaxKey+1)),
		"no response":           {Outcome: policies.Respond, TTL: time.Minute},
		"no status":             respond(0, time.Minute),
		"status 101":            respond(101, time.Minute),
		"status 600":            respond(600, time.Minute),
		"allow with response":   {Outcome: policies.Allow, TTL: time.Minute, Response: &policies.Response{Status: 401}},
		"allow and refuse":      {Outcome: policies.Allow, TTL: time.Minute, RefusedCredential: true},
		"respond to principal":  {Outcome: policies.Respond, Response: &policies.Response{Status: 401}, Principal: &policies.Principal{}},
		"respond with header":   {Outcome: policies.Respond, Response: &policies.Response{Status: 401}, SetHeader: http.Header{"A": nil}},
		"principal, no issuer":  {Outcome: policies.Allow, Principal: &policies.Principal{Subject: "s"}},
		"principal, no subject": {Outcome: policies.Allow, Principal: &policies.Principal{Issuer: "i"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := New(Options{}), says(d)
			got := decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
			if got.Principal != nil || got.Response != nil || (d.Outcome != policies.Unavailable && got.Reason == "") {
				t.Errorf("unavailable with more, or without a reason: %+v", got)
			}
			decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
			p.wantCalls(t, 2)
			if n, _ := c.Size(); n != 0 {
				t.Errorf("%d entries", n)
			}
		})
	}
	t.Run("16 tags are well", func(t *testing.T) {
		decide(t, New(Options{}), query("k"), says(allow(time.Minute, tags(16)...)), policies.Allow, Evaluated)
	})
}

func TestFaultsAreUnavailableAndForgotten(t *testing.T) {
	t.Run("error", func(t *testing.T) {
		c := New(Options{})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			return allow(time.Minute), errors.New("connection lost")
		}}
		if d := decide(t, c, query("k"), p, policies.Unavailable, Unavailable); d.Reason != "connection lost" {
			t.Errorf("reason %q", d.Reason)
		}
		p.say = says(allow(time.Minute)).say
		decide(t, c, query("k"), p, policies.Allow, Evaluated)
	})
	t.Run("panic", func(t *testing.T) {
		c := New(Options{})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) { panic("canary") }}
		if d := decide(t, c, query("k"), p, policies.Unavailable, Unavailable); strings.Contains(d.Reason, "canary") {
			t.Errorf("reason %q", d.Reason)
		}
		p.say = says(allow(time.Minute)).say
		decide(t, c, query("k"), p, policies.Allow, Evaluated)
	})
	t.Run("a cached allow outlives the policy", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, p := New(Options{}), says(allow(time.Minute))
			decide(t, c, query("k"), p, policies.Allow, Evaluated)
			p.say = func(context.Context, int) (policies.Decision, error) { return policies.Decision{}, errors.New("down") }
			time.Sleep(time.Minute - 1)
			decide(t, c, query("k"), p, policies.Allow, Cached)
			time.Sleep(time.Nanosecond)
			decide(t, c, query("k"), p, policies.Unavailable, Unavailable)
		})
	})
}

func TestBounds(t *testing.T) {
	t.Run("entries", func(t *testing.T) {
		c, p := New(Options{MaxEntries: 80}), says(allow(time.Minute, "tag"))
		hot := query("hot")
		decide(t, c, hot, p, policies.Allow, Evaluated)
		for i := range 1000 {
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Evaluated)
			decide(t, c, hot, p, policies.Allow, Cached)
		}
		if n, _ := c.Size(); n != 70 {
			t.Errorf("%d entries, want 70", n)
		}
		c.Purge(1, "p", []string{"tag"})
		if n, bytes := c.Size(); n != 0 || bytes != 0 || len(c.standings) != 0 || c.allows.order.Len() != 0 {
			t.Errorf("after a purge of all: %d entries, %d bytes, %d tags", n, bytes, len(c.standings))
		}
	})
	t.Run("bytes", func(t *testing.T) {
		const most = 1 << 20
		d := allow(time.Minute)
		d.SetHeader = http.Header{"X-Large": {strings.Repeat("x", 10_000)}}
		c, p := New(Options{MaxBytes: most}), says(d)
		for i := range 1000 {
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Evaluated)
		}
		if n, bytes := c.Size(); bytes > most || n < 70 || n > 100 {
			t.Errorf("%d entries, %d bytes", n, bytes)
		}
		before, _ := c.Size()
		d.SetHeader = http.Header{"X-Huge": {strings.Repeat("x", most/7)}}
		decide(t, c, query("huge"), says(d), policies.Allow, Evaluated)
		if after, _ := c.Size(); after != before {
			t.Errorf("what is too large pushed out %d", before-after)
		}
	})
	t.Run("refusals never push out an allow", func(t *testing.T) {
		c, p := New(Options{MaxEntries: 80}), says(allow(time.Minute))
		for i := range 70 {
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Evaluated)
		}
		for i := range 1000 {
			q := query(fmt.Sprint("refused ", i))
			q.Client = fmt.Sprintf("192.0.2.%d", i%250)
			decide(t, c, q, says(refuse(time.Second)), policies.Respond, Evaluated)
			decide(t, c, query(fmt.Sprint("responded ", i)), says(respond(403, time.Minute)), policies.Respond, Evaluated)
		}
		for i := range 70 {
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Cached)
		}
		if n, _ := c.Size(); n != 80 {
			t.Errorf("%d entries, want 80", n)
		}
	})
	t.Run("a sweep over used entries ends", func(t *testing.T) {
		c, p := New(Options{MaxEntries: 800}), says(allow(time.Minute))
		for i := range 700 {
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Evaluated)
			decide(t, c, query(fmt.Sprint(i)), p, policies.Allow, Cached)
		}
		decide(t, c, query("one more"), p, policies.Allow, Evaluated)
		if n, _ := c.Size(); n != 700 {
			t.Errorf("%d entries, want 700", n)
		}
	})
}

func TestLaterDecisionReplacesEarlier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{})
		decide(t, c, query("k"), says(allow(time.Minute)), policies.Allow, Evaluated)
		time.Sleep(time.Minute)
		decide(t, c, query("k"), says(respond(403, time.Hour)), policies.Respond, Evaluated)
		decide(t, c, query("k"), says(allow(time.Minute)), policies.Respond, Cached)
		time.Sleep(time.Hour)
		decide(t, c, query("k"), says(allow(time.Minute)), policies.Allow, Evaluated)
		if n, _ := c.Size(); n != 1 {
			t.Errorf("%d entries under one key", n)
		}
	})
}

func TestKeysDiffer(t *testing.T) {
	keys := map[Key]string{}
	for name, b := range map[string]KeyBuilder{
		"nothing":                NewKey(),
		"string":                 NewKey().String("a"),
		"bytes":                  NewKey().Bytes([]byte("a")),
		"empty string":           NewKey().String(""),
		"header absent":          NewKey().Values(nil),
		"header empty":           NewKey().Values([]string{""}),
		"header twice empty":     NewKey().Values([]string{"", ""}),
		"header ab":              NewKey().Values([]string{"ab"}),
		"header a, b":            NewKey().Values([]string{"a", "b"}),
		"header b, a":            NewKey().Values([]string{"b", "a"}),
		"headers a and b":        NewKey().Values([]string{"a"}).Values([]string{"b"}),
		"headers ab and absent":  NewKey().Values([]string{"ab"}).Values(nil),
		"strings a and b":        NewKey().String("a").String("b"),
		"strings ab and empty":   NewKey().String("ab").String(""),
		"string with a length":   NewKey().String("a\x01b"),
		"beyond the inline room": NewKey().String(strings.Repeat("x", 2*inlineKey)),
	} {
		if other, taken := keys[b.Sum()]; taken {
			t.Errorf("%s and %s have one key", name, other)
		}
		keys[b.Sum()] = name
	}
	if once, again := NewKey().String("a").Sum(), NewKey().String("a").Sum(); once != again {
		t.Error("the same input has two keys")
	}
}
