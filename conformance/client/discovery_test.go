package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
)

// object reads an answer that must be a JSON object without a null in it: the TypeScript SDK's schemas take none, and a
// 200 or 404 that is not JSON ends its discovery (Q11).
func object(t *testing.T, answer reply, status int) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(answer.body), &o); err != nil || answer.status != status ||
		!strings.HasPrefix(answer.header.Get("Content-Type"), "application/json") {
		t.Fatalf("%d %s %q: %v, want %d and JSON", answer.status, answer.header.Get("Content-Type"), answer.body, err, status)
	}
	noNull(t, "", o)
	return o
}

func noNull(t *testing.T, at string, value any) {
	t.Helper()
	switch v := value.(type) {
	case nil:
		t.Errorf("%s is null", at)
	case string:
		if v == "" {
			t.Errorf("%s is empty", at)
		}
	case map[string]any:
		for name, member := range v {
			noNull(t, at+"/"+name, member)
		}
	case []any:
		for i, member := range v {
			noNull(t, fmt.Sprintf("%s/%d", at, i), member)
		}
	}
}

// What the TypeScript SDK needs, which Inspector, mcp-remote and Claude Code are built on.
func TestDiscoveryAsTheTypeScriptSDKWantsIt(t *testing.T) {
	g, _ := startWatched(t, nil)
	get := func(t *testing.T, path string, status int) map[string]any {
		t.Helper()
		return object(t, ask(t, http.MethodGet, g.URL+path, "", "MCP-Protocol-Version", withSessions), status)
	}

	t.Run("what is not there is a JSON 404, so that it tries the next", func(t *testing.T) {
		for _, path := range []string{
			"/.well-known/oauth-authorization-server/mcp/demo", "/.well-known/openid-configuration/mcp/demo",
			"/mcp/demo/.well-known/openid-configuration", "/.well-known/oauth-protected-resource/mcp/none",
			"/.well-known/oauth-protected-resource/mcp/demo/", "/.well-known/none", "/", "/favicon.ico",
		} {
			get(t, path, http.StatusNotFound)
		}
	})
	t.Run("the resource", func(t *testing.T) {
		want := get(t, "/.well-known/oauth-protected-resource/mcp/demo", http.StatusOK)
		if want["resource"] != g.MCP() || !cmp.Equal(want["authorization_servers"], []any{g.URL}) ||
			!cmp.Equal(want["scopes_supported"], []any{"mcp:tools"}) {
			t.Errorf("%v", want)
		}
		if diff := cmp.Diff(want, get(t, "/.well-known/oauth-protected-resource", http.StatusOK)); diff != "" {
			t.Errorf("at the root, with one route (-at its path +there):\n%s", diff)
		}
	})
	t.Run("the authorization server", func(t *testing.T) {
		plain := get(t, "/.well-known/oauth-authorization-server", http.StatusOK)
		openid := get(t, "/.well-known/openid-configuration", http.StatusOK)
		if plain["issuer"] != g.URL { // as a string, without a slash
			t.Errorf("issuer %v", plain["issuer"])
		}
		for _, name := range []string{"authorization_endpoint", "token_endpoint", "registration_endpoint"} {
			if at, _ := plain[name].(string); !strings.HasPrefix(at, g.URL+"/") {
				t.Errorf("%s %v", name, plain[name])
			}
		}
		if !cmp.Equal(plain["code_challenge_methods_supported"], []any{"S256"}) || !cmp.Equal(plain["response_types_supported"], []any{"code"}) {
			t.Errorf("%v", plain)
		}
		for name, value := range plain {
			if diff := cmp.Diff(value, openid[name]); diff != "" {
				t.Errorf("openid-configuration says another %s (-want +got):\n%s", name, diff)
			}
		}
		for _, name := range []string{"jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"} {
			if openid[name] == nil {
				t.Errorf("A2: openid-configuration has no %s", name)
			}
		}
		keys, _ := openid["jwks_uri"].(string)
		if got := get(t, strings.TrimPrefix(keys, g.URL), http.StatusOK); !cmp.Equal(got, map[string]any{"keys": []any{}}) {
			t.Errorf("keys: %v", got)
		}
	})
	t.Run("registration", func(t *testing.T) {
		answer := ask(t, http.MethodPost, g.URL+"/oauth/register",
			`{"client_name":"x","redirect_uris":["`+gateway.RedirectURI+`"],"token_endpoint_auth_method":"none","client_uri":"","contacts":[]}`)
		registered := object(t, answer, http.StatusCreated)
		if !cmp.Equal(registered["redirect_uris"], []any{gateway.RedirectURI}) || registered["client_id"] == nil ||
			registered["token_endpoint_auth_method"] != "none" || registered["client_secret"] != nil {
			t.Errorf("%v", registered)
		}
	})
	t.Run("token errors", func(t *testing.T) {
		c := g.MustLogin(t)
		for _, test := range []struct{ form, code string }{
			{"grant_type=refresh_token&refresh_token=none&client_id=" + c.ID, "invalid_grant"},
			{"grant_type=authorization_code&code=none&code_verifier=x&client_id=" + c.ID, "invalid_grant"},
			{"grant_type=refresh_token&refresh_token=" + c.Tokens.RefreshToken + "&client_id=none", "invalid_client"},
			{"grant_type=password&client_id=" + c.ID, "unsupported_grant_type"},
		} {
			answer := ask(t, http.MethodPost, g.URL+"/oauth/token", test.form, "Content-Type", "application/x-www-form-urlencoded")
			status := http.StatusBadRequest
			if test.code == "invalid_client" {
				status = http.StatusUnauthorized
			}
			if got := object(t, answer, status); got["error"] != test.code {
				t.Errorf("%v, want %s", got, test.code)
			}
		}
	})
}
