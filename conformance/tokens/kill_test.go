package tokens

import (
	"slices"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/mutant"
)

// deed is a request that writes, and what must be so when it was cut off and the gateway is there again.
type deed struct {
	mode string
	// prepare brings a new client to where the request is due.
	prepare func(*testing.T, *world) *victim
	do      func(*testing.T, *victim) answer
	// check looks at what has become of it. durable says whether its change was.
	check func(t *testing.T, v *victim, durable bool)
}

// victim is a client in the middle of a deed.
type victim struct {
	*app
	first answer
}

func deeds() map[string]deed {
	waiting := func(t *testing.T, w *world) *victim { return &victim{app: w.allowed(t)} }
	holding := func(t *testing.T, w *world) *victim {
		a, first := w.signedIn(t)
		return &victim{app: a, first: first}
	}
	refresh := func(t *testing.T, v *victim) answer { return v.refresh(t.Context(), v.first.refresh) }
	return map[string]deed{
		"redeem":          {"grace", waiting, func(t *testing.T, v *victim) answer { return v.redeem(t.Context(), v.verifier) }, redeemed},
		"refresh, grace":  {"grace", holding, refresh, refreshedInGrace},
		"refresh, strict": {"strict", holding, refresh, refreshedStrictly},
		"refresh, none":   {"none", holding, refresh, refreshedUnrotated},
		"take back":       {"grace", holding, func(t *testing.T, v *victim) answer { return v.revoke(t.Context(), v.first.refresh) }, revoked},
	}
}

// Between any two writes of a deed, and before and after each, the host is killed. Whatever was acknowledged or not, the
// gateway that starts again is whole: the deed is done or it is not.
func TestKilledBetweenWrites(t *testing.T) {
	t.Parallel()
	binary, err := mutant.Build(t.Context(), t.TempDir(), pointEdits())
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range deeds() {
		if d.mode != "grace" && !soak() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := withPoints(t, binary)
			w.rotate(d.mode)
			for range rounds() {
				w.killAtEach(t, p, d)
			}
		})
	}
	t.Run("the policy's process alone", func(t *testing.T) {
		t.Parallel()
		w, p := withPoints(t, binary)
		for range rounds() {
			w.killPolicyAtEach(t, p)
		}
	})
}

// passed answers the points that an undisturbed deed passes.
func (w *world) passed(t *testing.T, p points, d deed) []string {
	t.Helper()
	v := d.prepare(t, w)
	p.arm(t, 0, "nobody")
	d.do(t, v).want(t, "undisturbed", granted)
	names := p.disarm(t)
	if len(names) < 7 || !slices.Contains(names, pointCommitted) {
		t.Fatalf("points %q: some are missing", names)
	}
	return names
}

func (w *world) killAtEach(t *testing.T, p points, d deed) {
	names := w.passed(t, p, d)
	t.Logf("points: %s", strings.Join(names, ", "))
	for i, name := range names {
		v := d.prepare(t, w)
		p.arm(t, i+1, "host")
		d.do(t, v).want(t, "killed where it "+name, unanswered)
		<-w.Exited()
		if passed := p.disarm(t); !slices.Equal(passed, names[:i+1]) {
			t.Fatalf("points passed before the kill: %q, want %q", passed, names[:i+1])
		}
		w.Launch()
		t.Run(name, func(t *testing.T) { d.check(t, v, slices.Contains(names[:i+1], pointCommitted)) })
	}
}

// killPolicyAtEach kills the policy's process at its own points of a refresh. The host stays, and says that it cannot answer.
func (w *world) killPolicyAtEach(t *testing.T, p points) {
	d := deeds()["refresh, grace"]
	for i, name := range w.passed(t, p, d) {
		if !strings.HasPrefix(name, "policy: ") {
			continue
		}
		v := d.prepare(t, w)
		before := w.Policy("clerk").PID
		p.arm(t, i+1, "policy")
		d.do(t, v).want(t, "killed where it "+name, unavailable)
		p.disarm(t)
		if !gateway.Within(waiting, func() bool {
			now := w.Policy("clerk")
			return now.State == "running" && now.PID != before
		}) {
			t.Fatal("the policy does not run again")
		}
		d.check(t, v, true)
	}
}

// redeemed: a code that was not used is as good as before. One that was is used, though nobody got its tokens: a second
// redemption ends them (A48).
func redeemed(t *testing.T, v *victim, durable bool) {
	again := v.redeem(t.Context(), v.verifier)
	if durable {
		again.want(t, "the code, which was used", invalidGrant)
	} else {
		again.want(t, "the code, which was not used", granted)
		v.wantCalls(t, "of the code", true, again.access)
		next := v.refresh(t.Context(), again.refresh)
		next.want(t, "of the code", granted)
		v.redeem(t.Context(), v.verifier).want(t, "the code again", invalidGrant)
		v.wantCalls(t, "of a code redeemed twice", false, again.access, next.access)
		v.wantRefused(t, "of a code redeemed twice", again.refresh, next.refresh)
	}
	if n := v.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}

// refreshedInGrace: whoever asks again gets tokens that work, and the same each time; and all end with their grant.
func refreshedInGrace(t *testing.T, v *victim, _ bool) {
	again, more := v.refresh(t.Context(), v.first.refresh), v.refresh(t.Context(), v.first.refresh)
	again.want(t, "asked again", granted)
	more.want(t, "asked once more", granted)
	if more.refresh != again.refresh || again.refresh == v.first.refresh {
		t.Error("asked twice, and given two successors")
	}
	v.wantCalls(t, "the grant lives", true, v.first.access, again.access, more.access)
	next := v.refresh(t.Context(), again.refresh)
	next.want(t, "the successor", granted)
	v.refresh(t.Context(), v.first.refresh).want(t, "when the successor has been used", invalidGrant)
	v.wantCalls(t, "the grant lives on", true, v.first.access, again.access, more.access, next.access)
	v.revoke(t.Context(), next.refresh).want(t, "take back", granted)
	v.wantOver(t, again, more, next)
}

// refreshedStrictly: a use that was durable was the only one.
func refreshedStrictly(t *testing.T, v *victim, durable bool) {
	again := v.refresh(t.Context(), v.first.refresh)
	if durable {
		again.want(t, "a second use", invalidGrant)
		v.wantOver(t)
		return
	}
	again.want(t, "the first use", granted)
	v.wantCalls(t, "the grant lives", true, v.first.access, again.access)
	v.refresh(t.Context(), v.first.refresh).want(t, "a second use", invalidGrant)
	v.wantOver(t, again)
}

// refreshedUnrotated: the token is good, whatever became of its use.
func refreshedUnrotated(t *testing.T, v *victim, _ bool) {
	again := v.refresh(t.Context(), v.first.refresh)
	again.want(t, "asked again", granted)
	if again.refresh != v.first.refresh {
		t.Error("the token was rotated")
	}
	v.wantCalls(t, "the grant lives", true, v.first.access, again.access)
	v.revoke(t.Context(), v.first.refresh).want(t, "take back", granted)
	v.wantOver(t, again)
}

// revoked: the grant is over or it is not, and asking again ends it.
func revoked(t *testing.T, v *victim, durable bool) {
	if !durable {
		v.wantCalls(t, "nothing was taken back", true, v.first.access)
		next := v.refresh(t.Context(), v.first.refresh)
		next.want(t, "nothing was taken back", granted)
		v.revoke(t.Context(), v.first.refresh).want(t, "take back again", granted)
		v.wantOver(t, next)
		return
	}
	v.wantOver(t)
	v.revoke(t.Context(), v.first.refresh).want(t, "take back again", granted)
}

// wantOver wants nothing of the grant to be good: neither the first tokens nor these.
func (v *victim) wantOver(t *testing.T, others ...answer) {
	t.Helper()
	access, refresh := tokensIn(append(others, v.first))
	v.wantCalls(t, "after the grant", false, access...)
	v.wantRefused(t, "after the grant", refresh...)
	if n := v.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}
