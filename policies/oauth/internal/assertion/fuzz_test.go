package assertion_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"durward/policies/oauth/internal/assertion"
)

// FuzzAssertion gives Verify texts that nobody signed, of which it must accept the one that was, and claims that were
// signed, of which it must accept those alone that RFC 7523 and our bounds allow: a second reading of them says which.
func FuzzAssertion(f *testing.F) {
	key := edKey()
	keys := func(string) ([]jose.JSONWebKey, error) {
		return []jose.JSONWebKey{{Key: key.Public()}}, nil
	}
	good := sign(f, jose.EdDSA, key, claims(nil), nil)
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	for _, seed := range []struct{ text, said string }{
		{good, `{"iss":"https://app.example/client.json"}`},
		{b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".", string(encoded(claims(nil)))},
		{b64([]byte(`{"alg":"HS256"}`)) + "." + parts[1] + "." + parts[2], string(encoded(claims(map[string]any{"aud": []string{issuer, endpoint}})))},
		{b64([]byte(`{"alg":"EdDSA","crit":["b64"],"b64":false}`)) + "." + parts[1] + "." + parts[2], `{"aud":null,"exp":1e300}`},
		{parts[0] + ".." + parts[2], string(encoded(claims(map[string]any{"nbf": 1.5, "iat": "x"})))},
		{"..", `null`},
	} {
		f.Add(seed.text, []byte(seed.said))
	}
	f.Fuzz(func(t *testing.T, text string, said []byte) {
		if got, err := assertion.Verify(text, expected(), keys); err == nil && text != good {
			t.Errorf("nobody signed this, and it was accepted as %q: %q", got.ID, text)
		} else if err != nil && !errors.Is(err, assertion.ErrInvalid) {
			t.Errorf("error %v", err)
		}
		_, err := assertion.Verify(sign(t, jose.EdDSA, key, said, nil), expected(), keys)
		if err == nil && !allowed(said) {
			t.Errorf("accepted %q", said)
		}
	})
}

func encoded(value any) []byte {
	text, _ := json.Marshal(value)
	return text
}

// allowed reads claims by encoding/json into an open map: no struct, and none of the package's types. What it allows may
// still be refused for what it does not look at, such as a name that occurs twice.
func allowed(said []byte) bool {
	var members map[string]any
	if json.Unmarshal(said, &members) != nil {
		return false
	}
	audience := members["aud"]
	if list, ok := audience.([]any); ok {
		if len(list) != 1 {
			return false
		}
		audience = list[0]
	}
	seconds := func(name string) (float64, bool) {
		value, there := members[name]
		if !there || value == nil {
			return 0, true
		}
		number, ok := value.(float64)
		return number, ok
	}
	now := float64(now().Unix())
	expires, sound := seconds("exp")
	begins, soundToo := seconds("nbf")
	issued, soundAsWell := seconds("iat")
	id, _ := members["jti"].(string)
	return sound && soundToo && soundAsWell &&
		members["iss"] == clientID && members["sub"] == clientID && (audience == issuer || audience == endpoint) &&
		expires > now-60 && expires < now+661 && begins < now+61 && issued < now+61 &&
		id != "" && len(id) <= 256 && len(said) < 8<<10
}
