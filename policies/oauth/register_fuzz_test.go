package oauth_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// FuzzRegistration sends client metadata to the registration endpoint. Whatever they hold, no answer is a fault; and of what
// is registered another reading of the same bytes says that the client asked for it, and that nobody else is answered
// where it is.
func FuzzRegistration(f *testing.F) {
	key, _ := json.Marshal(jose.JSONWebKey{Key: ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)), KeyID: "k1", Use: "sig"})
	for _, more := range []string{
		"", `"client_name":"\u0000\ud800"`, `"client_name":7`, `"redirect_uris":[]`, `"redirect_uris":null`,
		`"redirect_uris":["https://b.example/","https://b.example/#"]`, `"redirect_uris":["javascript:alert(1)"]`,
		`"Redirect_Uris":["https://evil.example/"]`, `"redirect_uris":["http://127.0.0.1.evil.example/"]`,
		`"redirect_uris":["cursor://anysphere.cursor-mcp/oauth/callback"]`, `"token_endpoint_auth_method":"client_secret_post"`,
		`"token_endpoint_auth_method":"client_secret_basic"`, `"token_endpoint_auth_method":"private_key_jwt"`,
		`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + string(key) + `]}`,
		`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		`"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://127.0.0.1/keys"`,
		`"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + string(key) + `]},"jwks_uri":"https://k.example/"`,
		`"jwks":{"keys":[]}`, `"grant_types":["implicit"]`, `"response_types":["token"]`, `"application_type":"web"`,
		`"scope":"mcp:tools admin"`, `"client_uri":"http://10.0.0.1/"`, `"logo_uri":"file:///etc/passwd"`, `"contacts":[""]`,
		`"client_id":"https://evil.example/","client_secret":"x","client_id_issued_at":0`,
	} {
		f.Add(`{"redirect_uris":["https://app.example/cb"]` + strings.TrimSuffix(","+more, ",") + `}`)
	}
	f.Add(`[]`)
	f.Add(`{"redirect_uris":["https://app.example/cb"]} {}`)
	f.Add("")
	var w *tokenFuzz
	f.Fuzz(func(t *testing.T, body string) {
		if w == nil {
			w = newTokenFuzz(t)
		}
		w.T = t
		got := w.send(t, "/oauth/register", "application/json", body, "")
		members := got.json(t)
		switch code, _ := members["error"].(string); got.StatusCode {
		case http.StatusCreated:
			wantRegistered(t, members, body)
		case http.StatusRequestEntityTooLarge:
		case http.StatusBadRequest:
			if code != "invalid_client_metadata" && code != "invalid_redirect_uri" {
				t.Errorf("answered %s", got.body)
			}
		default:
			t.Errorf("answered %d %s", got.StatusCode, got.body)
		}
		w.forget(t)
	})
}

// wantRegistered wants what was registered to be what was asked for, by a reading into an open map.
func wantRegistered(t *testing.T, got map[string]any, body string) {
	t.Helper()
	var asked map[string]any
	if err := json.Unmarshal([]byte(body), &asked); err != nil {
		t.Fatalf("registered, and not JSON: %v", err)
	}
	id, _ := got["client_id"].(string)
	if !strings.HasPrefix(id, "dw-") || got["client_id"] == asked["client_id"] {
		t.Errorf("registered as %q", id)
	}
	for name, value := range got {
		if value == "" {
			t.Errorf("%s is empty", name)
		}
	}
	for _, name := range []string{"client_name", "software_id", "software_version", "client_uri", "logo_uri", "tos_uri", "policy_uri"} {
		if wanted, _ := asked[name].(string); wanted != "" && got[name] != wanted || wanted == "" && got[name] != nil {
			t.Errorf("%s is %q, asked for was %q", name, got[name], asked[name])
		}
	}
	if !reflect.DeepEqual(got["redirect_uris"], asked["redirect_uris"]) {
		t.Errorf("answered at %q, asked for was %q", got["redirect_uris"], asked["redirect_uris"])
	}
	uris, _ := got["redirect_uris"].([]any)
	if len(uris) == 0 || slices.ContainsFunc(uris, func(uri any) bool { return !ownedByOne(uri) }) {
		t.Errorf("answered at %q", uris)
	}
	wantProof(t, got, asked)
}

// ownedByOne says whether a redirect URI leads to one place, which is a host's with TLS or on the person's own machine.
func ownedByOne(uri any) bool {
	text, _ := uri.(string)
	at, err := url.Parse(text)
	switch {
	case err != nil || at.User != nil || strings.ContainsAny(text, "# \\\t\r\n"):
		return false
	case at.Scheme == "http":
		return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, at.Hostname())
	}
	return at.Scheme == "https" && at.Hostname() != "" || text == "cursor://anysphere.cursor-mcp/oauth/callback"
}

// wantProof wants a client to prove who it is as it asked to, and by nothing that others may have.
func wantProof(t *testing.T, got, asked map[string]any) {
	t.Helper()
	method, _ := asked["token_endpoint_auth_method"].(string)
	if method == "" {
		method = "none"
	}
	secret, _ := got["client_secret"].(string)
	shared := method == "client_secret_basic" || method == "client_secret_post"
	if got["token_endpoint_auth_method"] != method || shared != (len(secret) == 52) || !shared && got["client_secret"] != nil ||
		secret != "" && secret == asked["client_secret"] {
		t.Errorf("%v is to prove itself by %v, with a secret of %d characters", method, got["token_endpoint_auth_method"], len(secret))
	}
	keys, there := got["jwks"]
	if signs := method == "private_key_jwt"; signs != (there != (got["jwks_uri"] != nil)) || !signs && there {
		t.Errorf("%v, with keys %v, at %v", method, keys, got["jwks_uri"])
	}
	text, _ := json.Marshal(keys)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); there && (err != nil || len(set.Keys) == 0) {
		t.Errorf("keys %s: %v", text, err)
	}
	for _, key := range set.Keys {
		if !key.IsPublic() || !key.Valid() {
			t.Errorf("the key %q is not a public one", key.KeyID)
		}
	}
}
