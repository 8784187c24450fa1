package client

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"golang.org/x/oauth2"

	"durward/conformance/gateway"
	"durward/conformance/official"
)

func eachEra(t *testing.T, test func(t *testing.T, version string)) {
	for _, version := range []string{withSessions, withoutSessions} {
		t.Run(version, func(t *testing.T) { test(t, version) })
	}
}

func TestOfficialClientSignsInAndCallsEachTool(t *testing.T) {
	g, _ := startWatched(t, nil)
	eachEra(t, func(t *testing.T, version string) {
		s := official.Connect(t, g, version)

		t.Run("its way", func(t *testing.T) {
			first := s.Wire.First()
			if first.Path != "/mcp/demo" || first.Authorization != "" || first.Status != http.StatusUnauthorized {
				t.Errorf("it began with %+v", first)
			}
			for _, step := range []official.Sent{
				{Method: "GET", Path: "/.well-known/oauth-protected-resource/mcp/demo", Status: 200},
				{Method: "GET", Path: "/.well-known/oauth-authorization-server", Status: 200},
				{Method: "POST", Path: "/oauth/register", Status: 201},
				{Method: "POST", Path: "/oauth/token", Status: 200},
			} {
				found := s.Wire.Find(step.Method, step.Path)
				if len(found) != 1 || found[0].Status != step.Status {
					t.Errorf("%s %s: %+v, want one answer %d", step.Method, step.Path, found, step.Status)
				}
			}
			if len(s.SignIns()) != 1 {
				t.Fatalf("the person was sent to the browser %d times", len(s.SignIns()))
			}
			asked := s.SignIns()[0]
			if asked.Get("code_challenge_method") != "S256" || asked.Get("resource") != g.MCP() || asked.Get("state") == "" {
				t.Errorf("it asked for %v", asked)
			}
			scope := slices.Sorted(strings.FieldsSeq(asked.Get("scope"))) // the SDK has them in a map
			if !cmp.Equal(scope, []string{"mcp:tools", "offline_access"}) {
				t.Errorf("it asked for the scopes %q", scope)
			}
			redeemed := s.Wire.Find("POST", "/oauth/token")[0].Form
			if redeemed.Get("resource") != g.MCP() || redeemed.Get("code_verifier") == "" || redeemed.Has("client_secret") {
				t.Error("it redeemed the code without resource or verifier, or with a secret")
			}
		})
		t.Run("its tools", func(t *testing.T) {
			if diff := cmp.Diff([]string{"add", "count", "echo"}, s.Tools(t)); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
			if got := s.Call(t, "echo", map[string]any{"text": "hello ☎ <b>"}); got != "hello ☎ <b>" {
				t.Errorf("echo: %q", got)
			}
			if got := s.Call(t, "add", map[string]any{"a": 1.5, "b": 2}); got != "3.5" {
				t.Errorf("add: %q", got)
			}
		})
		t.Run("progress comes as it is made", func(t *testing.T) {
			const steps, interval = 6, 100 * time.Millisecond
			got := s.Call(t, "count", map[string]any{"steps": steps, "intervalMs": interval.Milliseconds()})
			if got != "counted to 6" {
				t.Errorf("count: %q", got)
			}
			var at []time.Time
			for range steps {
				at = append(at, await(t, s.Progress, "progress"))
			}
			// Sent over 500 ms; held back on the way they would arrive within a few.
			if spread := at[steps-1].Sub(at[0]); spread < 2*interval {
				t.Errorf("%d notifications arrived within %v", steps, spread)
			}
		})
		if got := s.SignIns(); len(got) != 1 {
			t.Errorf("the person was sent to the browser %d times", len(got))
		}
	})
}

// The SDK refreshes when its token looks expired; the test makes it look so rather than wait.
func TestOfficialClientRefreshes(t *testing.T) {
	g, _ := startWatched(t, func(g *gateway.Gateway) { g.SetOption(t, "gateway", map[string]any{"accessTokenTtlSeconds": 60}) })
	eachEra(t, func(t *testing.T, version string) {
		s := official.Connect(t, g, version)
		first := s.Purse.Now()
		if lifetime := time.Until(first.Expiry); lifetime <= 0 || lifetime > time.Minute {
			t.Errorf("the access token lives %v, want the minute that was configured", lifetime)
		}
		seen := []oauth2.Token{first}
		for range 3 {
			before := s.Purse.Now()
			s.Purse.Spoil(func(*oauth2.Token) {})
			if got := s.Call(t, "echo", map[string]any{"text": "again"}); got != "again" {
				t.Errorf("echo: %q", got)
			}
			after := s.Purse.Now()
			for _, old := range seen {
				if after.AccessToken == old.AccessToken || after.RefreshToken == old.RefreshToken {
					t.Error("A56: the refresh brought a token that was known before")
				}
			}
			seen = append(seen, after)
			redeemed := s.Wire.Find("POST", "/oauth/token")
			last := redeemed[len(redeemed)-1]
			if last.Form.Get("grant_type") != "refresh_token" || last.Form.Get("refresh_token") != before.RefreshToken ||
				last.Status != http.StatusOK {
				t.Errorf("the last token request was answered %d, or sent another token", last.Status)
			}
			calls := s.Wire.Find("POST", "/mcp/demo")
			if calls[len(calls)-1].Authorization != "Bearer "+after.AccessToken {
				t.Error("the call was not made with the new access token")
			}
			if lifetime := time.Until(after.Expiry); lifetime <= 0 || lifetime > time.Minute {
				t.Errorf("the new access token lives %v", lifetime)
			}
		}
		if got := s.SignIns(); len(got) != 1 {
			t.Errorf("the person was sent to the browser %d times", len(got))
		}
	})
}

// A refresh token that is not valid any more must be refused so that the SDK understands it: it then signs in again by
// itself, in the middle of a call.
func TestOfficialClientSignsInAgainWhenItsGrantIsGone(t *testing.T) {
	g, _ := startWatched(t, nil)
	eachEra(t, func(t *testing.T, version string) {
		s := official.Connect(t, g, version)
		s.Purse.Spoil(func(token *oauth2.Token) { token.RefreshToken = "dwr_gone" })
		if got := s.Call(t, "echo", map[string]any{"text": "back"}); got != "back" {
			t.Errorf("echo: %q", got)
		}
		if got := s.SignIns(); len(got) != 2 {
			t.Errorf("the person was sent to the browser %d times", len(got))
		}
	})
}

func TestClientThatLeavesMidCountIsGoneUpstream(t *testing.T) {
	// Ten seconds are far more than soon, and few enough for the sample server to end in order if, in the earlier era, it
	// is told of the end before it has begun.
	tests := map[string]struct{ steps, intervalMs, progress int }{
		"between events that come all the time": {200, 50, 3},
		"while nothing comes":                   {1, 10_000, 0}, // no failed write tells the gateway that the client has gone
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			eachEra(t, func(t *testing.T, version string) {
				g, u := startWatched(t, nil)
				s := official.Connect(t, g, version)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				ended := make(chan error, 1)
				go func() {
					params := &mcp.CallToolParams{Name: "count", Meta: mcp.Meta{}, Arguments: map[string]any{
						"steps": test.steps, "intervalMs": test.intervalMs,
					}}
					params.SetProgressToken("long")
					_, err := s.Session.CallTool(ctx, params)
					ended <- err
				}()
				await(t, u.arrived, "the call arrives upstream")
				for range test.progress {
					await(t, s.Progress, "progress")
				}
				at := time.Now()
				leave()
				// In the later era leaving is how a call is cancelled. In the earlier one the SDK says so besides, and the
				// upstream may end the call on its word before it sees that the client has left.
				gone := u.left
				if version == withSessions {
					gone = u.over
				}
				if tool := await(t, gone, "the call ends upstream"); tool != "count" {
					t.Errorf("%s has ended", tool)
				}
				if took := time.Since(at); took > soon {
					t.Errorf("D13: the upstream saw it after %v", took)
				}
				if err := await(t, ended, "the call ends"); err == nil {
					t.Error("the call that was left succeeded")
				}
				if got := s.Call(t, "echo", map[string]any{"text": "still here"}); got != "still here" {
					t.Errorf("the session did not outlive the call: %q", got)
				}
			})
		})
	}
}
