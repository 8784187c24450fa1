package crash

import (
	"net/http"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

const policy = "clerk"

// budget is how often a policy's process may die within a minute before it is given up.
const budget = 3

// The whole rule on a binary as people run it: there a login works within a second of the kill, and a token that was
// not seen before is answered at the first time of asking. Then once more on the race detector, which makes a start
// many times as slow, so that how long it took proves nothing and a client may have to ask again.
func TestG7_PolicyKilledUnderLoad(t *testing.T) {
	t.Run("as released", func(t *testing.T) {
		g := gateway.Start(t, func(g *gateway.Gateway) { g.Plain(); g.Transport = transport(t) })
		testPolicyKilled(t, g, time.Second)
	})
	t.Run("race detector", func(t *testing.T) {
		g := gateway.Start(t, func(g *gateway.Gateway) { g.Transport = transport(t) })
		testPolicyKilled(t, g, 0)
	})
}

// testPolicyKilled kills the policy's process as often as its budget allows, and once more. bound is how long after a
// kill logins may fail; 0 asks only that they work again.
func testPolicyKilled(t *testing.T, g *gateway.Gateway, bound time.Duration) {
	known := g.MustLogin(t)
	wantStatus(t, "the first call", known, http.StatusOK)
	load := startCallers(t, known, 8)
	for round := range budget {
		killOnce(t, g, load, round, bound)
	}
	last := g.MustLogin(t)
	gateway.ProcessOf(g.Policy(policy).PID).Kill(t)
	g.Wait("policy is down", func(l gateway.Line) bool { return l.Msg() == "policy is down: its process ended too often" })

	if s := g.Policy(policy); s.State != "down" || s.PID != 0 || s.Restarts != budget {
		t.Errorf("the policy is %s with process %d after %d restarts, want it down after %d", s.State, s.PID, s.Restarts, budget)
	}
	before := load.calls.Load()
	wantUnavailable(t, g, last)
	good := g.Read("policies.json")
	g.SaveAndWait("policies.json", "{", "refused")
	wantUnavailable(t, g, last)
	if !gateway.Within(10*time.Second, func() bool { return load.calls.Load() >= before+80 }) {
		t.Error("the callers were held up while the policy was down")
	}
	// The same bytes that ran before: nothing has changed but that a process is needed.
	g.SaveAndWait("policies.json", good, "applied")
	if s := g.Policy(policy); s.State != "running" || s.PID == 0 {
		t.Errorf("after a good reload the policy is %s with process %d", s.State, s.PID)
	}
	wantStatus(t, "the token that found the policy down", last, http.StatusOK)
	wantStatus(t, "a new login's token", g.MustLogin(t), http.StatusOK)
	for _, failure := range load.stop() {
		t.Errorf("a call whose decision was remembered failed: %s", failure)
	}
	t.Logf("%d calls with a remembered decision, none lost", load.calls.Load())
}

// killOnce kills the policy's process and asks for everything that may be asked of the gateway right after.
func killOnce(t *testing.T, g *gateway.Gateway, load *callers, round int, bound time.Duration) {
	t.Helper()
	begun := beginLogins(t, g)
	fresh := g.MustLogin(t)
	before := g.Policy(policy)
	calls := load.calls.Load()

	gateway.ProcessOf(before.PID).Kill(t)
	killed := time.Now()
	login := make(chan time.Duration, 1)
	go func() { login <- untilLoginsWork(t, g, fresh, killed) }()
	if bound > 0 {
		wantStatus(t, "a token not seen before, right after the kill", fresh, http.StatusOK)
	} else {
		wantStatusSoon(t, "a token not seen before, right after the kill", fresh)
	}
	waited := time.Since(killed)
	took := <-login

	t.Logf("kill %d: a new login can begin after %v, an unseen token was answered after %v; %d calls meanwhile",
		round+1, took, waited, load.calls.Load()-calls)
	if bound > 0 && took > bound {
		t.Errorf("kill %d: a new login could begin after %v only, want %v", round+1, took, bound)
	}
	begun.complete(t)
	wantStatus(t, "a new login's token", g.MustLogin(t), http.StatusOK)
	after := g.Policy(policy)
	if after.PID == before.PID || after.Restarts != round+1 || after.State != "running" {
		t.Errorf("kill %d: process %d became %+v", round+1, before.PID, after)
	}
	if n := after.Decisions["unavailable"]; bound > 0 && n != 0 {
		t.Errorf("kill %d: %d requests had no decision", round+1, n)
	}
}

// untilLoginsWork answers how long after the kill a person first sees the consent page of a new login. Until then the
// answer must be one that tells the client to try again.
func untilLoginsWork(t *testing.T, g *gateway.Gateway, c *gateway.Client, killed time.Time) time.Duration {
	ask := &http.Client{Transport: g.Transport}
	works := func() bool {
		resp, err := ask.Get(c.AuthorizeURL(oauth2.GenerateVerifier()))
		if err != nil {
			t.Errorf("the gateway did not answer: %v", err)
			return true
		}
		resp.Body.Close()
		later := resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != ""
		if resp.StatusCode != http.StatusOK && !later {
			t.Errorf("authorize answered %s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
		return resp.StatusCode == http.StatusOK
	}
	if !gateway.Within(20*time.Second, works) {
		t.Error("logins do not work again")
	}
	return time.Since(killed)
}

func wantStatus(t *testing.T, what string, c *gateway.Client, want int) {
	t.Helper()
	status, body, err := c.Call(t.Context())
	if err != nil || status != want {
		t.Errorf("%s: %d %s %v, want %d", what, status, body, err, want)
	}
}

// wantStatusSoon wants 200, and until then nothing but "try again".
func wantStatusSoon(t *testing.T, what string, c *gateway.Client) {
	t.Helper()
	answered := gateway.Within(20*time.Second, func() bool {
		status, body, err := c.Call(t.Context())
		if err != nil || status != http.StatusOK && status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s %v", what, status, body, err)
		}
		return status != http.StatusServiceUnavailable
	})
	if !answered {
		t.Errorf("%s: no answer but 503", what)
	}
}

// wantUnavailable wants what is asked of a policy that is down to be refused for now: no door opens, and nobody is told
// to throw a token away.
func wantUnavailable(t *testing.T, g *gateway.Gateway, unseen *gateway.Client) {
	t.Helper()
	call, err := unseen.Send(t.Context(), unseen.Tokens.AccessToken, "echo", `{"text":"hello"}`)
	if err != nil {
		t.Fatal(err)
	}
	defer call.Body.Close()
	page, err := (&http.Client{Transport: g.Transport}).Get(unseen.AuthorizeURL(oauth2.GenerateVerifier()))
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	for what, resp := range map[string]*http.Response{"an unseen token": call, "a login": page} {
		if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
			t.Errorf("while the policy is down %s gets %s, Retry-After %q", what, resp.Status, resp.Header.Get("Retry-After"))
		}
	}
}
