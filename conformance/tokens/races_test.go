package tokens

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"durward/conformance/mutant"
)

// race is something that many do at once.
type race struct {
	name, mode string
	play       func(*testing.T, *world)
	// breaks is an edit of the product with which the race goes wrong.
	breaks mutant.Edit
}

// control is an ordinary client, which no edit of a race harms.
const control = "control"

func races() []race {
	const (
		code   = "policies/oauth/code.go"
		grant  = "policies/oauth/grant.go"
		rotate = "policies/oauth/rotate.go"
		revoke = "policies/oauth/revoke.go"
	)
	unpurged := mutant.Edit{File: grant, Old: "c.Purge = []string{grantTag(id)}", New: "c.Purge = nil"}
	return []race{
		{control, "grace", ordinary, mutant.Edit{}},
		{"S52 a code", "grace", codeAtOnce, mutant.Edit{File: code, Old: "used.Used = true", New: "used.Used = false"}},
		{"S50 a stolen code", "grace", stolenCodeAtOnce, mutant.Edit{
			File: code, Old: `!verifies(form.get("code_verifier"), asked.Challenge)`, New: `form.get("code_verifier") == ""`,
		}},
		{"S54 a token, grace", "grace", tokenInGrace, mutant.Edit{
			File: rotate, Old: "if next.Data.Used || !next.Data.Rotated.IsZero() {", New: "if next.Data.Used {",
		}},
		{"processes that share a token", "grace", sharedToken, mutant.Edit{
			File: rotate, Old: "!now.Before(first.Add(s.options.rotationGrace))", New: "!now.Before(first)",
		}},
		{"an access token taken back", "grace", accessTakenBack, mutant.Edit{
			File: revoke, Old: "c.Purge = []string{grantTag(access.Data.Grant)}", New: "c.Purge = nil",
		}},
		{"a grant taken back, grace", "grace", takenBack, unpurged},
		{"a token, strict", "strict", tokenStrictly, never("s.options.rotation == rotateStrict")},
		{"a grant taken back, strict", "strict", takenBack, unpurged},
		{"a token, none", "none", tokenUnrotated, never("s.options.rotation == rotateNone")},
		{"a grant taken back, none", "none", takenBack, unpurged},
	}
}

// never has a case of how refresh tokens are used never be the one.
func never(condition string) mutant.Edit {
	return mutant.Edit{
		File: "policies/oauth/rotate.go", Old: "case " + condition + ":", New: "case " + condition + " && false:",
	}
}

func TestRaces(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for range rounds() {
		for _, race := range races() {
			t.Run(race.name, func(t *testing.T) {
				w.rotate(race.mode)
				race.play(t, w)
			})
		}
	}
}

// ordinary is one client that does one thing after the other.
func ordinary(t *testing.T, w *world) {
	a, first := w.signedIn(t)
	second := a.refresh(t.Context(), first.refresh)
	second.want(t, "a refresh", granted)
	w.wantCalls(t, "in use", true, first.access, second.access)
}

// wantTally wants exactly these verdicts.
func wantTally(t *testing.T, answers []answer, want map[verdict]int) {
	t.Helper()
	if got := tally(answers); !maps.Equal(got, want) {
		t.Fatalf("answers %v, want %v", got, want)
	}
}

// One redemption succeeds. The others are as valid as that one, so that somebody has stolen the code: its tokens end
// (A48, S49).
func codeAtOnce(t *testing.T, w *world) {
	a := w.allowed(t)
	answers := together(atOnce, func(int) answer { return a.redeem(t.Context(), a.verifier) })
	wantTally(t, answers, map[verdict]int{granted: 1, invalidGrant: atOnce - 1})
	access, refresh := tokensIn(answers)
	w.wantCalls(t, "of a code redeemed twice", false, access...)
	a.wantRefused(t, "of a code redeemed twice", refresh...)
	if n := a.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}

// Whoever has the code and not its verifier changes nothing, before the real redemption, after it or beside it.
func stolenCodeAtOnce(t *testing.T, w *world) {
	a := w.allowed(t)
	thief := strings.Repeat("t", len(a.verifier))
	answers := together(atOnce, func(i int) answer {
		if i == atOnce/2 {
			return a.redeem(t.Context(), a.verifier)
		}
		return a.redeem(t.Context(), thief)
	})
	wantTally(t, answers, map[verdict]int{granted: 1, invalidGrant: atOnce - 1})
	answers[atOnce/2].want(t, "the one with the verifier", granted)
	access, refresh := tokensIn(answers)
	w.wantCalls(t, "of the real redemption", true, access...)
	a.refresh(t.Context(), refresh[0]).want(t, "of the real redemption", granted)
}

// presentAtOnce has all callers present a new client's refresh token.
func presentAtOnce(t *testing.T, w *world) (a *app, first answer, answers []answer) {
	t.Helper()
	a, first = w.signedIn(t)
	return a, first, together(atOnce, func(int) answer { return a.refresh(t.Context(), first.refresh) })
}

// All get the same successor and an access token of their own.
func tokenInGrace(t *testing.T, w *world) {
	a, first, answers := presentAtOnce(t, w)
	wantTally(t, answers, map[verdict]int{granted: atOnce})
	access, refresh := tokensIn(answers)
	wantEachOnce(t, access)
	if len(refresh) != 1 || refresh[0] == first.refresh {
		t.Fatalf("%d successors", len(refresh))
	}
	w.wantCalls(t, "before the successor is used", true, append(access, first.access)...)
	second := a.refresh(t.Context(), refresh[0])
	second.want(t, "the successor", granted)
	wantTally(t, together(atOnce, func(int) answer { return a.refresh(t.Context(), first.refresh) }),
		map[verdict]int{invalidGrant: atOnce})
	w.wantCalls(t, "the grant lives", true, append(access, first.access, second.access)...)
	a.refresh(t.Context(), second.refresh).want(t, "the successor's successor", granted)
}

// One succeeds, and the second use of the token ends everything.
func tokenStrictly(t *testing.T, w *world) {
	a, first, answers := presentAtOnce(t, w)
	wantTally(t, answers, map[verdict]int{granted: 1, invalidGrant: atOnce - 1})
	access, refresh := tokensIn(answers)
	w.wantCalls(t, "after a second use", false, append(access, first.access)...)
	a.wantRefused(t, "after a second use", append(refresh, first.refresh)...)
	if n := a.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}

// All get the token that they presented, and an access token of their own.
func tokenUnrotated(t *testing.T, w *world) {
	a, first, answers := presentAtOnce(t, w)
	wantTally(t, answers, map[verdict]int{granted: atOnce})
	access, refresh := tokensIn(answers)
	wantEachOnce(t, access)
	if !slices.Equal(refresh, []string{first.refresh}) {
		t.Fatalf("%d refresh tokens, or another one", len(refresh))
	}
	w.wantCalls(t, "of one token", true, append(access, first.access)...)
	a.refresh(t.Context(), first.refresh).want(t, "the token", granted)
}

func wantEachOnce(t *testing.T, access []string) {
	t.Helper()
	slices.Sort(access)
	if n := len(slices.Compact(slices.Clone(access))); n != atOnce {
		t.Errorf("%d access tokens for %d callers", n, atOnce)
	}
}

// An access token that is taken back is dead, and no other one of its grant is.
func accessTakenBack(t *testing.T, w *world) {
	a, first := w.signedIn(t)
	w.wantCalls(t, "in use", true, first.access)
	answers := together(11, func(i int) answer {
		if i == 5 {
			return a.revoke(t.Context(), first.access)
		}
		return a.refresh(t.Context(), first.refresh)
	})
	wantTally(t, answers, map[verdict]int{granted: 11})
	w.wantCalls(t, "taken back", false, first.access)
	access, refresh := tokensIn(answers)
	w.wantCalls(t, "made meanwhile", true, access...)
	a.refresh(t.Context(), refresh[0]).want(t, "the grant lives", granted)
	if status, err := w.call(t.Context(), first.access); status != http.StatusUnauthorized {
		t.Errorf("taken back, later: %d %v", status, err)
	}
}
