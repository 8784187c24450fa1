package oauth_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"durward/policies"
	"durward/policies/policytest"
)

func (w *world) revoke(client, token string, more ...string) answer {
	w.Helper()
	return w.post("/oauth/revoke", change(url.Values{"client_id": {client}, "token": {token}}, more...))
}

func (w *world) wantRevoked(what string, got answer) {
	w.Helper()
	if got.StatusCode != http.StatusOK || got.body != "" || got.Header.Get("Cache-Control") != "no-store" {
		w.Errorf("%s: status %d, headers %v, body %q", what, got.StatusCode, got.Header, got.body)
	}
}

func TestA62_RevokedRefreshTokenEndsItsGrant(t *testing.T) {
	for name, rotate := range map[string]bool{"current": false, "rotated": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			held := w.signIn("alice")
			next := held
			if rotate {
				next = w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
			}
			w.wantCall("before", "/mcp/demo", held.access, http.StatusOK)
			w.wantRevoked("refresh token", w.revoke(held.client, held.refresh, "token_type_hint", "access_token"))
			w.wantCall("its access token", "/mcp/demo", held.access, http.StatusUnauthorized)
			w.wantCall("the last access token", "/mcp/demo", next.access, http.StatusUnauthorized)
			w.wantError("the refresh token", w.post("/oauth/token", renewal(held.client, next.refresh)),
				http.StatusBadRequest, "invalid_grant")
			if events := w.host.Audit.Named("grant.revoked"); len(events) != 1 || events[0].Reason != "client" ||
				events[0].Subject != "alice" || events[0].Client != held.client {
				t.Errorf("events %+v", events)
			}
			w.wantRevoked("once more", w.revoke(held.client, held.refresh))
		})
	}
}

func TestA62_RevokedAccessTokenEndsAlone(t *testing.T) {
	w := newWorld(t)
	first := w.signIn("alice")
	second := w.tokensOf(first.client, w.post("/oauth/token", renewal(first.client, first.refresh)))
	w.wantCall("before", "/mcp/demo", first.access, http.StatusOK)
	w.wantRevoked("access token", w.revoke(first.client, first.access))
	w.wantCall("after", "/mcp/demo", first.access, http.StatusUnauthorized)
	w.wantCall("the other one", "/mcp/demo", second.access, http.StatusOK)
	w.tokensOf(first.client, w.post("/oauth/token", renewal(first.client, second.refresh)))
	purged, events := w.host.Store.Purged(), w.host.Audit.Named("token.revoked")
	if len(purged) != 1 || len(events) != 1 || purged[0] != "grant:"+events[0].Grant || events[0].Subject != "alice" ||
		events[0].Scope != "mcp:tools" || events[0].Reason != "client" {
		t.Errorf("purged %v, events %+v", purged, events)
	}
}

func TestS57_RevocationByAnother(t *testing.T) {
	w := newWorld(t)
	held, other := w.signIn("alice"), w.client()
	thief := w.registerAs("client_secret_basic")
	for name, token := range map[string]string{
		"refresh token": held.refresh, "access token": held.access, "unknown": "dwr_unknown", "noise": "x",
		"one that was never issued": strings.Repeat("x", 52),
	} {
		w.wantRevoked(name, w.revoke(other, token))
		w.wantRevoked(name+", by one that authenticates", w.proven(thief, "/oauth/revoke", url.Values{"token": {token}}))
	}
	w.wantCall("still", "/mcp/demo", held.access, http.StatusOK)
	w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
	if len(w.host.Store.Purged()) != 0 || len(w.host.Audit.Named("grant.revoked")) != 0 {
		t.Error("something was revoked")
	}
}

func TestA62_WhoMayRevoke(t *testing.T) {
	w := newWorld(t)
	c := w.registerAs("client_secret_post")
	held := w.tokensOf(c.id, w.proven(c, "/oauth/token", redemption(c.id, w.code(c.id, "alice"))))
	w.wantError("without its secret", w.revoke(c.id, held.refresh), http.StatusUnauthorized, "invalid_client")
	w.wantError("unknown client", w.revoke("dw-unknown", held.refresh), http.StatusUnauthorized, "invalid_client")
	w.wantError("no client", w.revoke("", held.refresh), http.StatusBadRequest, "invalid_request")
	w.wantError("no token", w.revoke(w.client(), ""), http.StatusBadRequest, "invalid_request")
	w.wantError("in the URL", w.post("/oauth/revoke?token="+held.refresh, nil), http.StatusBadRequest, "invalid_request")
	w.wantError("GET", w.get("/oauth/revoke"), http.StatusMethodNotAllowed, "invalid_request")
	w.wantCall("still", "/mcp/demo", held.access, http.StatusOK)
	w.wantRevoked("with it", w.revoke(c.id, held.refresh, "client_secret", c.secret))
	w.wantCall("no more", "/mcp/demo", held.access, http.StatusUnauthorized)
}

func TestA62_S58_RevocationWithoutStore(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	for token, kinds := range map[string][]string{
		held.access: {"client/", "access/", "grant/"}, held.refresh: {"client/", "refresh/", "grant/"},
	} {
		for _, kind := range kinds {
			w.host.Store.Intercept(failing(kind))
			w.wantError(kind, w.revoke(held.client, token), http.StatusServiceUnavailable, "temporarily_unavailable")
		}
	}
	w.host.Store.Intercept(nil)
	w.wantCall("still", "/mcp/demo", held.access, http.StatusOK)
}

// failing is a store that cannot read or write records of a kind.
func failing(kind string) policytest.Interceptor {
	return func(_ string, keys []string, do func() error) error {
		if strings.HasPrefix(keys[0], kind) {
			return errors.New("disk on fire")
		}
		return do()
	}
}

// A revocation that meets a change of the same records is made all the same.
func TestA62_RevocationWhileATokenIsUsed(t *testing.T) {
	w := newWorld(t)
	held := w.signIn("alice")
	conflicts := 0
	w.host.Store.Intercept(func(op string, _ []string, do func() error) error {
		if op == "commit" && conflicts < 3 {
			conflicts++
			return policies.ErrConflict
		}
		return do()
	})
	w.wantRevoked("access token", w.revoke(held.client, held.access))
	w.wantRevoked("refresh token", w.revoke(held.client, held.refresh))
	w.wantCall("after", "/mcp/demo", held.access, http.StatusUnauthorized)
	if conflicts != 3 || len(w.host.Audit.Named("grant.revoked")) != 1 || len(w.host.Audit.Named("token.revoked")) != 1 {
		t.Errorf("%d conflicts, %+v", conflicts, w.host.Audit.Events())
	}
}
