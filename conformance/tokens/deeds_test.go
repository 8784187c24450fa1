package tokens

import (
	"testing"

	"durward/conformance/mutant"
)

// torn has a change of the store made in two where a line stands: what comes before is durable when the rest begins.
func torn(line string) mutant.Edit {
	return mutant.Edit{
		File: "runtime/internal/store/records.go", Old: line,
		New: `if _, err := tx.ExecContext(ctx, "COMMIT; BEGIN IMMEDIATE"); err != nil { return err }` + "\n" + line,
	}
}

func deeds() []deed {
	const rotate = "policies/oauth/rotate.go"
	// Before each record that is written, and before the purge that goes with those that are deleted.
	puts, deletes := torn("version := last - int64(len(puts)-1-i)"), torn("seq, err = r.purge(ctx, tx, tags, now)")

	waiting := func(t *testing.T, w *world) *victim { return &victim{app: w.allowed(t)} }
	rotated := func(t *testing.T, w *world) *victim {
		v := holding(t, w)
		next := refreshFirst(t, v)
		next.want(t, "the first use", granted)
		v.held = append(v.held, next)
		return v
	}
	redeem := func(t *testing.T, v *victim) answer { return v.redeem(t.Context(), v.verifier) }
	own := []deed{
		{
			name: "redeem", mode: "grace", prepare: waiting, do: redeem, verdict: granted, commits: 1,
			check: redeemed, breaks: puts,
		},
		{
			name: "redeem again", mode: "grace", seldom: true, prepare: holding, do: redeem, verdict: invalidGrant, commits: 1,
			check: replayed(redeem), breaks: deletes,
		},
		{
			name: "refresh in grace", mode: "grace", prepare: holding, do: refreshFirst, verdict: granted, commits: 1,
			check: refreshedInGrace, breaks: puts,
		},
		{
			name: "refresh again in grace", mode: "grace", seldom: true, prepare: rotated, do: refreshFirst, verdict: granted,
			commits: 1, check: refreshedInGrace,
			breaks: mutant.Edit{File: rotate, Old: "if next.Data.Used || !next.Data.Rotated.IsZero() {", New: "if !next.Data.Used {"},
		},
		{
			name: "refresh strictly", mode: "strict", prepare: holding, do: refreshFirst, verdict: granted, commits: 1,
			check: refreshedStrictly, breaks: puts,
		},
		{
			name: "refresh again strictly", mode: "strict", seldom: true, prepare: rotated, do: refreshFirst,
			verdict: invalidGrant, commits: 1, check: replayed(refreshFirst), breaks: deletes,
		},
		{
			name: "refresh unrotated", mode: "none", prepare: holding, do: refreshFirst, verdict: granted, commits: 1,
			check: refreshedUnrotated, breaks: never("s.options.rotation == rotateNone"),
		},
	}
	return append(append(own, endings(deletes)...), asking()...)
}

// holding is a client that has its first tokens.
func holding(t *testing.T, w *world) *victim {
	a, first := w.signedIn(t)
	return &victim{app: a, held: []answer{first}}
}

// refreshFirst presents the first refresh token that a client got.
func refreshFirst(t *testing.T, v *victim) answer { return v.refresh(t.Context(), v.held[0].refresh) }

// redeemed: a code that was not used is as good as before. One that was is used, though nobody got its tokens: a second
// redemption ends them (A48). Either way the client is registered as one that has got tokens or as one that has not, and
// gets them when its person allows it once more.
func redeemed(t *testing.T, v *victim, at cut) {
	v.wantRegistration(t, "cut off", at.commits() == 0)
	again := v.redeem(t.Context(), v.verifier)
	if at.commits() > 0 {
		again.want(t, "the code, which was used", invalidGrant)
	} else {
		again.want(t, "the code, which was not used", granted)
		v.wantCalls(t, "of the code", true, again.access)
		next := v.refresh(t.Context(), again.refresh)
		next.want(t, "of the code", granted)
		v.redeem(t.Context(), v.verifier).want(t, "the code again", invalidGrant)
		v.held = append(v.held, again, next)
	}
	v.wantRegistration(t, "after the repetition", false)
	v.wantOver(t)
	v.allow(t)
	anew := v.redeem(t.Context(), v.verifier)
	anew.want(t, "another code", granted)
	v.wantCalls(t, "of another code", true, anew.access)
	v.revoke(t.Context(), anew.refresh).want(t, "take back", granted)
	v.wantOver(t, anew)
}

// replayed: the grant of what was used twice is over, or it lives until the next such use.
func replayed(do func(*testing.T, *victim) answer) func(*testing.T, *victim, cut) {
	return func(t *testing.T, v *victim, at cut) {
		if at.commits() == 0 {
			v.wantAlive(t)
		}
		do(t, v).want(t, "once more", invalidGrant)
		v.wantOver(t)
	}
}

// refreshedInGrace: whoever asks again gets tokens that work, and the same each time; and all end with their grant.
func refreshedInGrace(t *testing.T, v *victim, _ cut) {
	again, more := refreshFirst(t, v), refreshFirst(t, v)
	again.want(t, "asked again", granted)
	more.want(t, "asked once more", granted)
	v.held = append(v.held, again, more)
	if more.refresh != again.refresh || again.refresh == v.held[0].refresh {
		t.Error("asked twice, and given two successors")
	}
	v.wantAlive(t)
	next := v.refresh(t.Context(), again.refresh)
	next.want(t, "the successor", granted)
	v.held = append(v.held, next)
	refreshFirst(t, v).want(t, "when the successor has been used", invalidGrant)
	v.wantAlive(t)
	v.revoke(t.Context(), next.refresh).want(t, "take back", granted)
	v.wantOver(t)
}

// refreshedStrictly: a use that was durable was the only one.
func refreshedStrictly(t *testing.T, v *victim, at cut) {
	if at.commits() == 0 {
		again := refreshFirst(t, v)
		again.want(t, "the first use", granted)
		v.held = append(v.held, again)
	}
	v.wantAlive(t)
	refreshFirst(t, v).want(t, "a second use", invalidGrant)
	v.wantOver(t)
}

// refreshedUnrotated: the token is good, whatever became of its use.
func refreshedUnrotated(t *testing.T, v *victim, _ cut) {
	again := refreshFirst(t, v)
	again.want(t, "asked again", granted)
	if again.refresh != v.held[0].refresh {
		t.Error("the token was rotated")
	}
	v.held = append(v.held, again)
	v.wantAlive(t)
	v.revoke(t.Context(), again.refresh).want(t, "take back", granted)
	v.wantOver(t)
}

// wantAlive wants all access tokens that the client has got to be good.
func (v *victim) wantAlive(t *testing.T) {
	t.Helper()
	access, _ := tokensIn(v.held)
	v.wantCalls(t, "the grant lives", true, access...)
}

// wantOver wants nothing that the client has got to be good, nor what came with these answers.
func (v *victim) wantOver(t *testing.T, more ...answer) {
	t.Helper()
	access, refresh := tokensIn(append(more, v.held...))
	v.wantCalls(t, "after the grant", false, access...)
	v.wantRefused(t, "after the grant", refresh...)
	if n := v.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}
