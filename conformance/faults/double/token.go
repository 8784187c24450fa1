package double

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// idToken is an ID token before it is signed.
type idToken struct {
	typ    string
	alg    jose.SignatureAlgorithm
	key    jose.JSONWebKey
	claims map[string]any
}

// unsigned makes a token that says it needs no signature, and has none.
const unsigned jose.SignatureAlgorithm = "none"

// sign makes the token. A symmetric algorithm takes the public key for its secret: what everybody knows.
func (t *idToken) sign() string {
	payload, err := json.Marshal(t.claims)
	if err != nil {
		panic(err) // the claims are this package's own
	}
	if t.alg == unsigned {
		header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
		return header + "." + base64.RawURLEncoding.EncodeToString(payload) + "."
	}
	key := t.key
	if private, ok := key.Key.(*rsa.PrivateKey); ok && t.alg == jose.HS256 {
		key.Key = x509.MarshalPKCS1PublicKey(&private.PublicKey)
	}
	key.Algorithm = string(t.alg)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: t.alg, Key: key},
		(&jose.SignerOptions{}).WithType(jose.ContentType(t.typ)))
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return raw
}

// s256 is the PKCE challenge of a verifier (RFC 7636 section 4.2).
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
