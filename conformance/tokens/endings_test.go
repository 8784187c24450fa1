package tokens

import (
	"testing"

	"durward/conformance/mutant"
)

// endings are the deeds by which grants and tokens end. breaks is an edit with which a change of them is not made as one.
func endings(breaks mutant.Edit) []deed {
	ends := func(what string) func(*testing.T, *victim) answer {
		return func(t *testing.T, v *victim) answer { return v.end(t.Context(), what) }
	}
	return []deed{
		{
			name: "take back", mode: "grace", prepare: holding, verdict: granted, commits: 1,
			do:    func(t *testing.T, v *victim) answer { return v.revoke(t.Context(), v.held[0].refresh) },
			check: takenBackByClient, breaks: breaks,
		},
		{
			name: "take an access token back", mode: "grace", seldom: true, prepare: holding, verdict: granted, commits: 1,
			do:    func(t *testing.T, v *victim) answer { return v.revoke(t.Context(), v.held[0].access) },
			check: accessTakenBackByClient, breaks: breaks,
		},
		{
			name: "the operator ends grants", mode: "grace", seldom: true, prepare: holding, verdict: granted, commits: 1,
			do: ends("grants"), check: endedByOperator, breaks: breaks,
		},
		{
			name: "the operator ends a client", mode: "grace", seldom: true, prepare: holding, verdict: granted, commits: 2,
			do: ends("clients"), check: clientEndedByOperator, breaks: breaks,
		},
	}
}

// takenBackByClient: the grant is over or it is not, and asking again ends it.
func takenBackByClient(t *testing.T, v *victim, at cut) {
	token := v.held[0].refresh
	if at.commits() == 0 {
		v.wantAlive(t)
		next := v.refresh(t.Context(), token)
		next.want(t, "nothing was taken back", granted)
		v.held = append(v.held, next)
	}
	v.revoke(t.Context(), token).want(t, "take back again", granted)
	v.wantOver(t)
}

// accessTakenBackByClient: the token is over or it is not, and asking again ends it. Its grant lives.
func accessTakenBackByClient(t *testing.T, v *victim, at cut) {
	first := v.held[0]
	if at.commits() == 0 {
		v.wantAlive(t)
	}
	v.revoke(t.Context(), first.access).want(t, "take back again", granted)
	v.wantCalls(t, "taken back", false, first.access)
	next := v.refresh(t.Context(), first.refresh)
	next.want(t, "the grant lives", granted)
	v.wantCalls(t, "the grant lives", true, next.access)
	v.revoke(t.Context(), next.refresh).want(t, "take the grant back", granted)
	v.wantOver(t, next)
}

// endedByOperator is takenBackByClient for the operator's command.
func endedByOperator(t *testing.T, v *victim, at cut) {
	if at.commits() == 0 {
		v.wantAlive(t)
		next := refreshFirst(t, v)
		next.want(t, "nothing has ended", granted)
		v.held = append(v.held, next)
	}
	v.end(t.Context(), "grants").want(t, "end them again", granted)
	v.wantOver(t)
}

// clientEndedByOperator: first the registration ends, so that nobody makes a grant meanwhile, then the grants. Asking
// again ends what is left.
func clientEndedByOperator(t *testing.T, v *victim, at cut) {
	switch at.commits() {
	case 0:
		v.wantRegistration(t, "nothing has ended", false)
		refreshFirst(t, v).want(t, "nothing has ended", granted)
	case 1:
		refreshFirst(t, v).want(t, "a client that is not registered", unknownClient)
	}
	v.end(t.Context(), "clients").want(t, "end it again", granted)
	v.wantCalls(t, "after the client", false, v.held[0].access)
	refreshFirst(t, v).want(t, "after the client", unknownClient)
	if n := v.grants(t); n != 0 {
		t.Errorf("%d grants are left", n)
	}
}
