package assertion_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/assertion"
)

const (
	clientID = "https://app.example/client.json"
	issuer   = "https://mcp.example.com"
	endpoint = issuer + "/oauth/token"
)

// now is when everything here happens.
func now() time.Time { return time.Unix(1_800_000_000, 0) }

func expected() assertion.Expected {
	return assertion.Expected{Client: clientID, Audiences: []string{issuer, endpoint}, Now: now()}
}

// claims are good ones, changed: nil takes one away.
func claims(changes map[string]any) map[string]any {
	good := map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": "j1", "exp": now().Add(time.Minute).Unix(),
		"iat": now().Unix(),
	}
	maps.Copy(good, changes)
	maps.DeleteFunc(good, func(_ string, value any) bool { return value == nil })
	return good
}

func sign(t testing.TB, alg jose.SignatureAlgorithm, key any, said any, header map[string]any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	for name, value := range header {
		options.WithHeader(jose.HeaderKey(name), value)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, ok := said.([]byte)
	if !ok {
		if payload, err = json.Marshal(said); err != nil {
			t.Fatal(err)
		}
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// own answers keys of the client and notes the kid it was asked for.
func own(asked *[]string, keys ...jose.JSONWebKey) func(string) ([]jose.JSONWebKey, error) {
	return func(kid string) ([]jose.JSONWebKey, error) {
		*asked = append(*asked, kid)
		return keys, nil
	}
}

func edKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32))) }

func rsaKey(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ecKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAcceptsEveryAlgorithm(t *testing.T) {
	long := rsaKey(t, 2048)
	keys := map[jose.SignatureAlgorithm]crypto.Signer{
		jose.RS256: long, jose.RS384: long, jose.RS512: long, jose.PS256: long, jose.PS384: long, jose.PS512: long,
		jose.ES256: ecKey(t, elliptic.P256()), jose.ES384: ecKey(t, elliptic.P384()), jose.ES512: ecKey(t, elliptic.P521()),
		jose.EdDSA: edKey(),
	}
	for _, name := range assertion.Algorithms() {
		alg := jose.SignatureAlgorithm(name)
		text := sign(t, alg, keys[alg], claims(nil), map[string]any{"kid": "k", "typ": "JWT"})
		var asked []string
		got, err := assertion.Verify(text, expected(), own(&asked,
			jose.JSONWebKey{Key: edKey().Public(), KeyID: "other"},
			jose.JSONWebKey{Key: keys[alg].Public(), KeyID: "k", Use: "sig", Algorithm: name},
		))
		if err != nil || got.ID != "j1" || !got.Until.Equal(now().Add(2*time.Minute)) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if !slices.Equal(asked, []string{"k"}) {
			t.Errorf("%s: keys were asked for %q", name, asked)
		}
	}
	if len(keys) != len(assertion.Algorithms()) {
		t.Errorf("algorithms %v", assertion.Algorithms())
	}
}

func TestS43_Accepted(t *testing.T) {
	for name, test := range map[string]struct{ claims, header map[string]any }{
		"aud is the endpoint":        {claims: map[string]any{"aud": endpoint}},
		"aud is a list of one":       {claims: map[string]any{"aud": []string{issuer}}},
		"no iat":                     {claims: map[string]any{"iat": nil}},
		"nbf is now":                 {claims: map[string]any{"nbf": now().Unix()}},
		"a clock a minute behind":    {claims: map[string]any{"exp": now().Add(-59 * time.Second).Unix()}},
		"a clock a minute ahead":     {claims: map[string]any{"iat": now().Add(time.Minute).Unix(), "nbf": now().Add(time.Minute).Unix()}},
		"ten minutes ahead":          {claims: map[string]any{"exp": now().Add(10 * time.Minute).Unix()}},
		"fractions of a second":      {claims: map[string]any{"exp": float64(now().Unix()) + 30.5}},
		"claims that we know not":    {claims: map[string]any{"x": map[string]any{"y": 1}, "Exp": 1}},
		"typ of RFC 7523bis":         {header: map[string]any{"typ": "client-authentication+jwt"}},
		"a kid that the key has not": {header: map[string]any{"kid": "unnamed"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := sign(t, jose.EdDSA, edKey(), claims(test.claims), test.header)
			if _, err := assertion.Verify(text, expected(), own(new([]string), jose.JSONWebKey{Key: edKey().Public()})); err != nil {
				t.Error(err)
			}
			if got, err := assertion.Client(text); err != nil || got != clientID {
				t.Errorf("from %q, %v", got, err)
			}
		})
	}
}

// What is wrong for itself is refused before any key is asked for.
func TestS43_RefusedUnasked(t *testing.T) {
	secret := []byte("a public key, taken for a shared secret by whoever believes the header")
	good := sign(t, jose.EdDSA, edKey(), claims(nil), nil)
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	tests := map[string]string{
		"empty":        "",
		"noise":        "a.b.c",
		"two parts":    parts[0] + "." + parts[1],
		"no payload":   parts[0] + ".." + parts[2],
		"space inside": parts[0] + ". " + parts[1] + "." + parts[2],
		"line end":     parts[0] + ".\n" + parts[1] + "." + parts[2],
		"odd last bit": good[:len(good)-1] + string(good[len(good)-1]+1), // of A, Q, g or w
		"JSON form":    `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"too long":     sign(t, jose.EdDSA, edKey(), claims(map[string]any{"x": strings.Repeat("x", 8<<10)}), nil),
		"alg none":     b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"alg NONE":     b64([]byte(`{"alg":"NONE"}`)) + "." + parts[1] + "." + parts[2],
		"HS256":        sign(t, jose.HS256, secret, claims(nil), nil),
		"another kind": sign(t, jose.EdDSA, edKey(), claims(nil), map[string]any{"typ": "at+jwt"}),
		"two of iss":   sign(t, jose.EdDSA, edKey(), []byte(`{"iss":"x","iss":"`+clientID+`"}`), nil),
		"claims null":  sign(t, jose.EdDSA, edKey(), []byte(`null`), nil),
		"a list":       sign(t, jose.EdDSA, edKey(), []byte(`[]`), nil),
	}
	for name, changes := range map[string]map[string]any{
		"foreign iss":             {"iss": "https://evil.example/c"},
		"foreign sub":             {"sub": "https://evil.example/c"},
		"no iss":                  {"iss": nil},
		"no sub":                  {"sub": nil},
		"foreign aud":             {"aud": "https://other.example"},
		"aud with a slash":        {"aud": issuer + "/"},
		"aud of two":              {"aud": []string{issuer, "https://other.example"}},
		"aud of us twice":         {"aud": []string{issuer, endpoint}},
		"aud of none":             {"aud": []string{}},
		"no aud":                  {"aud": nil},
		"aud a number":            {"aud": 1},
		"expired":                 {"exp": now().Add(-time.Minute).Unix()},
		"exp too far":             {"exp": now().Add(11*time.Minute + time.Second).Unix()},
		"exp in a thousand years": {"exp": 1e300},
		"exp below zero":          {"exp": -1},
		"exp in words":            {"exp": "soon"},
		"no exp":                  {"exp": nil},
		"nbf in the future":       {"nbf": now().Add(61 * time.Second).Unix()},
		"iat in the future":       {"iat": now().Add(61 * time.Second).Unix()},
		"no jti":                  {"jti": nil},
		"empty jti":               {"jti": ""},
		"jti of 257 bytes":        {"jti": strings.Repeat("j", 257)},
		"jti a number":            {"jti": 1},
	} {
		tests[name] = sign(t, jose.EdDSA, edKey(), claims(changes), nil)
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := assertion.Verify(text, expected(), func(string) ([]jose.JSONWebKey, error) {
				t.Error("a key was asked for")
				return nil, nil
			})
			if !errors.Is(err, assertion.ErrInvalid) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestS43_RefusedSignatures(t *testing.T) {
	short, long := rsaKey(t, 1024), rsaKey(t, 2048)
	p256, p384 := ecKey(t, elliptic.P256()), ecKey(t, elliptic.P384())
	good := sign(t, jose.EdDSA, edKey(), claims(nil), nil)
	other := sign(t, jose.EdDSA, edKey(), claims(map[string]any{"jti": "j2"}), nil)
	named := sign(t, jose.ES256, p256, claims(nil), map[string]any{"kid": "a"})
	only := func(keys ...jose.JSONWebKey) []jose.JSONWebKey { return keys }
	for name, test := range map[string]struct {
		text string
		keys []jose.JSONWebKey
	}{
		"no keys":               {good, nil},
		"another key":           {named, only(jose.JSONWebKey{Key: p384.Public(), KeyID: "a"})},
		"a key by another name": {named, only(jose.JSONWebKey{Key: p256.Public(), KeyID: "b"})},
		"a key to encrypt":      {named, only(jose.JSONWebKey{Key: p256.Public(), KeyID: "a", Use: "enc"})},
		"a key for another algorithm": {
			sign(t, jose.RS256, long, claims(nil), nil), only(jose.JSONWebKey{Key: long.Public(), Algorithm: "PS256"}),
		},
		"a short key":     {sign(t, jose.RS256, short, claims(nil), nil), only(jose.JSONWebKey{Key: short.Public()})},
		"a shared secret": {good, only(jose.JSONWebKey{Key: []byte(edKey())})},
		"signature of another": {
			good[:strings.LastIndexByte(good, '.')] + other[strings.LastIndexByte(other, '.'):],
			only(jose.JSONWebKey{Key: edKey().Public()}),
		},
		"key in the header": {
			sign(t, jose.ES256, p256, claims(nil), map[string]any{"jwk": jose.JSONWebKey{Key: p256.Public()}}), nil,
		},
		"key at a URL in the header": {
			sign(t, jose.ES256, p256, claims(nil), map[string]any{"jku": "https://evil.example/jwks", "x5u": "https://evil.example/c"}),
			only(jose.JSONWebKey{Key: edKey().Public()}),
		},
		"critical header": {
			sign(t, jose.EdDSA, edKey(), claims(nil), map[string]any{"crit": []string{"x"}, "x": 1}),
			only(jose.JSONWebKey{Key: edKey().Public()}),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := assertion.Verify(test.text, expected(), own(new([]string), test.keys...)); !errors.Is(err, assertion.ErrInvalid) {
				t.Errorf("error %v", err)
			}
		})
	}
	pinned := expected()
	pinned.Algorithm = "ES256"
	if _, err := assertion.Verify(good, pinned, own(new([]string), jose.JSONWebKey{Key: edKey().Public()})); !errors.Is(err, assertion.ErrInvalid) {
		t.Errorf("another algorithm than the client's own: %v", err)
	}
}

// A fault on the way to the keys is the caller's, and no statement about the assertion.
func TestKeysThatCannotBeHad(t *testing.T) {
	down := errors.New("the client's host is down")
	_, err := assertion.Verify(sign(t, jose.EdDSA, edKey(), claims(nil), nil), expected(),
		func(string) ([]jose.JSONWebKey, error) { return nil, down })
	if !errors.Is(err, down) || errors.Is(err, assertion.ErrInvalid) {
		t.Errorf("error %v", err)
	}
}

// G10: what is wrong with an assertion is said without quoting it.
func TestErrorsQuoteNothing(t *testing.T) {
	text := sign(t, jose.EdDSA, edKey(), claims(map[string]any{"iss": "canary", "jti": "canary"}), map[string]any{"kid": "canary"})
	for _, text := range []string{text, "canary", "canary." + text} {
		if _, err := assertion.Verify(text, expected(), own(new([]string))); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error %v", err)
		}
	}
}
