package oauth_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies/oauth"
	"durward/policies/policytest"
)

func TestA24_A25_Q5_Q42_Registration(t *testing.T) {
	w := newWorld(t)
	cursor := `["cursor://anysphere.cursor-mcp/oauth/callback","https://www.cursor.com/agents/mcp/oauth/callback",` +
		`"http://localhost:8787/callback"]`
	tests := map[string]struct {
		body string
		want map[string]any
	}{
		"the least": {`{"redirect_uris":["http://127.0.0.1/"]}`, map[string]any{
			"redirect_uris": []any{"http://127.0.0.1/"}, "application_type": "native",
		}},
		"Q5 asks for a secret": {
			`{"redirect_uris":["https://claude.ai/api/mcp/auth_callback"],"token_endpoint_auth_method":"client_secret_post"}`,
			map[string]any{
				"redirect_uris": []any{"https://claude.ai/api/mcp/auth_callback"}, "application_type": "web",
				"token_endpoint_auth_method": "client_secret_post", "client_secret_expires_at": 0.0,
			},
		},
		"Q32 Cursor's three": {`{"client_name":"Cursor","redirect_uris":` + cursor + `}`, map[string]any{
			"client_name": "Cursor", "application_type": "web",
			"redirect_uris": []any{
				"cursor://anysphere.cursor-mcp/oauth/callback", "https://www.cursor.com/agents/mcp/oauth/callback",
				"http://localhost:8787/callback",
			},
		}},
		"Q23 Q54 empty members": {
			`{"redirect_uris":["https://a.example/%7Ecb?x=1"],"client_uri":"","logo_uri":"","contacts":[""]}`,
			map[string]any{"redirect_uris": []any{"https://a.example/%7Ecb?x=1"}, "application_type": "web"},
		},
		"Q7 scopes and more grants": {
			`{"redirect_uris":["https://a.example/cb"],"scope":"openid mcp:tools","software_id":"s",` +
				`"grant_types":["authorization_code","urn:ietf:params:oauth:grant-type:device_code"],` +
				`"response_types":["code"],"application_type":"native","client_uri":"https://a.example"}`,
			map[string]any{
				"redirect_uris": []any{"https://a.example/cb"}, "scope": "mcp:tools", "software_id": "s",
				"application_type": "native", "client_uri": "https://a.example",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := w.register(test.body)
			if got.StatusCode != http.StatusCreated || got.Header.Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v %s", got.StatusCode, got.Header, got.body)
			}
			members := got.json(t)
			id, _ := members["client_id"].(string)
			if id == "" || strings.HasPrefix(id, "https://") { // A22
				t.Errorf("client id %q", id)
			}
			if members["client_id_issued_at"] != float64(w.host.Clock.Now().Unix()) {
				t.Errorf("issued at %v", members["client_id_issued_at"])
			}
			if secret, issued := members["client_secret"].(string); issued != (test.want["client_secret_expires_at"] != nil) ||
				issued && (len(secret) != 52 || !strings.HasPrefix(secret, "dwk_")) {
				t.Errorf("a secret of %d characters, issued: %v", len(secret), issued)
			}
			for _, name := range []string{"client_id", "client_id_issued_at", "client_secret"} {
				delete(members, name)
			}
			if test.want["token_endpoint_auth_method"] == nil {
				test.want["token_endpoint_auth_method"] = "none"
			}
			test.want["grant_types"] = []any{"authorization_code", "refresh_token"}
			test.want["response_types"] = []any{"code"}
			if diff := cmp.Diff(test.want, members); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestS4_S5_S48_RefusedRegistrations(t *testing.T) {
	w := newWorld(t)
	const uri, metadata = "invalid_redirect_uri", "invalid_client_metadata"
	tests := map[string]struct{ body, code string }{
		"S48 no redirects":     {`{}`, uri},
		"S48 empty redirects":  {`{"redirect_uris":[]}`, uri},
		"S48 not a list":       {`{"redirect_uris":"https://a.example/cb"}`, uri},
		"S48 null redirects":   {`{"redirect_uris":null}`, uri},
		"S48 null in the list": {`{"redirect_uris":[null]}`, uri},
		"S48 null member":      {`{"redirect_uris":["https://a.example/cb"],"client_uri":null}`, metadata},
		"S48 implicit":         {`{"redirect_uris":["https://a.example/cb"],"grant_types":["implicit"]}`, metadata},
		"token responses":      {`{"redirect_uris":["https://a.example/cb"],"response_types":["token"]}`, metadata},
		"A14 shared key":       {signing(`"jwks":{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`), metadata},
		"A14 private key": {
			signing(`"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + publicKey + `","d":"` + publicKey + `"}]}`), metadata,
		},
		"no key at all":        {signing(`"jwks":{"keys":[]}`), metadata},
		"keys of no kind":      {signing(`"jwks":{"keys":[{"kty":"odd"}]}`), metadata},
		"jwks is a text":       {signing(`"jwks":"x"`), metadata},
		"jwks is null":         {signing(`"jwks":null`), metadata},
		"signs without keys":   {signing(`"client_name":"x"`), metadata},
		"jwks and jwks_uri":    {signing(goodKeys + `,"jwks_uri":"https://a.example/jwks"`), metadata},
		"plain http jwks_uri":  {signing(`"jwks_uri":"http://a.example/jwks"`), metadata},
		"S42 private jwks_uri": {signing(`"jwks_uri":"https://10.0.0.1/jwks"`), metadata},
		"S42 odd jwks_uri":     {signing(`"jwks_uri":"https://2130706433/jwks"`), metadata},
		"S42 NAT64 jwks_uri":   {signing(`"jwks_uri":"https://[64:ff9b::7f00:1]/jwks"`), metadata},
		"jwks_uri of a user":   {signing(`"jwks_uri":"https://a@b.example/jwks"`), metadata},
		"S42 local jwks_uri":   {signing(`"jwks_uri":"https://localhost/jwks"`), metadata},
		"signs by a secret":    {signing(goodKeys + `,"token_endpoint_auth_signing_alg":"HS256"`), metadata},
		"signs by nothing":     {signing(goodKeys + `,"token_endpoint_auth_signing_alg":"none"`), metadata},
		"client_secret_jwt":    {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_jwt"}`, metadata},
		"method is a number":   {`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":1}`, metadata},
		"odd type":             {`{"redirect_uris":["https://a.example/cb"],"application_type":"fridge"}`, metadata},
		"name is a number":     {`{"redirect_uris":["https://a.example/cb"],"client_name":1}`, metadata},
		"S71 key in odd case":  {`{"Redirect_URIs":["https://a.example/cb"]}`, uri},
		"not JSON":             {`redirect_uris=x`, metadata},
		"a list":               {`[]`, metadata},
		"null":                 {`null`, metadata},
		"two objects":          {`{"redirect_uris":["https://a.example/cb"]}{}`, metadata},
		"S5 script client_uri": {`{"redirect_uris":["https://a.example/cb"],"client_uri":"javascript:alert(1)"}`, metadata},
		"S5 internal logo_uri": {`{"redirect_uris":["https://a.example/cb"],"logo_uri":"http://169.254.169.254/"}`, metadata},
		"S5 mapped tos_uri":    {`{"redirect_uris":["https://a.example/cb"],"tos_uri":"http://[::ffff:10.0.0.1]/"}`, metadata},
		"S5 local policy_uri":  {`{"redirect_uris":["https://a.example/cb"],"policy_uri":"http://localhost/"}`, metadata},
		"S5 file jwks_uri":     {`{"redirect_uris":["https://a.example/cb"],"jwks_uri":"file:///etc/passwd"}`, metadata},
	}
	for _, bad := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///x", "blob:https://a/b",
		" https://a.example/cb", "https://a.example/c b", "https://a.example/\u202e", "https://a.example/\x7f",
		"java\tscript:alert(1)", "https://a.example/cb#", "https://a.example/cb#x", "https://user@a.example/cb",
		"https://good@evil.example/", "https:///cb", "https://", "https:a.example/cb", "HTTPS://a.example/cb",
		"http://a.example/cb", "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/",
		"http://2130706433/cb", "http://127.1/cb", "http://127.0.0.2/cb", "http://localhost:99999/", "http://localhost:/",
		"http://localhost:80@evil.example/", "http://LOCALHOST/cb", "https://*.example/cb", "https://a.example\\@evil/",
		"cursor://anysphere.cursor-mcp/oauth/callback2", "cursor://evil/oauth/callback", "com.example.app:/cb",
		"myapp://cb", "//a.example/cb", "/cb", "a.example/cb", "", "https://a.example/" + strings.Repeat("x", 2048),
	} {
		body, _ := json.Marshal(map[string]any{"redirect_uris": []string{"https://fine.example/cb", bad}})
		tests[fmt.Sprintf("S4 %.60q", bad)] = struct{ body, code string }{string(body), uri}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := &world{T: t, gateway: w.gateway}
			w.wantError("register", w.register(test.body), http.StatusBadRequest, test.code)
		})
	}
	if n := len(w.host.Store.Records()); n > 0 {
		t.Errorf("%d phantom clients", n)
	}
}

const (
	publicKey = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" // of RFC 8037 appendix A
	goodKeys  = `"jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + publicKey + `"}]}`
)

// signing is the registration of a client that signs, with these members besides.
func signing(members string) string {
	return `{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"private_key_jwt",` + members + `}`
}

// A24: what is kept is answered as it was given, and what does not belong to the method is left out.
func TestA24_Q5_KeysAndSecretsOfRegistrations(t *testing.T) {
	w := newWorld(t)
	for name, test := range map[string]struct {
		body string
		want map[string]any
	}{
		"key set": {signing(goodKeys + `,"token_endpoint_auth_signing_alg":"EdDSA"`), map[string]any{
			"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "EdDSA",
			"jwks": map[string]any{"keys": []any{map[string]any{"kty": "OKP", "crv": "Ed25519", "x": publicKey}}},
		}},
		"keys elsewhere": {signing(`"jwks_uri":"https://a.example/jwks"`), map[string]any{
			"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://a.example/jwks",
		}},
		"keys of a client that does not sign": {
			`{"redirect_uris":["https://a.example/cb"],"jwks_uri":"https://a.example/jwks","token_endpoint_auth_signing_alg":"RS256"}`,
			map[string]any{"token_endpoint_auth_method": "none"},
		},
		"Basic": {
			`{"redirect_uris":["https://a.example/cb"],"token_endpoint_auth_method":"client_secret_basic"}`,
			map[string]any{"token_endpoint_auth_method": "client_secret_basic", "client_secret_expires_at": 0.0},
		},
	} {
		got := w.register(test.body)
		members := got.json(t)
		secret, issued := members["client_secret"].(string)
		if got.Header.Get("Cache-Control") != "no-store" || issued && !strings.HasPrefix(secret, "dwk_") ||
			issued != (test.want["client_secret_expires_at"] != nil) {
			t.Errorf("%s: headers %v, secret %.4s…", name, got.Header, secret)
		}
		for _, common := range []string{
			"client_id", "client_id_issued_at", "client_secret", "redirect_uris", "grant_types", "response_types", "application_type",
		} {
			delete(members, common)
		}
		if diff := cmp.Diff(test.want, members); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestRegistrationSwitchedOff(t *testing.T) {
	on := newWorld(t)
	held := on.signIn("alice")
	gateway, err := policytest.NewGateway(on.host, oauth.Policy(on.provider),
		inputOf(`{"clientId":"c","gateway":{"registrationEnabled":false}}`, "/mcp/demo"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, host: on.host, provider: on.provider, gateway: gateway, browser: gateway.Client()}
	for _, path := range gateway.Report.Paths {
		if path.Path == "/oauth/register" {
			t.Error("the path is served")
		}
	}
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		if _, told := w.get(path).json(t)["registration_endpoint"]; told {
			t.Errorf("%s names the endpoint", path)
		}
	}
	if got := w.register(plainRegistration); got.StatusCode != http.StatusNotFound {
		t.Errorf("register: %d %s", got.StatusCode, got.body)
	}
	w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh))) // who has registered stays
}

func TestS45_BoundsOfRegistration(t *testing.T) {
	w := newWorld(t)
	many := `["https://a.example/1"` + strings.Repeat(`,"https://a.example/1"`, 16) + `]`
	w.wantError("17 redirects", w.register(`{"redirect_uris":`+many+`}`), http.StatusBadRequest, "invalid_redirect_uri")
	large := `{"redirect_uris":["https://a.example/1"],"x":"` + strings.Repeat("x", 16<<10) + `"}`
	w.wantError("16 kB", w.register(large), http.StatusRequestEntityTooLarge, "invalid_client_metadata")
	wrong := w.do(w.browser, w.request(http.MethodPost, "/oauth/register", `{"redirect_uris":["https://a.example/1"]}`))
	w.wantError("no content type", wrong, http.StatusBadRequest, "invalid_client_metadata")
}

func TestS47_ClientsLiveNinetyDaysFromTheirLastUse(t *testing.T) {
	const day = 24 * time.Hour
	w := newWorld(t)
	held := w.signIn("alice")
	for range 5 { // 125 days in all, refreshed within the 30 days of a refresh token
		w.host.Clock.Advance(25 * day)
		held = w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
	}
	w.host.Clock.Advance(90 * day)
	w.wantError("gone", w.post("/oauth/token", renewal(held.client, held.refresh)),
		http.StatusUnauthorized, "invalid_client")
	w.wantPage("gone", w.authorize(ask(held.client)), http.StatusBadRequest)
}

// A client outlives its refresh tokens also if it was not renewed with the last of them.
func TestS47_ClientsOutliveTheirRefreshTokens(t *testing.T) {
	w := newWorldWith(t, `{"clientId":"c","clientSecret":"s","gateway":{"refreshTokenTtlSeconds":31536000}}`)
	held := w.signIn("alice")
	w.host.Clock.Advance(20 * time.Hour)
	held = w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
	w.host.Clock.Advance(365*24*time.Hour - time.Hour)
	w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
}

func TestRegistrationWithoutStore(t *testing.T) {
	w := newWorld(t)
	w.host.Store.Intercept(func(string, []string, func() error) error { return errors.New("disk on fire") })
	got := w.register(`{"redirect_uris":["https://a.example/cb"]}`)
	w.wantError("store down", got, http.StatusServiceUnavailable, "temporarily_unavailable")
	if got.Header.Get("Retry-After") == "" || strings.Contains(got.body, "fire") {
		t.Errorf("headers %v, body %s", got.Header, got.body)
	}
}
