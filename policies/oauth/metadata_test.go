package oauth_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantedMetadata is what RFC 8414 metadata of an issuer says, with the defaults of all options.
func wantedMetadata(issuer string) map[string]any {
	methods := []any{"none", "client_secret_basic", "client_secret_post", "private_key_jwt"}
	algorithms := []any{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
	return map[string]any{
		"issuer":                                                   issuer,
		"authorization_endpoint":                                   issuer + "/oauth/authorize",
		"token_endpoint":                                           issuer + "/oauth/token",
		"registration_endpoint":                                    issuer + "/oauth/register",
		"revocation_endpoint":                                      issuer + "/oauth/revoke",
		"introspection_endpoint":                                   issuer + "/oauth/introspect",
		"scopes_supported":                                         []any{"mcp:tools", "offline_access"},
		"response_types_supported":                                 []any{"code"},
		"response_modes_supported":                                 []any{"query"},
		"grant_types_supported":                                    []any{"authorization_code", "refresh_token"},
		"code_challenge_methods_supported":                         []any{"S256"},
		"token_endpoint_auth_methods_supported":                    methods,
		"token_endpoint_auth_signing_alg_values_supported":         algorithms,
		"revocation_endpoint_auth_methods_supported":               methods,
		"revocation_endpoint_auth_signing_alg_values_supported":    algorithms,
		"introspection_endpoint_auth_methods_supported":            methods[1:], // A63: not for everybody
		"introspection_endpoint_auth_signing_alg_values_supported": algorithms,
		"authorization_response_iss_parameter_supported":           true,
		"client_id_metadata_document_supported":                    true,
	}
}

func TestA2_A4_A7_AuthorizationServerMetadata(t *testing.T) {
	w := newWorld(t)
	want := wantedMetadata(origin)
	got := w.get("/.well-known/oauth-authorization-server")
	if diff := cmp.Diff(want, got.json(t)); diff != "" {
		t.Errorf("oauth-authorization-server:\n%s", diff)
	}
	if got.Header.Get("Cache-Control") != "public, max-age=60" {
		t.Errorf("Cache-Control: %q", got.Header.Get("Cache-Control"))
	}
	want["jwks_uri"] = origin + "/oauth/jwks"
	want["subject_types_supported"] = []any{"public"}
	want["id_token_signing_alg_values_supported"] = []any{"RS256"}
	want["request_uri_parameter_supported"] = false
	if diff := cmp.Diff(want, w.get("/.well-known/openid-configuration").json(t)); diff != "" {
		t.Errorf("openid-configuration:\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"keys": []any{}}, w.get("/oauth/jwks").json(t)); diff != "" {
		t.Errorf("jwks:\n%s", diff)
	}
}

func TestA3_IssuerFollowsTheOrigin(t *testing.T) {
	w := newWorld(t)
	for _, other := range []string{"https://two.example:8443", "http://127.0.0.1:9000", "http://[::1]:9000"} {
		got := w.get(other + "/.well-known/oauth-authorization-server").json(t)
		if got["issuer"] != other || got["token_endpoint"] != other+"/oauth/token" {
			t.Errorf("at %s: issuer %v, token endpoint %v", other, got["issuer"], got["token_endpoint"])
		}
	}
}

func TestB3_B4_ProtectedResourceMetadata(t *testing.T) {
	one, two := newWorld(t), newWorld(t, "/mcp/a", "/mcp/b")
	document := func(path string) map[string]any {
		return map[string]any{
			"resource":                 origin + path,
			"authorization_servers":    []any{origin},
			"scopes_supported":         []any{"mcp:tools"},
			"bearer_methods_supported": []any{"header"},
		}
	}
	const base = "/.well-known/oauth-protected-resource"
	for _, path := range []string{base, base + "/mcp/demo"} {
		if diff := cmp.Diff(document("/mcp/demo"), one.get(path).json(t)); diff != "" {
			t.Errorf("one route, %s:\n%s", path, diff)
		}
	}
	for _, route := range []string{"/mcp/a", "/mcp/b"} {
		if diff := cmp.Diff(document(route), two.get(base+route).json(t)); diff != "" {
			t.Errorf("two routes, %s:\n%s", route, diff)
		}
	}
	for _, path := range two.gateway.Report.Paths {
		if path.Path == base {
			t.Error("with two routes the root would contradict one of them, and is declared")
		}
	}
}

func TestQ39_AnyOriginAndNoCredentials(t *testing.T) {
	w := newWorld(t)
	closed := []string{
		"/oauth/introspect", "/oauth/authorize", "/oauth/consent", "/oauth/callback", "/oauth/grants", "/oauth/signed-out",
		"/clients", "/grants",
	}
	for _, path := range w.gateway.Report.Paths {
		got := w.do(w.browser, w.request(http.MethodOptions, path.Path, "", "Origin", "https://inspector.example",
			"Access-Control-Request-Headers", "mcp-protocol-version, x-other"))
		allowed := got.Header.Get("Access-Control-Allow-Origin")
		if got.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s allows credentials", path.Path)
		}
		if slices.Contains(closed, path.Path) {
			if allowed != "" || got.StatusCode != http.StatusMethodNotAllowed {
				t.Errorf("%s: status %d, allows %q", path.Path, got.StatusCode, allowed)
			}
			continue
		}
		if got.StatusCode != http.StatusNoContent || allowed != "*" ||
			got.Header.Get("Access-Control-Allow-Headers") != "mcp-protocol-version, x-other" {
			t.Errorf("%s: status %d, headers %v", path.Path, got.StatusCode, got.Header)
		}
	}
	if got := w.post("/oauth/token", nil); got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Error("an error of the token endpoint cannot be read by a script")
	}
}

func TestA8_PlainHTTPOnlyOnLoopback(t *testing.T) {
	w := newWorld(t)
	for _, path := range w.gateway.Report.Paths {
		if path.Admin { // the operator's listener is not the gateway's origin
			continue
		}
		method := http.MethodGet
		if slices.Contains([]string{
			"/oauth/token", "/oauth/register", "/oauth/consent", "/oauth/revoke", "/oauth/introspect",
		}, path.Path) {
			method = http.MethodPost
		}
		for _, bad := range []string{"http://mcp.example.com", "http://10.0.0.1:9000", "http://localhost.evil.example"} {
			got := w.do(w.browser, w.request(method, bad+path.Path, ""))
			if got.StatusCode != http.StatusBadRequest || !strings.Contains(got.body, "https") {
				t.Errorf("%s %s%s: %d %s", method, bad, path.Path, got.StatusCode, got.body)
			}
		}
	}
}

func TestQ11_ErrorsAreJSON(t *testing.T) {
	w := newWorld(t)
	w.wantError("GET token", w.get("/oauth/token"), http.StatusMethodNotAllowed, "invalid_request")
	w.wantError("GET register", w.get("/oauth/register"), http.StatusMethodNotAllowed, "invalid_request")
	got := w.do(w.browser, w.request(http.MethodPut, "/.well-known/oauth-authorization-server", ""))
	w.wantError("PUT metadata", got, http.StatusMethodNotAllowed, "invalid_request")
	if got.Header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
}

// B3: a client compares the resource with the URL it calls, so a path is not written anew on the way.
func TestB3_PathsStandAsOnTheWire(t *testing.T) {
	for _, path := range []string{"/mcp/a!b(c)*'d", "/mcp/a%20b", "/mcp/a%21b"} {
		w := newWorld(t, path)
		if got := w.get("/.well-known/oauth-protected-resource" + path).json(t)["resource"]; got != origin+path {
			t.Errorf("resource %v, want %s", got, origin+path)
		}
		challenge := w.get(path).Header.Get("WWW-Authenticate")
		if !strings.Contains(challenge, `resource_metadata="`+origin+"/.well-known/oauth-protected-resource"+path+`"`) {
			t.Errorf("challenge: %s", challenge)
		}
		w.wantCall("with the resource asked for", path, w.signIn("alice", "resource", origin+path).access, http.StatusOK)
	}
}
