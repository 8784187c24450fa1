package assertion_test

import (
	"crypto/elliptic"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/assertion"
)

func setOf(t *testing.T, keys ...any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestParseKeys(t *testing.T) {
	p256 := jose.JSONWebKey{Key: ecKey(t, elliptic.P256()).Public(), KeyID: "ec", Use: "sig"}
	ed := jose.JSONWebKey{Key: edKey().Public(), KeyID: "ed"}
	encrypts := jose.JSONWebKey{Key: rsaKey(t, 2048).Public(), KeyID: "enc", Use: "enc"}
	short := jose.JSONWebKey{Key: rsaKey(t, 1024).Public(), KeyID: "short"}
	odd := map[string]any{"kty": "odd", "kid": "odd"}
	named := jose.JSONWebKey{Key: edKey().Public(), KeyID: "hs", Algorithm: "HS256"}

	got, err := assertion.ParseKeys([]byte(setOf(t, odd, encrypts, p256, short, map[string]any{}, 7, named, ed)))
	if err != nil || len(got) != 2 || got[0].KeyID != "ec" || got[1].KeyID != "ed" {
		t.Errorf("keys %+v, %v", got, err)
	}

	for name, test := range map[string]struct{ set, want string }{
		"not JSON":        {`keys`, "is not a JWK Set"},
		"a list":          {`[]`, "is not a JWK Set"},
		"keys is no list": {`{"keys":{}}`, "is not a JWK Set"},
		"null":            {`null`, "holds no public key"},
		"none":            {`{"keys":[]}`, "holds no public key"},
		"none that signs": {setOf(t, odd, encrypts, short, named), "holds no public key"},
		"A14 shared":      {setOf(t, ed, map[string]any{"kty": "oct", "k": "c2VjcmV0"}), "holds a secret key"},
		"A14 private":     {setOf(t, ed, jose.JSONWebKey{Key: edKey()}), "holds a secret key"},
		"A14 private RSA": {setOf(t, jose.JSONWebKey{Key: rsaKey(t, 2048)}), "holds a secret key"},
		"too many":        {setOf(t, make([]any, 33)...), "holds more than 32 keys"},
	} {
		if _, err := assertion.ParseKeys([]byte(test.set)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one that %s", name, err, test.want)
		}
	}
}
