package decision

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"durward/policies"
)

func TestRefusedCredentialsAreLimitedByAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, good := New(Options{}), says(allow(time.Hour))
		decide(t, c, query("good"), good, policies.Allow, Evaluated)
		bad := says(refuse(time.Second))
		for i := range refusedBurst {
			decide(t, c, query(fmt.Sprint(i)), bad, policies.Respond, Evaluated)
		}
		decide(t, c, query("0"), bad, policies.Respond, Refused)

		d := decide(t, c, query("unknown"), good, policies.Respond, Limited)
		if d.Response.Status != http.StatusTooManyRequests || d.Response.Header.Get("Retry-After") != "1" {
			t.Errorf("limited: %d %v", d.Response.Status, d.Response.Header)
		}
		bad.wantCalls(t, refusedBurst)
		good.wantCalls(t, 1)
		decide(t, c, query("good"), good, policies.Allow, Cached)
		elsewhere := query("elsewhere")
		elsewhere.Client = "192.0.2.2"
		decide(t, c, elsewhere, good, policies.Allow, Evaluated)

		time.Sleep(time.Second/refusedPerSecond - 1)
		decide(t, c, query("unknown"), good, policies.Respond, Limited)
		time.Sleep(time.Nanosecond)
		decide(t, c, query("unknown"), good, policies.Allow, Evaluated) // what is good costs nothing
		decide(t, c, query("bad 1"), bad, policies.Respond, Evaluated)
		decide(t, c, query("bad 2"), bad, policies.Respond, Limited)
	})
}

func TestKnownKeyIsNotLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := New(Options{}), says(allow(time.Minute, "grant"))
		decide(t, c, query("session"), p, policies.Allow, Evaluated)
		time.Sleep(time.Minute)
		flood := func() {
			for i := range 2 * refusedBurst {
				c.Decide(t.Context(), query(fmt.Sprint(i)), nil, says(refuse(0)).load)
			}
		}
		flood()
		decide(t, c, query("session"), p, policies.Allow, Evaluated)
		flood()
		c.Purge(1, "p", []string{"grant"})
		decide(t, c, query("session"), p, policies.Respond, Limited)
	})
}

func TestWaitingFloodIsLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Misses: 2})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			time.Sleep(time.Millisecond)
			return refuse(time.Second), nil
		}}
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() { c.Decide(t.Context(), query(fmt.Sprint(i)), nil, p.load) })
		}
		wg.Wait()
		if n := p.calls.Load(); n > refusedBurst+2 {
			t.Errorf("%d calls for 1000 unknown credentials that came at once", n)
		}
	})
}

func TestOneClientsLimitIsNotAnothers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options{Misses: 1})
		p := &policy{say: func(context.Context, int) (policies.Decision, error) {
			time.Sleep(time.Millisecond)
			return refuse(time.Second), nil
		}}
		var wg sync.WaitGroup
		for i := range refusedBurst {
			wg.Go(func() { c.Decide(t.Context(), query(fmt.Sprint(i)), nil, p.load) })
		}
		synctest.Wait()
		// Both wait behind the flood with one key; the flood's client, who comes first, will be over its limit by then.
		wg.Go(func() { decide(t, c, query("shared"), says(allow(time.Minute)), policies.Respond, Limited) })
		synctest.Wait()
		other := query("shared")
		other.Client = "192.0.2.2"
		wg.Go(func() { decide(t, c, other, says(allow(time.Minute)), policies.Allow, Evaluated) })
		wg.Wait()
	})
}

func TestClientOf(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1", true},
		{"2001:db8::1", "2001:db8:0:1::1", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"", "no address", true},
		{"", "192.0.2.1", false},
	} {
		if same := clientOf(tc.a) == clientOf(tc.b); same != tc.same {
			t.Errorf("%q and %q: same client %v", tc.a, tc.b, same)
		}
	}
}

func TestLimiterForgetsTheOldestClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(time.Now)
		first := clientOf("192.0.2.1")
		for range refusedBurst {
			l.refused(first)
		}
		for i := range maxClients - 1 {
			l.refused(clientOf(fmt.Sprintf("10.1.%d.%d", i/250, i%250)))
		}
		if l.wait(first) == 0 {
			t.Error("forgotten too soon")
		}
		l.refused(clientOf("10.2.0.0"))
		if l.wait(first) != 0 || len(l.buckets) != maxClients || l.order.Len() != maxClients {
			t.Errorf("%d clients remembered", len(l.buckets))
		}
	})
}

// Whoever shares an address with somebody who guesses must still be told where to sign in.
func TestLimitLetsAnonymousRequestsPass(t *testing.T) {
	c := New(Options{})
	refuse := func(context.Context) (policies.Decision, error) {
		return policies.Decision{
			Outcome: policies.Respond, Response: &policies.Response{Status: 401}, RefusedCredential: true,
		}, nil
	}
	limited := false
	for i := range 100 {
		_, source := c.Decide(t.Context(), Query{Policy: "p", Key: NewKey().String(fmt.Sprint(i)).Sum(), Client: "192.0.2.1"}, nil, refuse)
		limited = limited || source == Limited
	}
	if !limited {
		t.Fatal("100 refused credentials were no flood")
	}
	challenge := func(context.Context) (policies.Decision, error) {
		return policies.Decision{Outcome: policies.Respond, Response: &policies.Response{Status: 401}}, nil
	}
	d, source := c.Decide(t.Context(),
		Query{Policy: "p", Key: NewKey().String("anonymous").Sum(), Client: "192.0.2.1", Anonymous: true}, nil, challenge)
	if source != Evaluated || d.Response.Status != 401 {
		t.Errorf("an anonymous request got %v, %d", source, d.Response.Status)
	}
}
