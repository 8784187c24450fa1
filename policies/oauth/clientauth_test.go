package oauth_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

func TestA1_A51_Q5_EveryMethodGoesAllTheWay(t *testing.T) {
	for _, method := range []string{"client_secret_basic", "client_secret_post", "private_key_jwt"} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			c := w.registerAs(method)
			id := c.id
			if method == "client_secret_basic" {
				id = "" // the form need not name the client
			}
			held := w.tokensOf(c.id, w.proven(c, "/oauth/token", redemption(id, w.code(c.id, "alice"))))
			w.wantCall("first", "/mcp/demo", held.access, http.StatusOK)
			held = w.tokensOf(c.id, w.proven(c, "/oauth/token", renewal(id, held.refresh)))
			w.wantCall("refreshed", "/mcp/demo", held.access, http.StatusOK)
			// Without the proof it is of no use to whoever holds it.
			w.wantError("stolen", w.post("/oauth/token", renewal(c.id, held.refresh)), http.StatusUnauthorized, "invalid_client")
			w.tokensOf(c.id, w.proven(c, "/oauth/token", renewal(id, held.refresh)))
		})
	}
}

func TestQ22_BasicMayRepeatTheClientInTheForm(t *testing.T) {
	w := newWorld(t)
	c := w.registerAs("client_secret_basic")
	form := redemption(c.id, w.code(c.id, "alice"))
	w.wantError("another client", w.post("/oauth/token", change(form, "client_id", w.client()),
		"Authorization", basic(c.id, c.secret)), http.StatusUnauthorized, "invalid_client")
	w.tokensOf(c.id, w.post("/oauth/token", change(form, "client_id", c.id), "Authorization", basic(c.id, c.secret)))
}

func TestS59_TheRegisteredMethodIsEnforced(t *testing.T) {
	w := newWorld(t)
	clients := map[string]confidential{
		"none":                {id: w.client()},
		"client_secret_basic": w.registerAs("client_secret_basic"),
		"client_secret_post":  w.registerAs("client_secret_post"),
		"private_key_jwt":     w.registerAs("private_key_jwt"),
	}
	foreign := w.registerAs("private_key_jwt").key
	for registered, c := range clients {
		form := func() url.Values { return renewal(c.id, "dwr_x") }
		secret := c.secret
		if secret == "" {
			secret = "secret"
		}
		signer := c
		if signer.key == nil {
			signer.key = foreign
		}
		sent := map[string]answer{
			"none":                w.post("/oauth/token", form()),
			"client_secret_basic": w.post("/oauth/token", form(), "Authorization", basic(c.id, secret)),
			"client_secret_post":  w.post("/oauth/token", change(form(), "client_secret", secret)),
			"private_key_jwt":     w.post("/oauth/token", signedBy(form(), w.assert(signer, nil))),
		}
		for method, got := range sent {
			what := fmt.Sprintf("registered with %s, sends %s", registered, method)
			if method == registered {
				w.wantError(what, got, http.StatusBadRequest, "invalid_grant")
				continue
			}
			w.wantError(what, got, http.StatusUnauthorized, "invalid_client")
			if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (method == "client_secret_basic") {
				t.Errorf("A50: %s: WWW-Authenticate %q", what, got.Header.Get("WWW-Authenticate"))
			}
		}
	}
}

func TestA51_S60_WrongCredentials(t *testing.T) {
	w := newWorld(t)
	byHeader, byForm, bySignature := w.registerAs("client_secret_basic"), w.registerAs("client_secret_post"), w.registerAs("private_key_jwt")
	raw := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	form := func(id string, changes ...string) url.Values { return renewal(id, "dwr_x", changes...) }
	assertion := w.assert(bySignature, nil)
	const bad, unknown = "invalid_request", "invalid_client"
	for name, test := range map[string]struct {
		form   url.Values
		header []string
		code   string
	}{
		"wrong secret":           {form(""), []string{basic(byHeader.id, byHeader.secret+"x")}, unknown},
		"empty secret":           {form(""), []string{basic(byHeader.id, "")}, unknown},
		"another's secret":       {form(""), []string{basic(byHeader.id, byForm.secret)}, unknown},
		"digest of the secret":   {form(""), []string{basic(byHeader.id, digestOf(byHeader.secret))}, unknown},
		"unknown client":         {form(""), []string{basic("dw-unknown", byHeader.secret)}, unknown},
		"no client":              {form(""), []string{basic("", byHeader.secret)}, unknown},
		"S60 no colon":           {form(""), []string{raw(byHeader.id)}, unknown},
		"S60 bad percent":        {form(""), []string{raw(byHeader.id + ":%zz")}, unknown},
		"S60 not base64":         {form(""), []string{"Basic !!!"}, unknown},
		"S60 nothing":            {form(""), []string{"Basic"}, unknown},
		"S60 URL-safe base64":    {form(""), []string{"Basic " + base64.RawURLEncoding.EncodeToString([]byte("a?:b>"))}, unknown},
		"another scheme":         {form(byHeader.id), []string{"Bearer x"}, unknown},
		"two headers":            {form(""), []string{basic(byHeader.id, byHeader.secret), basic(byHeader.id, byHeader.secret)}, bad},
		"header and secret":      {form(byHeader.id, "client_secret", byHeader.secret), []string{basic(byHeader.id, byHeader.secret)}, bad},
		"header and assertion":   {signedBy(form(""), assertion), []string{basic(byHeader.id, byHeader.secret)}, bad},
		"secret and assertion":   {signedBy(form(byForm.id), assertion, "client_secret", byForm.secret), nil, bad},
		"wrong secret in form":   {form(byForm.id, "client_secret", "dwk_x"), nil, unknown},
		"secret without client":  {form("", "client_secret", byForm.secret), nil, bad},
		"nothing at all":         {form(""), nil, bad},
		"no assertion type":      {signedBy(form(bySignature.id), assertion, "client_assertion_type", ""), nil, bad},
		"another assertion type": {signedBy(form(bySignature.id), assertion, "client_assertion_type", "urn:x"), nil, bad},
		"no assertion":           {signedBy(form(bySignature.id), assertion, "client_assertion", ""), nil, bad},
		"noise for an assertion": {signedBy(form(bySignature.id), "a.b.c"), nil, unknown},
		"another's client_id":    {signedBy(form(byForm.id), assertion), nil, unknown},
	} {
		var header []string
		for _, value := range test.header {
			header = append(header, "Authorization", value)
		}
		got := w.post("/oauth/token", test.form, header...)
		status := http.StatusBadRequest
		if test.code == unknown {
			status = http.StatusUnauthorized
		}
		w.wantError(name, got, status, test.code)
		if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (status == http.StatusUnauthorized && header != nil) {
			t.Errorf("A50: %s: WWW-Authenticate %q", name, got.Header.Get("WWW-Authenticate"))
		}
		w.host.Clock.Advance(time.Minute) // so that none is one too many
	}
}

func digestOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func TestS43_Assertions(t *testing.T) {
	w := newWorld(t)
	c := w.registerAs("private_key_jwt")
	other := w.registerAs("private_key_jwt")
	send := func(assertion string) answer {
		w.host.Clock.Advance(time.Second)
		return w.post("/oauth/token", signedBy(renewal("", "dwr_x"), assertion))
	}
	const fine = "invalid_grant" // the client is known, its token is not
	now := func() time.Time { return w.host.Clock.Now() }
	for name, test := range map[string]struct {
		changes map[string]any
		accept  bool
	}{
		"as it should be":    {nil, true},
		"for the endpoint":   {map[string]any{"aud": origin + "/oauth/token"}, true},
		"for another server": {map[string]any{"aud": "https://other.example"}, false},
		"for two":            {map[string]any{"aud": []string{origin, "https://other.example"}}, false},
		"issued by another":  {map[string]any{"iss": other.id}, false},
		"about another":      {map[string]any{"sub": other.id}, false},
		"expired":            {map[string]any{"exp": now().Add(-2 * time.Minute).Unix()}, false},
		"for too long":       {map[string]any{"exp": now().Add(time.Hour).Unix()}, false},
		"without end":        {map[string]any{"exp": nil}, false},
		"without a jti":      {map[string]any{"jti": nil}, false},
		"from the future":    {map[string]any{"nbf": now().Add(time.Hour).Unix()}, false},
	} {
		status, code := http.StatusUnauthorized, "invalid_client"
		if test.accept {
			status, code = http.StatusBadRequest, fine
		}
		w.wantError(name, send(w.assert(c, test.changes)), status, code)
	}
	stolen := confidential{id: c.id, key: other.key}
	w.wantError("another's key", send(w.assert(stolen, nil)), http.StatusUnauthorized, "invalid_client")

	once := w.assert(c, map[string]any{"jti": "once"})
	w.wantError("first use", send(once), http.StatusBadRequest, fine)
	w.wantError("replay", send(once), http.StatusUnauthorized, "invalid_client")
	w.wantError("the same jti anew", send(w.assert(c, map[string]any{"jti": "once"})), http.StatusUnauthorized, "invalid_client")
	w.wantError("another's jti", send(w.assert(other, map[string]any{"jti": "once"})), http.StatusBadRequest, fine)
	w.host.Clock.Advance(2 * time.Minute)
	w.wantError("replay after its end", send(once), http.StatusUnauthorized, "invalid_client")
	w.wantError("a jti of long ago", send(w.assert(c, map[string]any{"jti": "once"})), http.StatusBadRequest, fine)

	reasons := map[string]int{}
	for _, event := range w.host.Audit.Named("client.refused") {
		if event.Client != c.id && event.Client != other.id || event.ClientHost != "app.example" {
			t.Errorf("event %+v", event)
		}
		reasons[event.Reason]++
	}
	if reasons["assertion_replayed"] != 2 || reasons["wrong_assertion"] < 7 {
		t.Errorf("refusals: %v", reasons)
	}
}

// A client may say with which algorithm it signs: then no other counts, also not one that its key could do.
func TestS43_TheAlgorithmThatAClientNames(t *testing.T) {
	w := newWorld(t)
	public, private, _ := ed25519.GenerateKey(nil)
	set, _ := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "k1"}}})
	for alg, code := range map[string]string{"EdDSA": "invalid_grant", "ES256": "invalid_client"} {
		got := w.register(`{"redirect_uris":["` + redirect + `"],"token_endpoint_auth_method":"private_key_jwt","jwks":` + string(set) +
			`,"token_endpoint_auth_signing_alg":"` + alg + `"}`).json(t)
		c := confidential{id: got["client_id"].(string), key: private}
		answer := w.post("/oauth/token", signedBy(renewal("", "dwr_x"), w.assert(c, nil)))
		if got["token_endpoint_auth_signing_alg"] != alg || answer.json(t)["error"] != code {
			t.Errorf("%s: registered %v, answered %s", alg, got, answer.body)
		}
	}
}

// A client may keep its keys at a URL: then those of the moment count, and while they cannot be had nothing is said of the
// client (S58).
func TestS43_S58_KeysAtAURL(t *testing.T) {
	w, vendor := newSite(t, "")
	const at = "https://vendor.example/jwks.json"
	first, second := w.registerAs("private_key_jwt"), w.registerAs("private_key_jwt")
	publish := func(keys ...confidential) {
		set := []any{}
		for _, c := range keys {
			set = append(set, publicHalf(c))
		}
		vendor.put(at, map[string]any{"keys": set})
	}
	publish(first)
	id := w.register(`{"redirect_uris":["` + redirect + `"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"` + at + `"}`).
		json(t)["client_id"].(string)
	first.id, second.id = id, id
	if vendor.fetches() != 0 {
		t.Error("a registration fetches keys")
	}
	known := func(what string, c confidential, status int, code string) {
		t.Helper()
		w.wantError(what, w.post("/oauth/token", signedBy(renewal("", "dwr_x"), w.assert(c, nil))), status, code)
	}
	known("its key", first, http.StatusBadRequest, "invalid_grant")
	known("another key", second, http.StatusUnauthorized, "invalid_client")
	publish(second)
	known("its new key", second, http.StatusBadRequest, "invalid_grant")
	known("its old key", first, http.StatusUnauthorized, "invalid_client")
	vendor.setDown(true)
	known("keys that cannot be had", second, http.StatusServiceUnavailable, "temporarily_unavailable")
	vendor.setDown(false)
	vendor.put(at, map[string]any{"keys": []any{}})
	known("keys that are none", second, http.StatusUnauthorized, "invalid_client")

	// What is wrong for itself sends nobody to the client's host.
	before := vendor.fetches()
	w.post("/oauth/token", signedBy(renewal("", "dwr_x"), w.assert(second, map[string]any{"aud": "https://other.example"})))
	if vendor.fetches() != before {
		t.Error("keys were fetched for nonsense")
	}
}

// A fault is no statement about a client (S58): neither of its record nor of what keeps an assertion from coming twice.
func TestS58_FaultsWhileAClientIsAuthenticated(t *testing.T) {
	w := newWorld(t)
	c := w.registerAs("private_key_jwt")
	for _, kind := range []string{"client/", "jti/"} {
		w.host.Store.Intercept(func(_ string, keys []string, do func() error) error {
			if strings.HasPrefix(keys[0], kind) {
				return errors.New("disk on fire")
			}
			return do()
		})
		w.wantError(kind, w.post("/oauth/token", signedBy(renewal("", "dwr_x"), w.assert(c, nil))),
			http.StatusServiceUnavailable, "temporarily_unavailable")
	}
}

// G10: neither a secret nor an assertion is anywhere.
func TestG10_ClientSecretsAreNowhere(t *testing.T) {
	w := newWorld(t)
	var secrets []string
	for _, method := range []string{"client_secret_basic", "client_secret_post"} {
		c := w.registerAs(method)
		secrets = append(secrets, c.secret, basic(c.id, c.secret))
		w.post("/oauth/token", change(renewal(c.id, "dwr_x"), "client_secret", c.secret))
		w.post("/oauth/token", renewal("", "dwr_x"), "Authorization", basic(c.id, c.secret))
	}
	c := w.registerAs("private_key_jwt")
	assertion := w.assert(c, map[string]any{"jti": "canary-jti"})
	secrets = append(secrets, assertion, "canary-jti")
	for range 2 {
		w.post("/oauth/token", signedBy(renewal("", "dwr_x"), assertion))
	}
	var everything strings.Builder
	for _, record := range w.host.Store.Records() {
		everything.WriteString(record.Key + string(record.Value) + "\n")
	}
	everything.WriteString(w.host.Log.String())
	for _, event := range w.host.Audit.Events() {
		text, _ := json.Marshal(event)
		everything.Write(text)
	}
	for _, secret := range secrets {
		if strings.Contains(everything.String(), secret) {
			t.Errorf("%.6s… lies open", secret)
		}
	}
}
