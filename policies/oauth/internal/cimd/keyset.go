package cimd

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// The sizes of RSA keys that are used, in bits: less is too weak, more takes too long to check.
const (
	minRSA = 2048
	maxRSA = 8192
)

// ParseKeys reads a client's JSON Web Key Set (RFC 7517 section 5): its public keys for signatures. Keys of other kinds
// and uses are passed over, as they must be. A set that holds a private or a shared key is refused whole: it has been
// shown to the world. The error's text reads on from the set's name: "holds a private key".
func ParseKeys(text []byte) (jose.JSONWebKeySet, error) {
	members, err := object(text)
	if err != nil {
		return jose.JSONWebKeySet{}, err
	}
	var keys []map[string]json.RawMessage
	if err := json.Unmarshal(members["keys"], &keys); err != nil {
		return jose.JSONWebKeySet{}, errors.New("has no list of keys")
	}
	var set jose.JSONWebKeySet
	for _, members := range keys {
		if isSecret(members) {
			return jose.JSONWebKeySet{}, errors.New("holds a private key")
		}
		if key, ok := readKey(members); ok {
			set.Keys = append(set.Keys, key)
		}
	}
	if len(set.Keys) == 0 {
		return jose.JSONWebKeySet{}, errors.New("holds no public key that can be used: RSA of 2048 to 8192 bits, P-256, " +
			"P-384, P-521 or Ed25519")
	}
	return set, nil
}

func isSecret(members map[string]json.RawMessage) bool {
	for _, name := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		if _, ok := members[name]; ok {
			return true
		}
	}
	return false
}

// readKey reads the members that make the key. A certificate that comes along vouches for nothing here.
func readKey(members map[string]json.RawMessage) (jose.JSONWebKey, bool) {
	var key jose.JSONWebKey
	essence := map[string]json.RawMessage{}
	for _, name := range []string{"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"} {
		if value, ok := members[name]; ok {
			essence[name] = value
		}
	}
	text, err := json.Marshal(essence)
	if err != nil || key.UnmarshalJSON(text) != nil || (key.Use != "" && key.Use != "sig") {
		return key, false
	}
	if list, ok := members["key_ops"]; ok {
		var operations []string
		if err := json.Unmarshal(list, &operations); err != nil || !slices.Contains(operations, "verify") {
			return key, false
		}
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return key, minRSA <= public.N.BitLen() && public.N.BitLen() <= maxRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return key, true
	default:
		return key, false
	}
}
