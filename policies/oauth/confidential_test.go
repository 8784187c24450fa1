package oauth_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What an MCP client does that proves who it is.

// confidential is a client that proves who it is.
type confidential struct {
	id, secret string
	key        ed25519.PrivateKey
}

// registerAs registers a client with one of the methods of the token endpoint.
func (w *world) registerAs(method string) confidential {
	w.Helper()
	c := confidential{}
	metadata := map[string]any{
		"client_name": "A Service", "redirect_uris": []string{redirect}, "token_endpoint_auth_method": method,
	}
	if method == "private_key_jwt" {
		_, private, err := ed25519.GenerateKey(nil)
		if err != nil {
			w.Fatal(err)
		}
		c.key = private
		metadata["jwks"] = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{publicHalf(c)}}
	}
	body, _ := json.Marshal(metadata)
	got := w.register(string(body))
	members := got.json(w.T)
	if got.StatusCode != http.StatusCreated || members["token_endpoint_auth_method"] != method {
		w.Fatalf("register: %d %s", got.StatusCode, got.body)
	}
	c.id = members["client_id"].(string)
	c.secret, _ = members["client_secret"].(string)
	return c
}

// assert signs an assertion of the client, changed by changes: nil takes a claim away.
func (w *world) assert(c confidential, changes map[string]any) string {
	w.Helper()
	now := w.host.Clock.Now()
	claims := map[string]any{
		"iss": c.id, "sub": c.id, "aud": origin, "jti": rand.Text(), "exp": now.Add(time.Minute).Unix(), "iat": now.Unix(),
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return w.sign(c.key, claims)
}

func (w *world) sign(key crypto.Signer, claims map[string]any) string {
	w.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key},
		(&jose.SignerOptions{}).WithHeader("kid", "k1"))
	if err != nil {
		w.Fatal(err)
	}
	payload, _ := json.Marshal(claims)
	signed, err := signer.Sign(payload)
	if err != nil {
		w.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		w.Fatal(err)
	}
	return text
}

func signedBy(form url.Values, assertion string, changes ...string) url.Values {
	return change(change(form,
		"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
		"client_assertion", assertion), changes...)
}

// publicHalf is the JWK of a client's key.
func publicHalf(c confidential) jose.JSONWebKey {
	return jose.JSONWebKey{Key: c.key.Public(), KeyID: "k1", Use: "sig"}
}

// basic writes the two as RFC 6749 section 2.3.1 has them.
func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

// proven sends a form as the client that it is.
func (w *world) proven(c confidential, target string, form url.Values) answer {
	w.Helper()
	switch {
	case c.key != nil:
		return w.post(target, signedBy(form, w.assert(c, nil)))
	case form.Get("client_id") != "":
		return w.post(target, change(form, "client_secret", c.secret))
	}
	return w.post(target, form, "Authorization", basic(c.id, c.secret))
}
