package crash

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// acknowledged is what the gateway has said yes to.
type acknowledged struct {
	mu         sync.Mutex
	registered []*gateway.Client // that did nothing else
	signedIn   []*gateway.Client // with the tokens of the code
	refreshed  []*gateway.Client // with the tokens of the last refresh that was answered
	count      int
	// enough is closed when there is as much of it as was asked for.
	enough chan struct{}
}

func (a *acknowledged) add(list *[]*gateway.Client, c *gateway.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if list != nil {
		*list = append(*list, c)
	}
	if a.count++; a.count == wanted {
		close(a.enough)
	}
}

// wanted is how many acknowledgements come before the kill.
const wanted = 100

// The gateway is killed while it registers, signs in and refreshes as fast as it can. What it answered before it died
// holds afterwards; what it did not answer may be tried again.
func TestG9_AcknowledgedUnderFire(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) { short(t, g); g.Transport = transport(t) })
	a := &acknowledged{enough: make(chan struct{})}
	killed, stop := context.WithCancel(t.Context())
	defer stop()
	for range 8 { // so many that the kill cuts one between what is kept and what is answered
		a.refreshed = append(a.refreshed, g.MustLogin(t))
	}
	people := []*gateway.Person{g.Person(t, "Ada Lovelace"), g.Person(t, "Grace Hopper")}

	var work sync.WaitGroup
	untilKilled := func(what string, step func() error) {
		work.Go(func() {
			for {
				if err := step(); err != nil {
					if killed.Err() == nil {
						t.Errorf("%s failed before the kill: %v", what, err)
					}
					return
				}
			}
		})
	}
	untilKilled("registration", func() error {
		c, err := g.Register(t.Context())
		if err == nil {
			a.add(&a.registered, c)
		}
		return err
	})
	for _, p := range people {
		untilKilled("login", func() error {
			c, err := g.Login(t.Context(), p)
			if err == nil {
				a.add(&a.signedIn, c)
			}
			return err
		})
	}
	for _, c := range a.refreshed {
		untilKilled("refresh", func() error {
			err := c.Refresh(t.Context())
			if err == nil {
				a.add(nil, c)
			}
			return err
		})
	}
	select {
	case <-a.enough:
	case <-time.After(time.Minute):
		t.Error("the gateway is too slow to be killed in the middle of anything")
	}
	stop()
	g.Kill()
	work.Wait()
	g.Launch()
	a.check(t, g)
}

func (a *acknowledged) check(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	t.Logf("acknowledged before the kill: %d registrations, %d logins, %d answers in all", len(a.registered),
		len(a.signedIn), a.count)
	for _, c := range a.registered {
		resp, err := (&http.Client{Transport: g.Transport}).Get(c.AuthorizeURL(oauth2.GenerateVerifier()))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("a registered client is answered %s", resp.Status)
		}
	}
	for what, list := range map[string][]*gateway.Client{"login": a.signedIn, "refresh": a.refreshed} {
		for _, c := range list {
			wantStatus(t, "the access token of a "+what, c, http.StatusOK)
			// Where the kill cut the refresh in which the token was rotated, this is the repeat for which there is a grace.
			if err := c.Refresh(t.Context()); err != nil {
				t.Errorf("the refresh token of a %s: %v", what, err)
			}
		}
	}
}
