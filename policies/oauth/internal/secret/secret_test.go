package secret_test

import (
	"strings"
	"testing"

	"durward/policies/oauth/internal/secret"
)

func TestSecretForm(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range []secret.Kind{
		secret.AccessToken, secret.RefreshToken, secret.Code, secret.ConsentCookie, secret.LoginCookie, secret.SessionCookie,
		secret.ClientSecret,
	} {
		made := k.Mint()
		if !k.Valid(made) || seen[made] {
			t.Fatalf("minted %q", made)
		}
		seen[made] = true
		for i := range made {
			other := byte('x')
			if made[i] == other {
				other = 'y'
			}
			if k.Valid(made[:i] + string(other) + made[i+1:]) {
				t.Errorf("%q with character %d changed is valid", k, i)
			}
		}
		for _, bad := range []string{"", string(k), made + "A", made[:len(made)-1], "dwx_" + made[4:], made + "\n"} {
			if k.Valid(bad) {
				t.Errorf("%q is valid", bad)
			}
		}
	}
	if secret.RefreshToken.Valid("dwr_" + strings.TrimPrefix(secret.AccessToken.Mint(), "dwa_")) {
		t.Error("the checksum does not cover the kind")
	}
}

func TestDigest(t *testing.T) {
	made := secret.AccessToken.Mint()
	digest := secret.Digest(made)
	if !secret.Matches(made, digest) || secret.Matches(made+"x", digest) || secret.Matches(made, "") || secret.Matches("", "") {
		t.Errorf("%s and its digest %s", made, digest)
	}
	// Records in the store are found by it (FIPS 180-4).
	if got, want := secret.Digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestSealed(t *testing.T) {
	token, successor := secret.RefreshToken.Mint(), secret.RefreshToken.Mint()
	sealed, err := secret.Seal(token, "one use", successor)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(sealed), successor) {
		t.Error("not sealed")
	}
	if got, err := secret.Open(token, "one use", sealed); err != nil || got != successor {
		t.Errorf("opened %q, %v", got, err)
	}
	if _, err := secret.Open(secret.RefreshToken.Mint(), "one use", sealed); err == nil {
		t.Error("another token opened it")
	}
	if _, err := secret.Open(token, "another", sealed); err == nil {
		t.Error("opened for another use")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := secret.Open(token, "one use", sealed); err == nil {
		t.Error("a changed seal was opened")
	}
}
