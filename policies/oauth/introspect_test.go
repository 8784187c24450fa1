package oauth_test

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies/oauth"
	"durward/policies/policytest"
)

func (w *world) introspect(c confidential, token string) map[string]any {
	w.Helper()
	got := w.proven(c, "/oauth/introspect", url.Values{"token": {token}})
	if got.StatusCode != http.StatusOK || got.Header.Get("Cache-Control") != "no-store" {
		w.Fatalf("introspect: %d %v %s", got.StatusCode, got.Header, got.body)
	}
	return got.json(w.T)
}

func (w *world) wantInactive(what string, got map[string]any) {
	w.Helper()
	if diff := cmp.Diff(map[string]any{"active": false}, got); diff != "" {
		w.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// grantTo takes a client all the way.
func (w *world) grantTo(c confidential, person string) tokens {
	w.Helper()
	w.browser = w.gateway.Client()
	form := redemption("", w.code(c.id, person, "scope", "mcp:tools offline_access"))
	return w.tokensOf(c.id, w.proven(c, "/oauth/token", form))
}

func TestA63_Introspection(t *testing.T) {
	w := newWorld(t)
	c := w.registerAs("client_secret_basic")
	began := w.host.Clock.Now()
	held := w.grantTo(c, "alice")
	w.host.Clock.Advance(time.Minute)
	want := map[string]any{
		"active": true, "scope": "mcp:tools offline_access", "client_id": c.id, "token_type": "Bearer", "sub": "alice",
		"aud": origin + "/mcp/demo", "iss": origin, "iat": float64(began.Unix()), "exp": float64(began.Unix() + 900),
	}
	if diff := cmp.Diff(want, w.introspect(c, held.access)); diff != "" {
		t.Errorf("access token (-want +got):\n%s", diff)
	}
	delete(want, "token_type")
	delete(want, "iat")
	want["exp"] = float64(began.Add(720 * time.Hour).Unix())
	if diff := cmp.Diff(want, w.introspect(c, held.refresh)); diff != "" {
		t.Errorf("refresh token (-want +got):\n%s", diff)
	}
	narrow := w.tokensOf(c.id, w.proven(c, "/oauth/token", renewal("", held.refresh, "scope", "mcp:tools")))
	if got := w.introspect(c, narrow.access)["scope"]; got != "mcp:tools" {
		t.Errorf("scope of a token with less than its grant: %v", got)
	}
	w.wantInactive("rotated", w.introspect(c, held.refresh))
	w.host.Clock.Advance(15 * time.Minute)
	w.wantInactive("expired", w.introspect(c, narrow.access))
}

func TestA63_OnlyTheCallersOwn(t *testing.T) {
	w := newWorld(t)
	c, other := w.registerAs("client_secret_basic"), w.registerAs("private_key_jwt")
	held, public := w.grantTo(c, "alice"), w.signIn("bob")
	for name, token := range map[string]string{
		"another's access token": held.access, "another's refresh token": held.refresh, "a public client's": public.access,
		"unknown": "dwa_x", "noise": "x", "code": "dwc_x",
	} {
		w.wantInactive(name, w.introspect(other, token))
	}
	w.wantError("a public client", w.post("/oauth/introspect", url.Values{"client_id": {public.client}, "token": {public.access}}),
		http.StatusUnauthorized, "invalid_client")
	w.wantError("nobody", w.post("/oauth/introspect", url.Values{"token": {public.access}}),
		http.StatusBadRequest, "invalid_request")
	w.wantError("without a token", w.proven(c, "/oauth/introspect", nil), http.StatusBadRequest, "invalid_request")
	w.wantError("GET", w.get("/oauth/introspect"), http.StatusMethodNotAllowed, "invalid_request")
	if got := w.post("/oauth/introspect", nil, "Origin", "https://any.example"); got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("scripts of any site may ask")
	}
}

// What would not be let through is not active.
func TestA63_InactiveAsDecided(t *testing.T) {
	w := newWorldWith(t, optionsAt(""))
	c := w.registerAs("client_secret_basic")
	held := w.grantTo(c, "alice")
	elsewhere := func(target string) map[string]any {
		return w.post(target, url.Values{"token": {held.access}}, "Authorization", basic(c.id, c.secret)).json(t)
	}
	if !w.introspect(c, held.access)["active"].(bool) {
		t.Fatal("not active to begin with")
	}
	w.wantInactive("at another issuer", elsewhere("https://other.example/oauth/introspect"))

	reconfigured := func(options string) *world {
		t.Helper()
		gateway, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), inputOf(options, "/mcp/demo"))
		if err != nil {
			t.Fatal(err)
		}
		return &world{T: t, host: w.host, provider: w.provider, gateway: gateway, browser: gateway.Client()}
	}
	kept := reconfigured(`{"clientId":"c","access":{"emails":["bob@example.com"]}}`)
	w.wantInactive("somebody who may not come in any more", kept.introspect(c, held.access))
	w.wantRevoked("the grant", w.proven(c, "/oauth/revoke", url.Values{"token": {held.refresh}}))
	w.wantInactive("revoked", w.introspect(c, held.access))
}
