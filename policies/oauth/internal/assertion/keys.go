package assertion

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

// Bounds of a key set. RSA keys shorter than the least are broken; longer ones than the most make each check a burden.
const (
	maxKeys    = 32
	minRSABits = 2048
	maxRSABits = 8192
)

// ParseKeys reads a JWK Set (RFC 7517 section 5) and answers the public keys that may sign assertions. Keys of other
// kinds and for other uses are left out. The error says what is wrong with the set; it reads on from the set's name:
// "holds no key that signs". A key that is secret, or the private half of a pair, makes the whole set wrong (A14): who
// can read the set can sign.
func ParseKeys(raw []byte) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if json.Unmarshal(raw, &set) != nil {
		return nil, errors.New("is not a JWK Set")
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("holds more than %d keys", maxKeys)
	}
	var keys []jose.JSONWebKey
	for _, member := range set.Keys {
		if isSecret(member) {
			return nil, errors.New("holds a secret key, which must never leave the client")
		}
		var key jose.JSONWebKey
		if json.Unmarshal(member, &key) == nil && signs(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("holds no public key that signs")
	}
	return keys, nil
}

// isSecret looks for the members that RFC 7518 section 6 gives to secret and private keys.
func isSecret(key json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(key, &members) != nil {
		return false // no key at all
	}
	return slices.ContainsFunc([]string{"k", "d", "p", "q", "dp", "dq", "qi", "oth", "priv"}, func(name string) bool {
		_, there := members[name]
		return there
	})
}

// signs says whether a key may sign assertions at all.
func signs(key jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || (key.Use != "" && key.Use != "sig") {
		return false
	}
	return slices.ContainsFunc(Algorithms(), func(alg string) bool { return fits(key, alg, key.KeyID) })
}

// fits says whether a key may have made a signature of that algorithm under that name. A key without a name may have any.
func fits(key jose.JSONWebKey, alg, kid string) bool {
	if key.Algorithm != "" && key.Algorithm != alg || kid != "" && key.KeyID != "" && key.KeyID != kid ||
		key.Use != "" && key.Use != "sig" {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		bits := public.N.BitLen()
		return (strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")) && bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		curves := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
		return curves[alg] == public.Curve.Params().Name
	case ed25519.PublicKey:
		return alg == string(jose.EdDSA)
	}
	return false
}
