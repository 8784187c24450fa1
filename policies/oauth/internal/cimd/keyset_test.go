package cimd_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/cimd"
)

func jsonOf(text string) (value any) {
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		panic(err)
	}
	return value
}

func jwk(t *testing.T, key any, change func(*jose.JSONWebKey)) string {
	t.Helper()
	k := jose.JSONWebKey{Key: key}
	if change != nil {
		change(&k)
	}
	text, err := k.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// big RSA keys are not made but made up: their modulus is never factored here.
func modulus(bits int) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
}

func TestParseKeys(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	withOps := func(ops string) string {
		return strings.TrimSuffix(jwk(t, ed, nil), "}") + `,"key_ops":` + ops + `}`
	}
	for name, test := range map[string]struct {
		keys   []string
		usable int
		fault  string
	}{
		"each kind":   {[]string{jwk(t, ec.Public(), nil), jwk(t, ed, nil), jwk(t, modulus(2048), nil), publicKey}, 4, ""},
		"for signing": {[]string{jwk(t, ed, func(k *jose.JSONWebKey) { k.Use = "sig" }), withOps(`["verify"]`)}, 2, ""},
		"others are passed over": {[]string{
			publicKey, `{}`, `{"kty":5}`, `{"kty":"AKP"}`, `{"kty":"OKP","crv":"X25519","x":"AAAA"}`, `{"kty":"RSA"}`,
			`{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}`, `{"kty":"EC","crv":"secp256k1","x":"AAAA","y":"AAAA"}`,
			jwk(t, ed, func(k *jose.JSONWebKey) { k.Use = "enc" }), withOps(`["sign"]`), withOps(`5`),
			jwk(t, modulus(2047), nil), jwk(t, modulus(8193), nil),
		}, 1, ""},
		"a certificate is not read": {[]string{strings.TrimSuffix(publicKey, "}") + `,"x5c":["no"],"x5u":"::","x5t":"no"}`}, 1, ""},
		"none usable":               {[]string{`{"kty":"EC"}`}, 0, "holds no public key that can be used"},
		"an empty set":              {nil, 0, "holds no public key that can be used"},
		"a private EC key":          {[]string{jwk(t, ec, nil)}, 0, "holds a private key"},
		"a private Ed key besides":  {[]string{publicKey, jwk(t, private, nil)}, 0, "holds a private key"},
		"a shared secret":           {[]string{`{"kty":"oct","k":"c2VjcmV0"}`}, 0, "holds a private key"},
	} {
		set, err := cimd.ParseKeys(fmt.Appendf(nil, `{"keys":[%s]}`, strings.Join(test.keys, ",")))
		switch {
		case test.fault != "":
			if err == nil || !strings.HasPrefix(err.Error(), test.fault) {
				t.Errorf("%s: %v, want: %s", name, err, test.fault)
			}
		case err != nil || len(set.Keys) != test.usable:
			t.Errorf("%s: %d keys, %v", name, len(set.Keys), err)
		}
	}
	for _, text := range []string{"", "[]", "null", "{}", `{"keys":{}}`, `{"keys":[[]]}`, `{"keys":[],"keys":[]}`} {
		if _, err := cimd.ParseKeys([]byte(text)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
}
