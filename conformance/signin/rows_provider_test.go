package signin

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	claimsFile  = "policies/oidclogin/claims.go"
	idTokenFile = "policies/oidclogin/idtoken.go"
	loginFile   = "policies/oidclogin/oidclogin.go"
	keysFile    = "policies/oidclogin/keys.go"
)

func providerRows() []row {
	return []row{
		{
			id: "C1", holds: "the provider's keys rotate under the gateway's feet: the new one is good at once",
			in: alone, play: newKey,
			breaks: []edit{{keysFile, `if k.last != nil && time.Since(k.refetched) < keyInterval {`, `if k.last != nil {`}},
		},
		{
			id: "C1: the retired key", holds: "a key that the provider has taken back signs nobody in",
			in: alone, play: retiredKey,
			breaks: []edit{{keysFile, `	k.last = body
`, `
	var before struct{ Keys []json.RawMessage }
	_ = json.Unmarshal(k.last, &before)
	k.last, _ = json.Marshal(map[string]any{"keys": append(set.Keys, before.Keys...)})
`}},
		},
		{
			id:     "C2",
			holds:  "the provider is asked for a code with state, nonce and S256 challenge, which is redeemed with its verifier",
			play:   codeFlow,
			breaks: []edit{{loginFile, `, oauth2.S256ChallengeOption(login.Verifier))`, `)`}},
		},
		{
			id: "C3", holds: "an ID token counts only if it is one, is signed by the provider, names us, and is of now",
			play:   idTokens(otherIDTokens),
			breaks: []edit{{idTokenFile, `present && !strings.EqualFold(text, "JWT") {`, `present && strings.EqualFold(text, "none") {`}},
		},
		{
			id: "C7", holds: "the provider's tokens open nothing here, and nobody gets to see them",
			play: providerTokens,
			breaks: []edit{{"policies/oauth/challenge.go", `	case !secret.AccessToken.Valid(token):
`, `
	case strings.Count(token, ".") == 2:
		return policies.Decision{Outcome: policies.Allow, Principal: &policies.Principal{Issuer: "x", Subject: "x"}}, nil
	case !secret.AccessToken.Valid(token):
`}},
		},
		{
			id: "S29", holds: "no forged, foreign or stale ID token signs anybody in",
			play:   idTokens(forgedIDTokens),
			breaks: []edit{{claimsFile, `case hasParty && c.text("azp") != clientID:`, `case hasParty && c.text("azp") == "":`}},
		},
	}
}

func newKey(t *testing.T, _ *world) {
	w := start(t, public, "")
	a := w.register(t, "Keys")
	w.browser(t).signedIn(t, a, ada())
	w.provider.rotate(t)
	w.browser(t).signedIn(t, a, ada())
}

func retiredKey(t *testing.T, _ *world) {
	w := start(t, public, "")
	a := w.register(t, "Keys")
	w.browser(t).signedIn(t, a, ada())
	retired := w.provider.rotate(t)
	w.browser(t).signedIn(t, a, ada())
	refused := func(what string, key jose.JSONWebKey) {
		t.Helper()
		b := w.browser(t)
		back, _ := w.provider.signIn(t, b.approved(a), ada(), func(v *visit) {
			v.forge = func(claims map[string]any) string { return sign(jose.RS256, key, "JWT", claims) }
		})
		wantPage(t, what, b.get(back.String()), http.StatusBadRequest)
	}
	refused("the retired key", retired)
	renamed := retired
	renamed.KeyID = w.provider.current().KeyID
	refused("the retired key under the new one's name", renamed)
	w.browser(t).signedIn(t, a, ada())
}

func codeFlow(t *testing.T, w *world) {
	a := w.register(t, "Code flow")
	seen := map[string]bool{}
	for range 3 {
		b := w.browser(t)
		back, v := w.provider.signIn(t, b.approved(a), ada())
		b.answered(a, b.get(back.String()))
		for name, want := range map[string]string{
			"response_type": "code", "client_id": clientID, "redirect_uri": w.origin + "/oauth/callback",
			"scope": "openid profile email", "code_challenge_method": "S256", "code_challenge": s256(v.verifier),
		} {
			if got := v.asked[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if len(v.verifier) < 43 || v.asked.Has("response_mode") {
			t.Errorf("the verifier %q, the response mode %q", v.verifier, v.asked["response_mode"])
		}
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if value := v.asked.Get(name); len(value) < 43 || seen[value] {
				t.Errorf("%s is %q", name, value)
			}
			seen[v.asked.Get(name)] = true
		}
		if v.asked.Has("prompt") {
			t.Errorf("the provider is told prompt=%s, though nobody asked for it", v.asked.Get("prompt"))
		}
	}
	if at := w.browser(t).approved(a, "prompt", "login"); at.Query().Get("prompt") != "login" {
		t.Errorf("the provider is not told that the person is to sign in anew: %s", at)
	}
}

// lie is an ID token that is not to be believed.
type lie struct {
	name string
	// change changes the claims; forge, if set, makes the token.
	change func(claims map[string]any)
	forge  func(p *provider, claims map[string]any) string
}

// set answers a change of one claim. nil takes it away.
func set(name string, value any) func(map[string]any) {
	return func(claims map[string]any) {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
}

func ago(d time.Duration) int64 { return time.Now().Add(-d).Unix() }

func forgedIDTokens() []lie {
	unsigned := func(header string) func(*provider, map[string]any) string {
		return func(_ *provider, claims map[string]any) string {
			payload, err := json.Marshal(claims)
			if err != nil {
				panic(err) // claims are plain values
			}
			encode := base64.RawURLEncoding.EncodeToString
			return encode([]byte(header)) + "." + encode(payload) + "."
		}
	}
	return []lie{
		{name: "alg none", forge: unsigned(`{"alg":"none","typ":"JWT"}`)},
		{name: "alg None", forge: unsigned(`{"alg":"None","typ":"JWT"}`)},
		{name: "RS256 without a signature", forge: unsigned(`{"alg":"RS256","typ":"JWT"}`)},
		{name: "HS256 with the public key in PEM", forge: func(p *provider, claims map[string]any) string {
			der, err := x509.MarshalPKIXPublicKey(&p.key.Key.(*rsa.PrivateKey).PublicKey)
			if err != nil {
				panic(err) // the key is an RSA key
			}
			return sign(jose.HS256, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "JWT", claims)
		}},
		{name: "HS256 with the client secret", forge: func(_ *provider, claims map[string]any) string {
			return sign(jose.HS256, []byte(clientSecret), "JWT", claims)
		}},
		{name: "HS256 with the modulus", forge: func(p *provider, claims map[string]any) string {
			return sign(jose.HS256, p.key.Key.(*rsa.PrivateKey).N.Bytes(), "JWT", claims)
		}},
		{name: "wrong aud", change: set("aud", "another-client")},
		{name: "no aud", change: set("aud", nil)},
		{name: "aud with ours as a part", change: set("aud", clientID+"-2")},
		{name: "wrong iss", change: set("iss", "https://evil.example")},
		{name: "iss with a slash more", change: func(c map[string]any) { c["iss"] = c["iss"].(string) + "/" }},
		{name: "no iss", change: set("iss", nil)},
		{name: "expired", change: set("exp", ago(2*time.Minute))},
		{name: "no exp", change: set("exp", nil)},
		{name: "no nonce", change: set("nonce", nil)},
		{name: "empty nonce", change: set("nonce", "")},
		{name: "wrong nonce", change: set("nonce", "another-nonce")},
		{name: "foreign azp", change: set("azp", "another-client")},
		{name: "foreign azp beside our aud", change: func(c map[string]any) {
			c["aud"], c["azp"] = []string{clientID, "another-client"}, "another-client"
		}},
	}
}

func otherIDTokens() []lie {
	typ := func(typ string) func(*provider, map[string]any) string {
		return func(p *provider, claims map[string]any) string { return sign(jose.RS256, p.key, typ, claims) }
	}
	return []lie{
		{name: "an access token of the provider's", forge: typ("at+jwt")},
		{name: "an access token under its long name", forge: typ("application/at+jwt")},
		{name: "a logout token", forge: typ("logout+jwt")},
		{name: "a key that nobody published", forge: func(_ *provider, claims map[string]any) string {
			return sign(jose.RS256, jose.JSONWebKey{Key: strangersKey(), KeyID: "unknown"}, "JWT", claims)
		}},
		{name: "a key that nobody published under a known name", forge: func(p *provider, claims map[string]any) string {
			return sign(jose.RS256, jose.JSONWebKey{Key: strangersKey(), KeyID: p.key.KeyID}, "JWT", claims)
		}},
		{name: "RS512, which nobody allowed", forge: func(p *provider, claims map[string]any) string {
			return sign(jose.RS512, jose.JSONWebKey{Key: p.key.Key, KeyID: p.key.KeyID}, "JWT", claims)
		}},
		{name: "changed after it was signed", forge: func(p *provider, claims map[string]any) string {
			parts := strings.Split(sign(jose.RS256, p.key, "JWT", claims), ".")
			claims["sub"] = grace().sub
			parts[1] = strings.Split(sign(jose.RS256, p.key, "JWT", claims), ".")[1]
			return strings.Join(parts, ".")
		}},
		{name: "no JWT", forge: func(*provider, map[string]any) string { return "opaque" }},
		{name: "none at all", forge: func(*provider, map[string]any) string { return "" }},
		{name: "several aud and no azp", change: set("aud", []string{clientID, "another-client"})},
		{name: "issued tomorrow", change: set("iat", ago(-24*time.Hour))},
		{name: "no iat", change: set("iat", nil)},
		{name: "not valid yet", change: set("nbf", ago(-time.Hour))},
		{name: "no sub", change: set("sub", nil)},
		{name: "empty sub", change: set("sub", "")},
		{name: "sub in capitals", change: func(c map[string]any) { c["Sub"] = c["sub"]; delete(c, "sub") }},
		{name: "a sub that is a number", change: set("sub", 7)},
		{name: "a sub with a line end", change: set("sub", "user\nada")},
	}
}

func strangersKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err) // only a size that is too small fails
	}
	return key
}

// idTokens plays a table of lies: nobody is signed in by any. What is close to them and true signs in.
func idTokens(lies func() []lie) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		a := w.register(t, "Lies")
		for _, l := range lies() {
			b := w.browser(t)
			back, v := w.provider.signIn(t, b.approved(a), ada(), func(v *visit) {
				if l.change != nil {
					l.change(v.claims)
				}
				if l.forge != nil {
					v.forge = func(claims map[string]any) string { return l.forge(w.provider, claims) }
				}
			})
			got := b.get(back.String())
			if got.to() != nil || got.status < 400 || b.cookie("-session") != "" {
				t.Errorf("%s: %d %s, session %t", l.name, got.status, got.header.Get("Location"), b.cookie("-session") != "")
			}
			if w.provider.redeemed(v) != 1 {
				t.Errorf("%s: the provider's token was not even fetched", l.name)
			}
		}
		for name, change := range map[string]func(map[string]any){
			"aud in a list": set("aud", []string{clientID}), "our azp": set("azp", clientID),
			"several aud with our azp": func(c map[string]any) { c["aud"], c["azp"] = []string{"x", clientID}, clientID },
			"a clock that differs":     set("iat", ago(-30*time.Second)),
		} {
			t.Logf("true: %s", name)
			w.browser(t).signedIn(t, a, ada(), func(v *visit) { change(v.claims) })
		}
	}
}

func providerTokens(t *testing.T, w *world) {
	a := w.register(t, "Tokens")
	b := w.browser(t)
	at := b.approved(a)
	back, v := w.provider.signIn(t, at, ada())
	answer := b.get(back.String())
	got := a.redeem(t, b.answered(a, answer).Get("code"))
	_, told := w.call(t, got.Access)
	if len(v.tokens) != 3 {
		t.Fatalf("the provider gave %d tokens", len(v.tokens))
	}
	seen := strings.Join([]string{answer.header.Get("Location"), answer.body, got.text, w.Log.Text()}, "\n")
	for _, values := range []http.Header{answer.header, told} {
		for name := range values {
			seen += "\n" + strings.Join(values[name], "\n")
		}
	}
	for i, token := range v.tokens {
		if strings.Contains(seen, token) {
			t.Errorf("the provider's token %d was let out", i)
		}
		w.wantCall(t, "the provider's token", token, http.StatusUnauthorized)
		if got := a.refresh(t, token); got.Error != "invalid_grant" {
			t.Errorf("the provider's token %d refreshes: %s", i, got.text)
		}
		if got := a.redeem(t, token); got.Error != "invalid_grant" {
			t.Errorf("the provider's token %d is redeemed: %s", i, got.text)
		}
	}
	if got := a.redeem(t, back.Query().Get("code")); got.Error != "invalid_grant" {
		t.Errorf("the provider's code is redeemed: %s", got.text)
	}
}
