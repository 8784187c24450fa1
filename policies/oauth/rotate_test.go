package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// rotating answers options with a rotation, a grace of ten seconds, and short lives.
func rotating(mode string) string {
	return fmt.Sprintf(`{"clientId":"c","gateway":{"refreshTokenRotation":%q,"refreshTokenGraceSeconds":10,
		"refreshTokenTtlSeconds":1000,"accessTokenTtlSeconds":100}}`, mode)
}

// replays answers the reasons of all replays that were recorded.
func (w *world) replays() []string {
	var reasons []string
	for _, event := range w.host.Audit.Named("token.replayed") {
		reasons = append(reasons, event.Reason)
	}
	return reasons
}

// wantReplays wants these replays recorded, and the grant ended or not.
func (w *world) wantReplays(ended int, reasons ...string) {
	w.Helper()
	if got := w.replays(); !slices.Equal(got, reasons) {
		w.Errorf("replays %v, want %v", got, reasons)
	}
	if got := len(w.host.Audit.Named("grant.revoked")); got != ended || len(w.host.Store.Purged()) != ended {
		w.Errorf("%d grants ended, %v purged, want %d", got, w.host.Store.Purged(), ended)
	}
}

func TestGraceSeconds(t *testing.T) {
	w := newWorldWith(t, rotating("grace"))
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	w.host.Clock.Advance(9 * time.Second)
	if again := w.tokensOf(first.client, w.refresh(first)); again.refresh != second.refresh {
		t.Error("within the grace: another successor")
	}
	w.host.Clock.Advance(time.Second)
	w.wantError("at the end of the grace", w.refresh(first), 400, "invalid_grant")
	w.wantError("the successor", w.refresh(second), 400, "invalid_grant")
	w.wantCall("the newest access token", "/mcp/demo", second.access, http.StatusUnauthorized)
	w.wantReplays(1, "after_grace")
}

func TestStrictRotation(t *testing.T) {
	w := newWorldWith(t, rotating("strict"))
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	if second.refresh == first.refresh {
		t.Error("nothing was rotated")
	}
	w.wantError("S55 for more scope", w.refresh(first, "scope", "mcp:tools admin"), 400, "invalid_scope")
	w.wantError("S55 for another resource", w.refresh(first, "resource", origin+"/x"), 400, "invalid_target")
	w.wantError("S55 by another", w.post("/oauth/token", renewal(w.client(), first.refresh)), 400, "invalid_grant")
	w.wantReplays(0)
	second = w.tokensOf(first.client, w.refresh(second))
	w.wantError("a second use", w.refresh(first), 400, "invalid_grant")
	w.wantError("the newest refresh token", w.refresh(second), 400, "invalid_grant")
	w.wantCall("the newest access token", "/mcp/demo", second.access, http.StatusUnauthorized)
	w.wantReplays(1, "second_use")
}

func TestNoRotation(t *testing.T) {
	w := newWorldWith(t, rotating("none"))
	held := w.signIn("alice")
	for range 5 {
		next := w.tokensOf(held.client, w.refresh(held))
		if next.refresh != held.refresh || next.access == held.access {
			t.Fatal("the token was rotated, or no access token made")
		}
		w.wantCall("fresh", "/mcp/demo", next.access, http.StatusOK)
		w.host.Clock.Advance(999 * time.Second)
		w.wantCall("A60 stale", "/mcp/demo", next.access, http.StatusUnauthorized)
	}
	w.wantCall("after each refresh", "/mcp/demo", w.tokensOf(held.client, w.refresh(held)).access, http.StatusOK)
	w.host.Clock.Advance(1000 * time.Second)
	w.wantError("A58 idle too long", w.refresh(held), 400, "invalid_grant")
	w.wantReplays(0)
}

// A56: a setting that OAuth 2.1 does not want for public clients is told of, and no other.
func TestA56_NoRotationIsNoted(t *testing.T) {
	for mode, want := range map[string]bool{"grace": false, "strict": false, "none": true} {
		report := oauth.Policy(policytest.NewProvider()).Validate(inputOf(rotating(mode), "/mcp/demo"))
		got := slices.ContainsFunc(report.Notes, func(note policies.Problem) bool {
			return note.Pointer == "/gateway/refreshTokenRotation" && strings.Contains(note.Text, "OAuth 2.1")
		})
		if got != want || len(report.Problems) > 0 {
			t.Errorf("%s: noted %v, want %v: %+v", mode, got, want, report)
		}
	}
}

// A token lives through a change of the setting: what was rotated is judged by the grace, unless by strict.
func TestRotationIsSwitchedWhileTokensLive(t *testing.T) {
	for _, test := range []struct {
		from, to string
		after    time.Duration
		want     string
	}{
		{"grace", "strict", 0, "ended second_use"},
		{"grace", "none", 9 * time.Second, "successor"},
		{"grace", "none", 10 * time.Second, "ended after_grace"},
		{"strict", "grace", 9 * time.Second, "successor"},
		{"strict", "grace", 10 * time.Second, "ended after_grace"},
		{"strict", "none", 0, "successor"},
		{"none", "grace", 0, "new"},
		{"none", "strict", 0, "new"},
	} {
		t.Run(test.from+" to "+test.to, func(t *testing.T) {
			w := newWorldWith(t, rotating(test.from))
			first := w.signIn("alice")
			second := w.tokensOf(first.client, w.refresh(first))
			w.options(rotating(test.to))
			w.host.Clock.Advance(test.after)
			if why, ends := strings.CutPrefix(test.want, "ended "); ends {
				w.wantError("a second use", w.refresh(first), 400, "invalid_grant")
				w.wantReplays(1, why)
				w.wantCall("its grant", "/mcp/demo", second.access, http.StatusUnauthorized)
				return
			}
			third := w.tokensOf(first.client, w.refresh(first))
			if same := third.refresh == second.refresh; same != (test.want == "successor") {
				t.Errorf("the answer holds the same token as the first: %v", same)
			}
			for _, access := range []string{first.access, second.access, third.access} {
				w.wantCall("its grant", "/mcp/demo", access, http.StatusOK)
			}
			w.wantReplays(0)
		})
	}
}

// A successor that was used, though it was not rotated, is used.
func TestPredecessorOfATokenThatIsKept(t *testing.T) {
	w := newWorldWith(t, rotating("grace"))
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.refresh(first))
	w.options(rotating("none"))
	again := w.tokensOf(first.client, w.refresh(first))
	if again.refresh != second.refresh {
		t.Error("a repeat got another successor")
	}
	w.tokensOf(first.client, w.refresh(second))
	w.wantError("after the successor was used", w.refresh(first), 400, "invalid_grant")
	w.wantReplays(0, "successor_used")
	w.tokensOf(first.client, w.refresh(second))
}

// An access token made of a repeat does not outlive its grant, whatever has become of the options meanwhile.
func TestRepeatAfterTheLivesGrew(t *testing.T) {
	for _, mode := range []string{"grace", "none"} {
		w := newWorldWith(t, `{"clientId":"c","gateway":{"refreshTokenTtlSeconds":60,"accessTokenTtlSeconds":60}}`)
		first := w.signIn("alice")
		w.tokensOf(first.client, w.refresh(first))
		w.options(fmt.Sprintf(`{"clientId":"c","gateway":{"refreshTokenRotation":%q,"refreshTokenTtlSeconds":60,
			"accessTokenTtlSeconds":3600}}`, mode))
		again := w.tokensOf(first.client, w.refresh(first))
		w.host.Clock.Advance(3599 * time.Second)
		w.wantCall(mode+": just before the token's end", "/mcp/demo", again.access, http.StatusOK)
	}
}

// S54 and its like: what comes of parallel presentations of one token, where all have read it before one has written.
func TestParallelRefreshes(t *testing.T) {
	const callers = 8
	for mode, want := range map[string]struct {
		succeed, successors int
		lives               bool
	}{
		"grace": {callers, 1, true}, "strict": {1, 1, false}, "none": {callers, 1, true},
	} {
		t.Run(mode, func(t *testing.T) {
			w := newWorldWith(t, rotating(mode))
			first := w.signIn("alice")
			w.host.Store.Intercept(together("grant/", callers))
			var wg sync.WaitGroup
			answers := make(chan answer, callers)
			for range callers {
				wg.Go(func() { answers <- w.refresh(first) })
			}
			wg.Wait()
			close(answers)
			w.host.Store.Intercept(nil)
			successors := map[string]bool{}
			var got []tokens
			for answer := range answers {
				if answer.StatusCode != http.StatusOK {
					w.wantError("one of eight", answer, 400, "invalid_grant")
					continue
				}
				held := w.tokensOf(first.client, answer)
				successors[held.refresh] = true
				got = append(got, held)
			}
			if len(got) != want.succeed || len(successors) != want.successors || (mode == "none") != successors[first.refresh] {
				t.Errorf("%d succeeded, with %d tokens; want %+v", len(got), len(successors), want)
			}
			for _, held := range got {
				status, code := http.StatusOK, ""
				if !want.lives {
					status, code = http.StatusUnauthorized, "invalid_grant"
				}
				w.wantCall("one of eight", "/mcp/demo", held.access, status)
				if code != "" {
					w.wantError("one of eight", w.refresh(held), 400, code)
				}
			}
		})
	}
}

// A person's thousand-and-first grant ends the one that was longest not used, whoever used it.
func TestGrantsOfAPersonAreBounded(t *testing.T) {
	w := newWorld(t)
	oldest := w.signIn("alice")
	w.host.Clock.Advance(time.Minute)
	idle := w.signIn("alice")
	w.host.Clock.Advance(time.Minute)
	bobs := w.signIn("bob")
	oldest = w.tokensOf(oldest.client, w.refresh(oldest))
	w.host.Clock.Advance(time.Minute)
	w.copyGrants(998, idle.client)
	w.browser = w.gateway.Client()
	w.code(w.client(), "alice") // one that nobody comes for
	if n := len(w.host.Audit.Named("grant.revoked")); n != 0 {
		t.Fatalf("%d grants ended by themselves", n)
	}
	newest := w.signIn("alice")
	w.wantCall("the longest unused", "/mcp/demo", idle.access, http.StatusUnauthorized)
	w.wantError("the longest unused", w.refresh(idle), 400, "invalid_grant")
	for what, held := range map[string]tokens{"used since": oldest, "another person's": bobs, "the newest": newest} {
		w.wantCall(what, "/mcp/demo", held.access, http.StatusOK)
		w.tokensOf(held.client, w.refresh(held))
	}
	ended := w.host.Audit.Named("grant.revoked")
	if len(ended) != 1 || ended[0].Reason != "too_many" || ended[0].Client != idle.client || ended[0].Subject != "alice" {
		t.Errorf("audit %+v", ended)
	}
	if purged := w.host.Store.Purged(); len(purged) != 1 || purged[0] != "grant:"+ended[0].Grant {
		t.Errorf("purged %v", purged)
	}
	w.copyGrants(20, newest.client) // of a time without the bound
	w.signIn("alice")
	if n := len(w.host.Audit.Named("grant.revoked")); n != 1+16 {
		t.Errorf("%d grants ended, want as many as one change takes", n-1)
	}
}

// copyGrants makes more grants like the one of that client, used now.
func (w *world) copyGrants(n int, client string) {
	w.Helper()
	for _, record := range w.host.Store.Records() {
		var outer struct {
			Format int            `json:"format"`
			Data   map[string]any `json:"data"`
		}
		if err := json.Unmarshal(record.Value, &outer); err != nil {
			w.Fatal(err)
		}
		if !strings.HasPrefix(record.Key, "grant/") || outer.Data["client"] != client {
			continue
		}
		outer.Data["used"] = w.host.Clock.Now()
		value, err := json.Marshal(outer)
		if err != nil {
			w.Fatal(err)
		}
		for i := range n {
			key := fmt.Sprintf("%s%06d", record.Key[:len(record.Key)-6], i)
			if err := w.host.Store.Commit(w.Context(), policies.Change{
				Puts: []policies.Put{{Key: key, Value: value, Expires: record.Expires}},
			}); err != nil {
				w.Fatal(err)
			}
		}
		return
	}
	w.Fatal("the client has no grant")
}
