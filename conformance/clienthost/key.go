package clienthost

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// AssertionType is the client_assertion_type of an assertion (RFC 7523 section 2.2).
const AssertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// Key signs a client's assertions.
type Key struct {
	// ID is its kid.
	ID      string
	alg     jose.SignatureAlgorithm
	private crypto.Signer
}

// NewKey makes a key for RS256, as ChatGPT has one.
func NewKey(t testing.TB, id string) *Key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{id, jose.RS256, private}
}

// NewECKey makes a key for ES256.
func NewECKey(t testing.TB, id string) *Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{id, jose.ES256, private}
}

// NewEdKey makes a key for EdDSA.
func NewEdKey(t testing.TB, id string) *Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &Key{id, jose.EdDSA, private}
}

// Set is the public key set of keys, as a value that encodes to JSON: what jwks holds and jwks_uri serves.
func Set(keys ...*Key) jose.JSONWebKeySet {
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: k.private.Public(), KeyID: k.ID, Algorithm: string(k.alg), Use: "sig",
		})
	}
	return set
}

// Claims are what an assertion of the client to the issuer says, changed by changes: a nil value takes a claim away. Each
// has a jti of its own.
func Claims(clientID, issuer string, changes map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": clientID, "sub": clientID, "aud": issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for name, value := range changes {
		claims[name] = value
		if value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// Assert signs claims: the value of client_assertion.
func (k *Key) Assert(t testing.TB, claims map[string]any) string {
	t.Helper()
	return Sign(t, jose.SigningKey{
		Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.ID},
	}, claims)
}

// Sign signs claims with whatever key a test has.
func Sign(t testing.TB, key jose.SigningKey, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(key, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
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
