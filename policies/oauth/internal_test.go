package oauth

import (
	"strings"
	"testing"
)

func TestSecretForm(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []kind{accessToken, refreshToken, authCode, consentCookie, loginCookie, sessionCookie} {
		secret := k.mint()
		if !k.valid(secret) || seen[secret] {
			t.Fatalf("minted %q", secret)
		}
		seen[secret] = true
		for i := range secret {
			other := byte('x')
			if secret[i] == other {
				other = 'y'
			}
			if k.valid(secret[:i] + string(other) + secret[i+1:]) {
				t.Errorf("%q with character %d changed is valid", k, i)
			}
		}
		for _, bad := range []string{"", string(k), secret + "A", secret[:len(secret)-1], "dwx_" + secret[4:], secret + "\n"} {
			if k.valid(bad) {
				t.Errorf("%q is valid", bad)
			}
		}
	}
	if refreshToken.valid("dwr_" + strings.TrimPrefix(accessToken.mint(), "dwa_")) {
		t.Error("the checksum does not cover the kind")
	}
}

func TestSealedSuccessor(t *testing.T) {
	token, successor := refreshToken.mint(), refreshToken.mint()
	sealed, err := sealUnder(token, sealedSuccessor, successor)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), successor) {
		t.Error("not sealed")
	}
	if got, err := openUnder(token, sealedSuccessor, sealed); err != nil || got != successor {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := openUnder(refreshToken.mint(), sealedSuccessor, sealed); err == nil {
		t.Error("another token opened it")
	}
	if _, err := openUnder(token, sealedAnswer, sealed); err == nil {
		t.Error("opened for another use")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := openUnder(token, sealedSuccessor, sealed); err == nil {
		t.Error("a changed seal was opened")
	}
}
