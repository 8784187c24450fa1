package oauth

import (
	"net/url"
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

// Whatever is accepted leads nowhere that a browser would read differently from us.
func FuzzRedirects(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/cb", "http://127.0.0.1:1/cb?x", "http://[::1]/", "http://localhost.evil.example/",
		"https://a@b/", "javascript:x", "https://a.example:1:2/", `https://a\b`, "http://localhost:1@evil/",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, registered, given string) {
		if checkRedirect(registered) != nil {
			return
		}
		parsed, err := url.Parse(registered)
		if err != nil || parsed.Host == "" || parsed.User != nil || parsed.Fragment != "" {
			t.Fatalf("accepted %q: %+v, %v", registered, parsed, err)
		}
		if parsed.Scheme == "http" && !loopbackHost(parsed.Host) {
			t.Fatalf("accepted plain http to %q", registered)
		}
		if !matchRedirect([]string{registered}, given) || given == registered {
			return
		}
		other, err := url.Parse(given)
		if err != nil || other.Hostname() != parsed.Hostname() || other.Scheme != "http" ||
			other.EscapedPath() != parsed.EscapedPath() || other.RawQuery != parsed.RawQuery || other.User != nil {
			t.Fatalf("%q was taken for %q", given, registered)
		}
	})
}
