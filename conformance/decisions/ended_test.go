package decisions

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// A48, S49: whoever replays a code with everything right ends the grant. Eight callers who use its token all the while
// never get through once the replay is answered, although the gateway remembers the allow a moment before.
func TestA48_ReplayedCodeEndsTheToken(t *testing.T) {
	g := gateway.Start(t, nil)
	other := g.MustLogin(t)
	times(t, 1, other, other.Tokens.AccessToken, http.StatusOK)
	c, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	verifier := oauth2.GenerateVerifier()
	answer, err := g.Person(t, "Ada Lovelace").Allow(t.Context(), c.AuthorizeURL(verifier))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Redeem(t.Context(), answer.Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	token := c.Tokens.AccessToken
	times(t, 5, c, token, http.StatusOK)

	var ended atomic.Bool
	var allowed, stale atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	for range 8 {
		work.Go(func() {
			for ctx.Err() == nil {
				after := ended.Load()
				switch status := call(t, context.WithoutCancel(ctx), c, token); {
				case status == http.StatusOK && after:
					stale.Add(1)
				case status == http.StatusOK:
					allowed.Add(1)
				case status != http.StatusUnauthorized && status != http.StatusTooManyRequests:
					t.Errorf("status %d", status)
				}
			}
		})
	}
	if !gateway.Within(waiting, func() bool { return allowed.Load() > 50 }) {
		t.Error("the callers do not get on")
	}
	if err := c.Redeem(t.Context(), answer.Get("code"), verifier); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the replayed code: %v", err)
	}
	ended.Store(true)
	if status := call(t, t.Context(), c, token); status != http.StatusUnauthorized && status != http.StatusTooManyRequests {
		t.Errorf("right after the replay the token is answered %d", status)
	}
	stop()
	work.Wait()
	if stale.Load() > 0 {
		t.Errorf("%d requests were allowed after the grant had ended", stale.Load())
	}
	if err := c.Refresh(t.Context()); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("the refresh token of an ended grant: %v", err)
	}
	wantCounts(t, "another grant of the same person", counted(t, g, func() {
		times(t, 5, other, other.Tokens.AccessToken, http.StatusOK)
	}), counts{"cached": 5})
}
