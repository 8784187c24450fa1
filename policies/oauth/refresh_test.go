package oauth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"durward/policies"
)

func (w *world) refresh(held tokens, changes ...string) answer {
	w.Helper()
	return w.post("/oauth/token", renewal(held.client, held.refresh, changes...))
}

func TestA56_Rotation(t *testing.T) {
	w := newWorld(t)
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	if second.refresh == first.refresh || second.access == first.access {
		t.Error("nothing was rotated")
	}
	w.wantCall("the first access token", "/mcp/demo", first.access, http.StatusOK)
	w.wantCall("the second", "/mcp/demo", second.access, http.StatusOK)
}

func TestS54_RepeatWithinTheGrace(t *testing.T) {
	w := newWorld(t)
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	seen := map[string]bool{second.access: true}
	for range 5 {
		w.host.Clock.Advance(11 * time.Second)
		again := w.tokensOf(first.client, w.refresh(first))
		if again.refresh != second.refresh {
			t.Fatal("a repeat got another successor")
		}
		if seen[again.access] {
			t.Error("a repeat got a used access token")
		}
		seen[again.access] = true
		w.wantCall("a repeat's token", "/mcp/demo", again.access, http.StatusOK)
	}
	third := w.tokensOf(first.client, w.refresh(second))
	w.wantError("within the grace, successor used", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	w.wantCall("the grant lives", "/mcp/demo", third.access, http.StatusOK)
	w.tokensOf(first.client, w.refresh(third))
	if events := w.host.Audit.Named("token.replayed"); len(events) != 1 || events[0].Reason != "successor_used" {
		t.Errorf("audit: %v", events)
	}
	if len(w.host.Store.Purged()) != 0 {
		t.Error("something was purged")
	}
}

func TestA57_S53_ReplayAfterTheGraceEndsTheGrant(t *testing.T) {
	for name, use := range map[string]bool{"successor unused": false, "successor used": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			first := w.signIn("alice")
			second := w.tokensOf(first.client, w.refresh(first))
			if use {
				second = w.tokensOf(first.client, w.refresh(second))
			}
			w.host.Clock.Advance(60 * time.Second)
			w.wantError("replay", w.refresh(first), http.StatusBadRequest, "invalid_grant")
			w.wantError("newest refresh token", w.refresh(second), http.StatusBadRequest, "invalid_grant")
			w.wantCall("newest access token", "/mcp/demo", second.access, http.StatusUnauthorized)
			if purged := w.host.Store.Purged(); len(purged) != 1 || !strings.HasPrefix(purged[0], "grant:") {
				t.Errorf("purged %v", purged)
			}
			if revoked := w.host.Audit.Named("grant.revoked"); len(revoked) != 1 || revoked[0].Reason != "token_replayed" {
				t.Errorf("audit: %v", revoked)
			}
		})
	}
}

// The grace counts from the first rotation: repeats do not stretch it, nor what the successor lives.
func TestRepeatsExtendNothing(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","gateway":{"refreshTokenTtlSeconds":100,"accessTokenTtlSeconds":60}}`)
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	w.host.Clock.Advance(59 * time.Second)
	w.tokensOf(first.client, w.refresh(first))
	w.host.Clock.Advance(41 * time.Second)
	w.wantError("successor, 100 s after it was made", w.refresh(second), http.StatusBadRequest, "invalid_grant")

	first = w.signIn("alice")
	w.refresh(first)
	w.host.Clock.Advance(59 * time.Second)
	w.tokensOf(first.client, w.refresh(first))
	w.host.Clock.Advance(time.Second)
	w.wantError("60 s after the first rotation", w.refresh(first), http.StatusBadRequest, "invalid_grant")
	if len(w.host.Audit.Named("grant.revoked")) != 1 {
		t.Error("the grace was stretched by a repeat")
	}
}

func TestEachSuccessorLivesAnew(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","gateway":{"refreshTokenTtlSeconds":100,"accessTokenTtlSeconds":60}}`)
	held := w.signIn("alice")
	for range 10 {
		w.host.Clock.Advance(99 * time.Second)
		held = w.tokensOf(held.client, w.refresh(held))
		w.wantCall("fresh", "/mcp/demo", held.access, http.StatusOK)
	}
	w.host.Clock.Advance(100 * time.Second)
	w.wantError("A58 idle too long", w.refresh(held), http.StatusBadRequest, "invalid_grant")
}

// A token rotated in its last second is still answered within the grace.
func TestGraceOfATokenAboutToExpire(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","gateway":{"refreshTokenTtlSeconds":100}}`)
	first := w.signIn("alice")
	w.host.Clock.Advance(99 * time.Second)
	second := w.tokensOf(first.client, w.refresh(first))
	w.host.Clock.Advance(30 * time.Second)
	if again := w.tokensOf(first.client, w.refresh(first)); again.refresh != second.refresh {
		t.Error("another successor")
	}
}

func TestA58_A59_S55_BoundToTheGrant(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	held := w.signIn("alice", "resource", origin+"/mcp/a", "scope", "offline_access")
	other := w.client()
	refusals := func(when string) {
		t.Helper()
		w.wantError(when+": another client", w.post("/oauth/token", renewal(other, held.refresh)), 400, "invalid_grant")
		w.wantError(when+": more scope", w.refresh(held, "scope", "mcp:tools admin"), 400, "invalid_scope")
		w.wantError(when+": another resource", w.refresh(held, "resource", origin+"/mcp/b"), 400, "invalid_target")
		w.wantError(when+": unknown resource", w.refresh(held, "resource", "https://x.example/"), 400, "invalid_target")
		w.wantError(when+": another issuer", w.post("https://other.example/oauth/token", renewal(held.client, held.refresh)),
			400, "invalid_grant")
	}
	refusals("before")
	next := w.tokensOf(held.client, w.refresh(held, "resource", origin+"/mcp/a", "scope", "mcp:tools"))
	w.wantCall("narrowed", "/mcp/a", next.access, http.StatusOK)
	w.host.Clock.Advance(time.Hour)
	refusals("after the grace") // and only a replay with everything right ends the grant
	again := w.refresh(next)
	if got := again.json(t)["scope"]; got != "mcp:tools offline_access" { // A58: the grant's, as before
		t.Errorf("scope after narrowing once: %v", got)
	}
	narrow := w.tokensOf(held.client, w.refresh(w.tokensOf(held.client, again), "scope", "offline_access"))
	if got := w.call("/mcp/a", narrow.access); got.StatusCode != http.StatusForbidden ||
		!strings.Contains(got.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
		t.Errorf("B7: a token without %s: %d %v", "mcp:tools", got.StatusCode, got.Header)
	}
}

func TestS56_KindsAreNotInterchangeable(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	code := w.code(client, "alice")
	w.wantCall("a code as bearer", "/mcp/demo", code, http.StatusUnauthorized)
	held := w.tokensOf(client, w.post("/oauth/token", redemption(client, code)))
	for name, token := range map[string]string{"access token": held.access, "code": code, "noise": "dwr_x"} {
		w.wantError(name+" as refresh token", w.post("/oauth/token", renewal(client, token)), 400, "invalid_grant")
	}
	w.wantError("refresh token as code", w.post("/oauth/token", redemption(client, held.refresh)), 400, "invalid_grant")
	w.wantError("no refresh token", w.post("/oauth/token", renewal(client, "", "refresh_token", "")), 400, "invalid_request")
}

// The answer is lost after the transaction: the client asks again and goes on.
func TestCrashAfterTheRotationStrandsNobody(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	w.host.Store.Intercept(func(op string, _ []string, do func() error) error {
		err := do()
		if op == "commit" {
			return errors.Join(err, errors.New("the process was killed"))
		}
		return err
	})
	w.wantError("lost answer", w.refresh(held), http.StatusServiceUnavailable, "temporarily_unavailable")
	w.host.Store.Intercept(nil)
	next := w.tokensOf(held.client, w.refresh(held))
	w.tokensOf(held.client, w.refresh(next))
}

func TestDeletingTheGrantEndsEverything(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	next := w.tokensOf(held.client, w.refresh(held))
	records, err := w.host.Store.List(context.Background(), "grant/", "", 10)
	if err != nil || len(records) != 1 {
		t.Fatalf("grants: %v, %v", records, err)
	}
	if err := w.host.Store.Commit(context.Background(), policies.Change{
		Deletes: []policies.Delete{{Key: records[0].Key, Expect: records[0].Version}},
	}); err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{held.access, next.access} {
		w.wantCall("access token", "/mcp/demo", token, http.StatusUnauthorized)
	}
	for _, each := range []tokens{held, next} {
		w.wantError("refresh token", w.refresh(each), http.StatusBadRequest, "invalid_grant")
	}
}

// A grant that is ended between reading and writing stays ended: the rotation fails as a whole.
func TestGrantEndedDuringRotation(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	ended := false
	w.host.Store.Intercept(func(op string, keys []string, do func() error) error {
		if op == "commit" && strings.HasPrefix(keys[0], "refresh/") && !ended {
			ended = true
			for _, record := range w.host.Store.Records() {
				if strings.HasPrefix(record.Key, "grant/") {
					if _, err := w.host.Store.Take(context.Background(), record.Key); err != nil {
						t.Error(err)
					}
				}
			}
		}
		return do()
	})
	w.wantError("refresh", w.refresh(held), http.StatusBadRequest, "invalid_grant")
	w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
}
