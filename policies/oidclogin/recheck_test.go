package oidclogin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

const testRefresh = "canary-refresh"

// signedIn signs somebody in and answers their handle.
func signedIn(t *testing.T, p *Provider) []byte {
	t.Helper()
	who, err := complete(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if who.Handle == nil {
		t.Fatal("the identity has no handle")
	}
	return who.Handle
}

func recheck(t *testing.T, p *Provider, handle []byte) (policies.Standing, error) {
	t.Helper()
	return p.Recheck(policies.WithCall(t.Context(), policies.Call{Time: testNow}), handle)
}

// refreshed answers a refresh as granted with what members say more.
func refreshed(members map[string]any) http.HandlerFunc {
	answer := map[string]any{"access_token": "canary-access", "token_type": "bearer", "expires_in": 60}
	maps.Copy(answer, members)
	return answerJSON(http.StatusOK, answer)
}

func TestRecheckRequest(t *testing.T) {
	for name, secret := range map[string]string{"confidential": testSecret, "public": ""} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.config()
			c.ClientSecret = secret
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			handle := signedIn(t, p)
			var form url.Values
			var id, password string
			f.answer(tokens, func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				form = r.PostForm
				id, password, _ = r.BasicAuth()
				refreshed(nil)(w, r)
			})
			standing, err := recheck(t, p, handle)
			if err != nil || standing.Gone || standing.Handle != nil || standing.Identity != nil {
				t.Errorf("standing %+v, %v", standing, err)
			}
			want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {testRefresh}}
			wantID, wantSecret := url.QueryEscape(testID), url.QueryEscape(testSecret)
			if secret == "" {
				want["client_id"] = []string{testID}
				wantID, wantSecret = "", ""
			}
			if diff := cmp.Diff(want, form); diff != "" || id != wantID || password != wantSecret {
				t.Errorf("Basic %q %q, request (-want +got):\n%s", id, password, diff)
			}
		})
	}
}

// Each answer is asked with the handle that the one before brought.
func TestRecheckFollowsReplacedTokens(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	handle := signedIn(t, p)
	good := testRefresh
	f.answer(tokens, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("refresh_token") != good {
			answerJSON(http.StatusBadRequest, map[string]string{"error": "invalid_grant"})(w, r)
			return
		}
		good += "+"
		refreshed(map[string]any{"refresh_token": good})(w, r)
	})
	for range 3 {
		standing, err := recheck(t, p, handle)
		if err != nil || standing.Gone || standing.Handle == nil {
			t.Fatalf("standing %+v, %v", standing, err)
		}
		handle = standing.Handle
	}
	if standing, err := recheck(t, p, signedInHandle(t, p)); err != nil || !standing.Gone || standing.Code != "invalid_grant" {
		t.Errorf("a replaced token: %+v, %v", standing, err)
	}
}

// signedInHandle is the handle of the first sign-in, made anew.
func signedInHandle(t *testing.T, p *Provider) []byte {
	t.Helper()
	return p.handleOf("user_1", testRefresh)
}

func TestRecheckIdentity(t *testing.T) {
	thin := func(k *token) {
		for _, name := range []string{"email", "email_verified", "name"} {
			delete(k.claims, name)
		}
		k.claims["auth_time"], k.claims["amr"], k.claims["jti"] = testNow.Unix(), []string{"pwd"}, "1"
	}
	tests := map[string]struct {
		change func(*token)
		want   *policies.Identity // nil: nothing has changed
	}{
		"as before":      {nil, &policies.Identity{Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace"}},
		"without nonce":  {withoutClaim("nonce"), &policies.Identity{Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace"}},
		"another nonce":  {withClaim("nonce", "x"), &policies.Identity{Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace"}},
		"another email":  {withClaim("email", "a@b.example"), &policies.Identity{Email: "a@b.example", EmailVerified: true, Name: "Ada Lovelace"}},
		"unverified":     {withClaim("email_verified", false), &policies.Identity{Email: "ada@example.com", Name: "Ada Lovelace"}},
		"no email":       {withoutClaim("email"), &policies.Identity{EmailVerified: true, Name: "Ada Lovelace"}},
		"in an org":      {withClaim("org", "org_1"), &policies.Identity{Email: "ada@example.com", EmailVerified: true, Name: "Ada Lovelace", Organizations: []string{"org_1"}}},
		"nothing of her": {thin, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.config()
			c.OrganizationClaim = "org"
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			handle := signedIn(t, p)
			f.answer(tokens, f.grant(t, test.change))
			standing, err := recheck(t, p, handle)
			if err != nil || standing.Gone {
				t.Fatalf("standing %+v, %v", standing, err)
			}
			if test.want != nil {
				test.want.Issuer, test.want.Subject = f.URL, "user_1"
			}
			if standing.Identity != nil {
				if !json.Valid(standing.Identity.Claims) {
					t.Error("the claims are missing")
				}
				standing.Identity.Claims = nil
			}
			if diff := cmp.Diff(test.want, standing.Identity); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecheckFindsThePersonGone(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   string
	}{
		"400":                 {400, "invalid_grant"},
		"401, as Clerk says":  {401, "invalid_grant"},
		"403":                 {403, "invalid_grant"},
		"under 200":           {200, "invalid_grant"},
		"access denied":       {400, "access_denied"},
		"must sign in anew":   {400, "interaction_required"},
		"must sign in, again": {400, "login_required"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			p := f.provider(t)
			handle := signedIn(t, p)
			f.answer(tokens, answerJSON(test.status, map[string]string{"error": test.code, "error_description": "canary"}))
			if standing, err := recheck(t, p, handle); err != nil || !standing.Gone || standing.Code != test.code {
				t.Errorf("standing %+v, %v; want gone, %s", standing, err, test.code)
			}
		})
	}
}

// What is not a word on the person is told as what it is, and whoever asks again may do so.
func TestRecheckFaults(t *testing.T) {
	oauthError := func(status int, code string) http.HandlerFunc {
		return answerJSON(status, map[string]string{"error": code, "error_description": "canary", "clerk_trace_id": "trace_1"})
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		fault  policies.LoginFault
		code   string
	}{
		"client secret":           {oauthError(401, "invalid_client"), isMisconfigured, "invalid_client"},
		"not for this grant":      {oauthError(400, "unauthorized_client"), isMisconfigured, "unauthorized_client"},
		"no such grant":           {oauthError(400, "unsupported_grant_type"), isMisconfigured, "unsupported_grant_type"},
		"own fault":               {oauthError(500, "server_error"), isUnreachable, "server_error"},
		"own fault, ours in word": {oauthError(500, "invalid_grant"), isInvalid, "invalid_grant"},
		"too many, ours in word":  {oauthError(429, "invalid_grant"), isUnreachable, "rate_limited"},
		"unknown word":            {oauthError(400, "blocked_by_org"), isInvalid, "blocked_by_org"},
		"down":                    {answerText(503, "canary"), isUnreachable, "token_endpoint_failed"},
		"nobody there":            {answerText(404, "canary"), isMisconfigured, "token_endpoint_status"},
		"garbage":                 {answerText(200, "canary"), isMisconfigured, "token_endpoint_malformed"},
		"cut":                     {cut, isUnreachable, "token_endpoint_unreachable"},
		"elsewhere": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			},
			isMisconfigured, "token_endpoint_redirects",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			p := f.provider(t)
			handle := signedIn(t, p)
			f.answer(tokens, test.answer)
			standing, err := recheck(t, p, handle)
			wantFault(t, err, test.fault, test.code)
			if standing.Gone || standing.Handle != nil || standing.Identity != nil {
				t.Errorf("standing %+v", standing)
			}
		})
	}
}

// A provider that has replaced the token has done so whatever else is wrong with its answer.
func TestRecheckKeepsTheHandleBesideAnError(t *testing.T) {
	id := func(f *fakeProvider, change func(*token)) string {
		k := f.goodToken()
		change(k)
		return k.sign(t)
	}
	tests := map[string]struct {
		answer func(*fakeProvider) map[string]any
		fault  policies.LoginFault
		code   string
	}{
		"another person": {func(f *fakeProvider) map[string]any {
			return map[string]any{"id_token": id(f, withClaim("sub", "user_2"))}
		}, isInvalid, "id_token_other"},
		"another audience": {func(f *fakeProvider) map[string]any {
			return map[string]any{"id_token": id(f, withClaim("aud", "x"))}
		}, isInvalid, "id_token_aud"},
		"expired": {func(f *fakeProvider) map[string]any {
			return map[string]any{"id_token": id(f, withClaim("exp", testNow.Add(-time.Hour).Unix()))}
		}, isInvalid, "id_token_exp"},
		"signed by others": {func(f *fakeProvider) map[string]any {
			return map[string]any{"id_token": id(f, func(k *token) { k.key = otherKey() })}
		}, isInvalid, "id_token_signature"},
		"an access token": {func(f *fakeProvider) map[string]any {
			return map[string]any{"id_token": id(f, func(k *token) { k.header["typ"] = "at+jwt" })}
		}, isInvalid, "id_token_typ"},
		"token type": {func(*fakeProvider) map[string]any {
			return map[string]any{"token_type": "mac"}
		}, isInvalid, "token_type"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			p := f.provider(t)
			handle := signedIn(t, p)
			members := test.answer(f)
			members["refresh_token"] = "canary-next"
			f.answer(tokens, refreshed(members))
			standing, err := recheck(t, p, handle)
			wantFault(t, err, test.fault, test.code)
			if standing.Gone || standing.Identity != nil || !strings.Contains(string(standing.Handle), "canary-next") {
				t.Errorf("standing %+v", standing)
			}
		})
	}
}

// A handle that is not this client's at this provider is shown to nobody, and says nothing against the person.
func TestRecheckForeignHandles(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	good := string(signedIn(t, p))
	for name, test := range map[string]struct {
		handle string
		fault  policies.LoginFault
		code   string
	}{
		"another client's":   {strings.Replace(good, testID, "former", 1), isMisconfigured, "handle_client"},
		"another provider's": {strings.Replace(good, f.URL, "https://former.example", 1), isInvalid, "handle_malformed"},
		"of a later release": {strings.Replace(good, `"format":1`, `"format":2`, 1), isInvalid, "handle_malformed"},
		"nobody's":           {strings.Replace(good, "user_1", "", 1), isInvalid, "handle_malformed"},
		"without a token":    {strings.Replace(good, testRefresh, "", 1), isInvalid, "handle_malformed"},
		"none":               {"", isInvalid, "handle_malformed"},
		"canary":             {"canary", isInvalid, "handle_malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(f.fetches)
			_, err := recheck(t, p, []byte(test.handle))
			wantFault(t, err, test.fault, test.code)
			if !errors.Is(err, policies.ErrHandle) {
				t.Errorf("%v is not ErrHandle", err)
			}
			if len(f.fetches) != before {
				t.Error("the provider was asked")
			}
		})
	}
}

// What is no refresh token is no handle.
func TestHandles(t *testing.T) {
	p := newFake(t).provider(t)
	for name, refresh := range map[string]string{
		"none": "", "with a line end": "x\n", "beyond ASCII": "é", "without end": strings.Repeat("x", maxRefresh+1),
	} {
		if got := p.handleOf("user_1", refresh); got != nil {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := p.handleOf("user_1", strings.Repeat("<", maxRefresh)); len(got) == 0 || len(got) > policies.MaxHandle {
		t.Errorf("the longest is %d bytes", len(got))
	}
}

func TestRecheckIsBoundedInTime(t *testing.T) {
	for name, test := range map[string]struct {
		path   string
		answer http.HandlerFunc
		code   string
	}{
		"silent": {tokens, blocked, "token_endpoint_timeout"}, "stalled": {tokens, stalled, "token_endpoint_timeout"},
		"keys": {keys, blocked, "keys_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			handle := signedIn(t, f.provider(t))
			f.answer(test.path, test.answer)
			c := f.config()
			c.Timeout = 200 * time.Millisecond
			p, err := New(c) // knows no keys yet
			if err != nil {
				t.Fatal(err)
			}
			_, err = recheck(t, p, handle)
			if got := wantFault(t, err, isUnreachable, test.code); !errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("cause %v, want deadline exceeded", got.Err)
			}
		})
	}
}

// G10: a refresh token does not come back as an error code or a trace.
func TestAnEchoedRefreshTokenIsDropped(t *testing.T) {
	for name, echo := range map[string]string{
		"itself": testRefresh, "a part": "x" + testRefresh[2:], "base64": base64.RawURLEncoding.EncodeToString([]byte(testRefresh)),
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			p := f.provider(t)
			handle := signedIn(t, p)
			f.answer(tokens, answerJSON(400, map[string]string{"error": echo, "clerk_trace_id": echo}))
			standing, err := recheck(t, p, handle)
			if got := wantFault(t, err, isInvalid, "unknown_error"); got.Trace != "" || standing.Gone {
				t.Errorf("trace %q, standing %+v", got.Trace, standing)
			}
		})
	}
	f := newFake(t)
	p := f.provider(t)
	handle := signedIn(t, p)
	f.answer(tokens, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	_, err := recheck(t, p, handle)
	if strings.Contains(fmt.Sprintf("%v %+v", err, err), testRefresh) {
		t.Errorf("%+v", err)
	}
}
