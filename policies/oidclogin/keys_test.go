package oidclogin

import (
	"net/http"
	"strings"
	"testing"

	"durward/policies"
)

// paths empties the record of what was fetched.
func (f *fakeProvider) paths() (paths []string) {
	for len(f.fetches) > 0 {
		paths = append(paths, <-f.fetches)
	}
	return paths
}

func TestC1_KeysAreKeptAndRotateByKid(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	login := func(want string) {
		t.Helper()
		if _, err := complete(t, p); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(f.paths(), " "); got != want {
			t.Errorf("fetched %q, want %q", got, want)
		}
	}
	login("/token /keys")
	login("/token")

	f.answer(keys, serveKeys("2", otherKey()))
	login("/token") // the old key is still in use, and still known
	f.answer(tokens, f.grant(t, func(k *token) { k.key, k.kid = otherKey(), "2" }))
	login("/token /keys")
	login("/token")

	f.answer(tokens, f.grant(t, nil))
	_, err := complete(t, p) // the old key is gone: what it signs is worth nothing
	wantFault(t, err, isInvalid, "id_token_signature")
}

func TestC1_KeysThatCannotBeHad(t *testing.T) {
	tests := map[string]struct {
		keys  http.HandlerFunc
		fault policies.LoginFault
		code  string
	}{
		"down":         {answerText(503, "canary"), isUnreachable, "keys_failed"},
		"too many":     {answerText(429, "canary"), isUnreachable, "rate_limited"},
		"nobody there": {answerText(404, "canary"), isMisconfigured, "keys_status"},
		"not JSON":     {answerText(200, "canary"), isMisconfigured, "keys_malformed"},
		"cut":          {cut, isUnreachable, "keys_unreachable"},
		"too large": {
			answerText(200, `{"keys":[],"x":"`+strings.Repeat("x", maxAnswer)+`"}`), isMisconfigured, "keys_too_large",
		},
		"no keys": {answerText(200, `{"keys":[]}`), isInvalid, "id_token_signature"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			good := f.answer(keys, test.keys)
			p := f.provider(t)
			_, err := complete(t, p)
			wantFault(t, err, test.fault, test.code)
			f.answer(keys, good)
			// go-oidc hands the failure to those who ask in the moment in which it clears the fetch away.
			for range 1000 {
				if _, err = complete(t, p); err == nil {
					return
				}
				f.paths()
			}
			t.Errorf("after the keys came back: %v", err)
		})
	}
}

func TestAnAnswerOfExactlyTheBoundIsRead(t *testing.T) {
	f := newFake(t)
	set := `{"keys":[],"x":""}`
	f.answer(keys, answerText(200, strings.Replace(set, `""`, `"`+strings.Repeat("x", maxAnswer-len(set))+`"`, 1)))
	_, err := complete(t, f.provider(t))
	wantFault(t, err, isInvalid, "id_token_signature") // read, and found to hold no key
}
