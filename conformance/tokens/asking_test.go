package tokens

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/mutant"
)

// recheckSeconds is after how long the provider is asked again about people. It is longer than a lease: so long nobody else
// asks, when somebody has begun to.
const recheckSeconds = 60

// askAgain has the gateway ask the provider again, which gives it something to ask with and replaces that each time.
func askAgain(t *testing.T, g *gateway.Gateway) {
	g.SetOption(t, "scope", "openid profile email offline_access")
	g.SetOption(t, "gateway", map[string]any{"recheckSeconds": recheckSeconds})
}

// asking are refreshes that ask the provider first.
func asking() []deed {
	const recheck = "policies/oauth/recheck.go"
	two := func(t *testing.T, w *world) *victim {
		w.disable(t, false) // the one before may have been
		v := holding(t, w)
		v.also = w.allowedBy(t, v.person)
		v.alsoHeld = v.also.redeem(t.Context(), v.also.verifier)
		v.alsoHeld.want(t, "another client", granted)
		return v
	}
	disabled := func(t *testing.T, w *world) *victim {
		v := two(t, w)
		v.disable(t, true)
		return v
	}
	return []deed{
		{
			name: "ask the provider", mode: "grace", asks: true, prepare: two, do: refreshFirst, verdict: granted,
			commits: 3, // that somebody asks, what the provider has said, the rotation
			check:   asked,
			breaks: mutant.Edit{
				File: recheck, Old: "standing.Data.Asking = now.Add(s.options.remoteTimeout + askingSpare)",
				New: "standing.Data.Asking = now.Add(1000 * time.Hour)",
			},
		},
		{
			name: "find somebody gone", mode: "grace", asks: true, seldom: true, prepare: disabled, do: refreshFirst,
			verdict: invalidGrant, commits: 5, // that somebody asks, that they are gone, their session, both grants
			check: foundGone,
			breaks: mutant.Edit{
				File: recheck, Old: "return access.Person{}, s.isGone(ctx, login, known)", New: "return access.Person{}, unknownToken()",
			},
		},
	}
}

// asked: the client goes on at once, wherever it was cut off. Only what the provider gave in an answer that was not kept is
// lost: it takes the next question for a theft, and so the person signs in anew. Else it is asked as before, and who is
// gone there is gone here.
func asked(t *testing.T, v *victim, at cut) {
	again := refreshFirst(t, v)
	again.want(t, "asked again", granted)
	v.held = append(v.held, again)
	v.wantAlive(t)
	v.forward(t)
	lost := at.commits() == 1 && at.count(pointCommits) > 1
	if !lost {
		next := v.refresh(t.Context(), again.refresh)
		next.want(t, "when the provider is asked again", granted)
		again = next
		v.held = append(v.held, next)
		v.wantAlive(t)
		v.disable(t, true)
		v.forward(t)
	}
	v.refresh(t.Context(), again.refresh).want(t, "when the provider says no", invalidGrant)
	v.wantGone(t)
}

// foundGone: at the latest when the lease is over, all that came of the sign-in ends.
func foundGone(t *testing.T, v *victim, at cut) {
	if at.commits() == 1 { // as long as nobody else asks
		next := refreshFirst(t, v)
		next.want(t, "nobody has said anything yet", granted)
		v.held = append(v.held, next)
		v.forward(t)
	}
	token := v.held[len(v.held)-1].refresh
	v.refresh(t.Context(), token).want(t, "a person who is gone", invalidGrant)
	v.wantGone(t)
}

// wantGone wants nothing left of the sign-in, for either of its clients, and lets the person sign in anew.
func (v *victim) wantGone(t *testing.T) {
	t.Helper()
	v.wantOver(t)
	(&victim{app: v.also, held: []answer{v.alsoHeld}}).wantOver(t)
	v.disable(t, false)
	v.allow(t)
	anew := v.redeem(t.Context(), v.verifier)
	anew.want(t, "signed in anew", granted)
	v.wantCalls(t, "signed in anew", true, anew.access)
	v.revoke(t.Context(), anew.refresh).want(t, "take back", granted)
}

// disable has the provider not let Ada in any more, or let her in again.
func (w *world) disable(t *testing.T, off bool) {
	t.Helper()
	name := map[bool]string{true: "disable", false: "enable"}[off]
	form := url.Values{name: {"ada"}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Parts.Issuer()+"/people", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if status, body, err := w.send(r); err != nil || status != http.StatusSeeOther {
		t.Fatalf("%s Ada: %d %s %v", name, status, body, err)
	}
}
