package oauth

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func refreshRows() []row {
	return []row{
		{
			id: "A56", holds: "each refresh brings a new refresh token in place of the old one, for clients with a secret as for those without",
			play: func(t *testing.T, w *world) {
				for _, method := range []string{"none", "client_secret_post"} {
					a := w.register(t, metadata{"token_endpoint_auth_method": method})
					got := w.browser(t).tokens(t, a)
					seen := map[string]bool{got.Refresh: true}
					for range 4 {
						got = a.refresh(t, got.Refresh).tokens(t)
						if seen[got.Refresh] {
							t.Errorf("%s: a refresh token comes back", method)
						}
						seen[got.Refresh] = true
					}
				}
			},
		},
		{
			id: "A57", holds: "a refresh token that comes again after its grace ends the grant and everything of it",
			in: moved, play: afterGrace,
			breaks: []edit{{"policies/oauth/rotate.go", `case !now.Before(first.Add(s.options.rotationGrace)):`,
				`case !now.Before(first.Add(24 * time.Hour)):`}},
		},
		{
			id: "A58", holds: "a refresh token is its client's, keeps its scope, may narrow a token and never widen one, and dies of disuse",
			in: moved, play: keepsScope,
			breaks: []edit{{"policies/oauth/scope.go", `if len(t.missing(granted, scopes)) > 0 {`,
				`if len(t.missing(granted, scopes)) > len(scopes) {`}},
		},
		{
			id: "A59", holds: "a refresh without a resource is for the grant's; for another it is refused and costs nothing",
			in: local, play: keepsResource,
			breaks: []edit{{"policies/oauth/code.go", `if resource != granted {`,
				`if resource == "" {`}},
		},
		{
			id: "Q19", holds: "processes that share one refresh token, and use it one after another or at once, all go on",
			play: sharedToken,
		},
		{
			id: "Q20", holds: "a new sign-in of a client leaves its older grants alive (access tokens live 900 s: refreshes are what lasts)",
			in: local, play: func(t *testing.T, w *world) {
				for _, a := range []*app{w.app(t), w.published(t, "/q20", nil)} {
					b := w.browser(t)
					for what, got := range map[string]tokens{"first": b.tokens(t, a), "second": b.tokens(t, a), "third": w.browser(t).tokens(t, a)} {
						w.alive(t, what, got.Access)
						w.alive(t, what+", refreshed", a.refresh(t, got.Refresh).tokens(t).Access)
					}
				}
			},
		},
		{
			id: "Q21", holds: "a refresh that names no scope gets the grant's",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				for _, scope := range []string{"mcp:tools", "mcp:tools offline_access"} {
					got := w.browser(t).tokens(t, a, "scope", scope)
					for range 2 {
						if got = a.refresh(t, got.Refresh).tokens(t); got.Scope != scope {
							t.Errorf("granted %q, refreshed %q", scope, got.Scope)
						}
					}
				}
			},
		},
		{
			id: "Q30", holds: "a refresh without a resource succeeds, and every answer holds a refresh token, also to who comes second",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				got := w.browser(t).tokens(t, a)
				first := a.refresh(t, got.Refresh).tokens(t)
				second := a.refresh(t, got.Refresh).tokens(t)
				if first.Refresh != second.Refresh {
					t.Error("two processes are given two refresh tokens")
				}
				w.alive(t, "the first", first.Access)
				w.alive(t, "the second", second.Access)
				a.refresh(t, second.Refresh).tokens(t)
			},
		},
		{
			id: "S33", holds: "a person who is gone at the provider is found out at a refresh, and every grant of theirs ends",
			in: moved, play: goneAtTheProvider,
			breaks: []edit{{"policies/oauth/recheck.go", `standing.Gone, standing.Handle = true, nil`,
				`standing.Checked = now`}},
		},
		{
			id: "S53", holds: "a rotated refresh token after its grace is refused, and the family of it is dead",
			in: moved, play: func(t *testing.T, w *world) {
				a := w.app(t)
				old := w.browser(t).tokens(t, a)
				current := a.refresh(t, old.Refresh).tokens(t)
				w.forward(61 * time.Second)
				a.refresh(t, old.Refresh).refused(t, "after the grace", 400, "invalid_grant")
				w.dead(t, "the first access token", old.Access)
				w.dead(t, "the current access token", current.Access)
				a.refresh(t, current.Refresh).refused(t, "the current refresh token", 400, "invalid_grant")
			},
			breaks: []edit{{"policies/oauth/rotate.go", `if _, err := s.endGrant(ctx, use.token.Data.Person, id, "token_replayed"); err != nil {`,
				`if err := ctx.Err(); err != nil {`}},
		},
		{
			id: "S54", holds: "eight refreshes of one token at once all succeed, with one and the same successor",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				got := w.browser(t).tokens(t, a)
				successors := map[string]bool{}
				for _, one := range together(8, func() *answer { return a.refresh(t, got.Refresh) }) {
					next := one.tokens(t)
					successors[next.Refresh] = true
					w.alive(t, "one of eight", next.Access)
				}
				if len(successors) != 1 {
					t.Errorf("there are %d successors", len(successors))
				}
				for next := range successors {
					a.refresh(t, next).tokens(t)
				}
			},
		},
		{
			id: "S55", holds: "a refresh by another client, for more scope or another resource is refused and rotates nothing",
			in: local, play: nothingRotated,
			breaks: []edit{{"policies/oauth/refresh.go", `token.Data.Client != client.ID {`,
				`client.ID == "" {`}},
		},
		{
			id: "S58", holds: "while the store takes no writes a refresh is 503, to be tried again, and the token is good afterwards",
			in: moved, play: storeOutage,
		},
	}
}

func afterGrace(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	bystander := b.tokens(t, a)
	old := b.tokens(t, a)
	current := a.refresh(t, old.Refresh).tokens(t)
	w.forward(59 * time.Second)
	repeated := a.refresh(t, old.Refresh).tokens(t)
	if repeated.Refresh != current.Refresh {
		t.Error("within the grace the successor is another")
	}
	next := a.refresh(t, current.Refresh).tokens(t)
	a.refresh(t, old.Refresh).refused(t, "after the successor was used", 400, "invalid_grant")
	w.alive(t, "within the grace nothing ends", next.Access)
	w.forward(2 * time.Second)
	a.refresh(t, old.Refresh).refused(t, "after the grace", 400, "invalid_grant")
	for what, token := range map[string]string{"first": old.Access, "repeated": repeated.Access, "current": next.Access} {
		w.dead(t, what, token)
	}
	a.refresh(t, next.Refresh).refused(t, "the current refresh token", 400, "invalid_grant")
	w.alive(t, "another grant of the same client and person", bystander.Access)
	a.refresh(t, bystander.Refresh).tokens(t)
}

func keepsScope(t *testing.T, w *world) {
	a, other := w.app(t), w.app(t)
	got := w.browser(t).tokens(t, a)
	other.refresh(t, got.Refresh).refused(t, "another client", 400, "invalid_grant")
	for _, wider := range []string{"mcp:tools admin", "openid", "mcp:tools offline_access x"} {
		a.refresh(t, got.Refresh, "scope", wider).refused(t, wider, 400, "invalid_scope")
	}
	narrow := a.refresh(t, got.Refresh, "scope", "mcp:tools").tokens(t)
	if narrow.Scope != "mcp:tools" {
		t.Errorf("narrowed: %q", narrow.Scope)
	}
	if whole := a.refresh(t, narrow.Refresh).tokens(t); !cmp.Equal(scopesOf(whole.Scope), scopesOf("mcp:tools offline_access")) {
		t.Errorf("the new refresh token has the scope %q", whole.Scope)
	} else {
		got = whole
	}
	w.forward(29 * 24 * time.Hour)
	got = a.refresh(t, got.Refresh).tokens(t) // who is used lives on
	w.forward(29 * 24 * time.Hour)
	got = a.refresh(t, got.Refresh).tokens(t)
	w.forward(31 * 24 * time.Hour)
	a.refresh(t, got.Refresh).refused(t, "after a month of disuse", 400, "invalid_grant")
}

func keepsResource(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	for _, other := range []string{w.origin + "/mcp/two", w.origin + "/mcp/none", "https://evil.example/mcp/one", w.resource() + "#x"} {
		a.refresh(t, got.Refresh, "resource", other).refused(t, other, 400, "invalid_target")
	}
	w.alive(t, "after that", got.Access)
	inherited := a.refresh(t, got.Refresh).tokens(t)
	w.alive(t, "without a resource", inherited.Access)
	w.on("/mcp/two").dead(t, "on another route", inherited.Access)
	w.alive(t, "with its own", a.refresh(t, inherited.Refresh, "resource", w.resource()).tokens(t).Access)
}

func sharedToken(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	// Each of three processes holds the same credential and comes when it likes.
	both := together(2, func() *answer { return a.refresh(t, got.Refresh) })
	first, second := both[0].tokens(t), both[1].tokens(t)
	third := a.refresh(t, first.Refresh).tokens(t)
	if second.Refresh != first.Refresh {
		t.Error("the second process is given another token")
	}
	// The slow one has the old token still. It is refused, and loses nothing for the others.
	a.refresh(t, got.Refresh).refused(t, "the slow one", 400, "invalid_grant")
	for what, token := range map[string]string{"first": first.Access, "second": second.Access, "third": third.Access} {
		w.alive(t, what, token)
	}
	a.refresh(t, third.Refresh).tokens(t)
}

func nothingRotated(t *testing.T, w *world) {
	a, other := w.app(t), w.app(t)
	got := w.browser(t).tokens(t, a)
	tries := func() {
		t.Helper()
		other.refresh(t, got.Refresh).refused(t, "another client", 400, "invalid_grant")
		a.refresh(t, got.Refresh, "scope", "mcp:tools everything").refused(t, "more scope", 400, "invalid_scope")
		a.refresh(t, got.Refresh, "resource", w.origin+"/mcp/two").refused(t, "another resource", 400, "invalid_target")
	}
	tries()
	first := a.refresh(t, got.Refresh).tokens(t)
	next := a.refresh(t, first.Refresh).tokens(t)
	// Had any of them rotated the token, its successor would not have been unused just now.
	tries()
	w.alive(t, "all the while", next.Access)
	a.refresh(t, next.Refresh).tokens(t)
}

func goneAtTheProvider(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	one, two := b.tokens(t, a), b.tokens(t, a)
	stranger := w.browser(t)
	stranger.who.sub += "-other"
	other := stranger.tokens(t, a)

	w.forward(2 * time.Hour)
	w.provider.fail(b.who, true)
	one = a.refresh(t, one.Refresh).tokens(t) // the provider cannot be asked: that is not her fault
	w.alive(t, "while the provider is down", one.Access)
	w.provider.fail(b.who, false)
	w.forward(time.Hour)
	one = a.refresh(t, one.Refresh).tokens(t)
	if w.provider.timesAsked(b.who) == 0 {
		t.Error("the provider was never asked again")
	}

	w.provider.end(b.who)
	w.forward(2 * time.Hour)
	a.refresh(t, one.Refresh).refused(t, "gone", 400, "invalid_grant")
	w.dead(t, "her access token", one.Access)
	a.refresh(t, two.Refresh).refused(t, "her other grant", 400, "invalid_grant")
	if got := b.get(t, a.ask("prompt", "none")); got.to() != nil {
		t.Errorf("her session lives on: %s", got)
	}
	w.alive(t, "somebody else", a.refresh(t, other.Refresh).tokens(t).Access)
}

func storeOutage(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	release := w.lockStore(t)
	refused := a.refresh(t, got.Refresh)
	release()
	refused.refused(t, "a refresh", http.StatusServiceUnavailable, "temporarily_unavailable")
	if refused.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	w.alive(t, "afterwards", a.refresh(t, got.Refresh).tokens(t).Access)
}
