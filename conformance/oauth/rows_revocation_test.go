package oauth

import (
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func revocationRows() []row {
	return []row{
		{
			id: "A62", holds: "a client may take back its tokens: a refresh token with all of its grant, an access token alone; what is not known is 200 too",
			play: takenBack,
			breaks: []edit{{"policies/oauth/revoke.go", `_, err = s.endGrant(ctx, refresh.Data.Person, refresh.Data.Grant, "client")`,
				`err = ctx.Err()`}},
		},
		{
			id: "A63", holds: "a client that proves who it is may ask about its own tokens; of anything else it is told that it is not active",
			in: moved, play: introspected,
			breaks: []edit{{"policies/oauth/introspect.go", `access.Data.Client != caller.ID || `,
				`caller.ID == "" || `}},
		},
		{
			id: "S57", holds: "who takes back a token of another client is answered 200, and the token lives",
			play: func(t *testing.T, w *world) {
				for _, method := range []string{"none", "client_secret_post"} {
					a, other := w.register(t, metadata{"token_endpoint_auth_method": method}), w.register(t, metadata{"token_endpoint_auth_method": method})
					old := w.browser(t).tokens(t, a)
					got := a.refresh(t, old.Refresh).tokens(t)
					for _, token := range []string{old.Access, old.Refresh, got.Access, got.Refresh} {
						revoked(t, method, other.post(t, "/oauth/revoke", url.Values{"token": {token}}))
					}
					w.alive(t, method, got.Access)
					a.refresh(t, got.Refresh).tokens(t)
				}
			},
			breaks: []edit{{"policies/oauth/revoke.go", `refresh.Data.Client != caller.ID {`,
				`caller.ID == "" {`}},
		},
	}
}

// revoked wants the one answer that a revocation has (RFC 7009 section 2.2).
func revoked(t *testing.T, what string, got *answer) {
	t.Helper()
	if got.status != http.StatusOK || got.body != "" || got.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s: %s %q, want 200 and no body", what, got, got.header.Get("Cache-Control"))
	}
}

func takenBack(t *testing.T, w *world) {
	for _, method := range []string{"none", "client_secret_basic", "client_secret_post"} {
		a, b := w.register(t, metadata{"token_endpoint_auth_method": method}), w.browser(t)
		revoke := func(what string, params ...string) {
			t.Helper()
			form := url.Values{}
			change(form, params)
			revoked(t, method+", "+what, a.post(t, "/oauth/revoke", form))
		}
		bystander := b.tokens(t, a)

		got := b.tokens(t, a)
		revoke("an access token", "token", got.Access)
		w.dead(t, "the access token", got.Access)
		next := a.refresh(t, got.Refresh).tokens(t) // its grant lives
		w.alive(t, "refreshed", next.Access)

		revoke("a refresh token", "token", next.Refresh, "token_type_hint", "access_token") // a wrong hint does no harm
		w.dead(t, "the access token of the grant", next.Access)
		a.refresh(t, next.Refresh).refused(t, "the refresh token", 400, "invalid_grant")

		old := b.tokens(t, a)
		next = a.refresh(t, old.Refresh).tokens(t)
		revoke("a refresh token that was rotated", "token", old.Refresh, "token_type_hint", "refresh_token")
		w.dead(t, "its successor's access token", next.Access)
		a.refresh(t, next.Refresh).refused(t, "its successor", 400, "invalid_grant")

		for _, unknown := range []string{"unknown", next.Refresh, next.Access, "dwa_x", "dwr_x", "é"} {
			revoke("unknown", "token", unknown)
		}
		a.post(t, "/oauth/revoke", url.Values{}).refused(t, "no token", 400, "invalid_request")
		a.post(t, "/oauth/revoke", url.Values{"token": {"a", "b"}}).refused(t, "two tokens", 400, "invalid_request")
		w.alive(t, "another grant of the same", bystander.Access)
		if method != "none" {
			wrong := *a
			wrong.secret = "wrong"
			wrong.post(t, "/oauth/revoke", url.Values{"token": {bystander.Refresh}}).refused(t, "a wrong secret", 401, "invalid_client")
			w.alive(t, "after a wrong secret", bystander.Access)
		}
	}
	w.do(t, http.MethodPost, "/oauth/revoke", "token=x&client_id=dw-NOBODY", "Content-Type", formType).refused(t, "an unknown client", 401, "invalid_client")
	w.do(t, http.MethodPost, "/oauth/revoke", "token=x").refused(t, "no form", 400, "invalid_request")
	w.do(t, http.MethodGet, "/oauth/revoke?token=x", "").refused(t, "GET", 405, "invalid_request")
}

func introspected(t *testing.T, w *world) {
	public := w.app(t)
	strange := w.browser(t).tokens(t, public)
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		a, b := w.register(t, metadata{"token_endpoint_auth_method": method}), w.browser(t)
		ask := func(token string) *answer { return a.post(t, "/oauth/introspect", url.Values{"token": {token}}) }
		inactive := func(what, token string) {
			t.Helper()
			got := ask(token)
			if diff := cmp.Diff(map[string]any{"active": false}, got.object(t, 200)); diff != "" || got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		got := b.tokens(t, a)
		answer := ask(got.Access)
		said := answer.object(t, 200)
		for name, want := range map[string]any{
			"active": true, "client_id": a.id, "token_type": "Bearer", "iss": w.issuer(), "aud": w.resource(),
		} {
			if !cmp.Equal(said[name], want) {
				t.Errorf("%s is %v, want %v", name, said[name], want)
			}
		}
		scope, _ := said["scope"].(string)
		exp, _ := said["exp"].(float64)
		if left := time.Unix(int64(exp), 0).Sub(w.provider.now()); !cmp.Equal(scopesOf(scope), scopesOf(got.Scope)) || left <= 0 || left > 900*time.Second ||
			said["sub"] == nil || said["iat"] == nil || answer.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%v", said)
		}
		if _, has := said["username"]; has {
			t.Errorf("it says who the person is: %v", said)
		}
		inactive("noise", "noise")
		inactive("another client's", strange.Access)
		inactive("another client's refresh token", strange.Refresh)
		inactive("a code", b.code(t, a))
		if said := ask(got.Refresh).object(t, 200); said["active"] != true || said["client_id"] != a.id || said["token_type"] != nil {
			t.Errorf("of its refresh token it is told %v", said)
		}
		old := got
		got = a.refresh(t, got.Refresh).tokens(t)
		inactive("a refresh token that was rotated", old.Refresh)
		w.forward(16 * time.Minute)
		inactive("expired", got.Access)
		got = a.refresh(t, got.Refresh).tokens(t)
		if ask(got.Access).object(t, 200)["active"] != true {
			t.Error("a fresh token is not active")
		}
		a.post(t, "/oauth/revoke", url.Values{"token": {got.Refresh}})
		inactive("taken back", got.Access)
		inactive("a refresh token taken back", got.Refresh)

		for _, wrong := range []string{"wrong", ""} {
			other := *a
			other.secret = wrong
			other.post(t, "/oauth/introspect", url.Values{"token": {got.Access}}).refused(t, "secret "+wrong, 401, "invalid_client")
		}
	}
	public.post(t, "/oauth/introspect", url.Values{"token": {strange.Access}}).refused(t, "a client without a secret", 401, "invalid_client")
	w.do(t, http.MethodPost, "/oauth/introspect", "token="+strange.Access, "Content-Type", formType, "Authorization", "Bearer "+strange.Access).
		refused(t, "a bearer token", 401, "invalid_client")
	anonymous := w.do(t, http.MethodPost, "/oauth/introspect", "token="+strange.Access, "Content-Type", formType)
	if !slices.Contains([]int{400, 401}, anonymous.status) {
		t.Errorf("nobody: %s", anonymous)
	}
	public.refresh(t, strange.Refresh).tokens(t) // whoever asked
}
