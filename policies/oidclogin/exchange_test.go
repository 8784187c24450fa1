package oidclogin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"durward/policies"
)

func TestC2_BeginSendsStateNonceAndChallenge(t *testing.T) {
	f := newFake(t)
	c := f.config()
	c.ExtraAuthorize = url.Values{"prompt": {"login"}}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := p.Begin(t.Context(), testLogin())
	if err != nil {
		t.Fatal(err)
	}
	address, query, _ := strings.Cut(begin, "?")
	if address != f.URL+"/authorize" {
		t.Errorf("sent to %s", address)
	}
	got, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"response_type": {"code"}, "client_id": {testID}, "redirect_uri": {redirect}, "scope": {"openid email"},
		"state": {"state"}, "nonce": {testNonce}, "prompt": {"login"}, "code_challenge_method": {"S256"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(testVerifier)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("authorization request (-want +got):\n%s", diff)
	}
	if len(f.fetches) != 0 {
		t.Error("New or Begin used the network")
	}
}

func TestC2_IncompleteLoginsAreRefused(t *testing.T) {
	p := newFake(t).provider(t)
	tests := map[string]func(*policies.Login){
		"no redirect URI": func(l *policies.Login) { l.RedirectURI = "" },
		"no state":        func(l *policies.Login) { l.State = "" },
		"no nonce":        func(l *policies.Login) { l.Nonce = "" },
		"no verifier":     func(l *policies.Login) { l.Verifier = "" },
		"short verifier":  func(l *policies.Login) { l.Verifier = l.Verifier[:42] },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			login := testLogin()
			change(&login)
			if _, err := p.Begin(t.Context(), login); err == nil {
				t.Error("Begin took it")
			}
			_, err := p.Complete(t.Context(), login, policies.Callback{Query: url.Values{"code": {testCode}}})
			wantFault(t, err, isInvalid, "login_incomplete")
		})
	}
}

func TestC2_TokenRequest(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{
		"the default": 0, "header": oauth2.AuthStyleInHeader, "parameters": oauth2.AuthStyleInParams,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			var form url.Values
			var id, secret string
			grant := f.grant(t, nil)
			f.answer(tokens, func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				form = r.PostForm
				id, secret, _ = r.BasicAuth()
				grant(w, r)
			})
			c := f.config()
			c.AuthStyle = style
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := complete(t, p); err != nil {
				t.Fatal(err)
			}
			want := url.Values{
				"grant_type": {"authorization_code"}, "code": {testCode}, "redirect_uri": {redirect},
				"code_verifier": {testVerifier},
			}
			// RFC 6749 section 2.3.1: both are form-encoded before they go into Basic.
			wantID, wantSecret := url.QueryEscape(testID), url.QueryEscape(testSecret)
			if style == oauth2.AuthStyleInParams {
				want["client_id"], want["client_secret"] = []string{testID}, []string{testSecret}
				wantID, wantSecret = "", ""
			}
			if diff := cmp.Diff(want, form); diff != "" {
				t.Errorf("token request (-want +got):\n%s", diff)
			}
			if id != wantID || secret != wantSecret {
				t.Errorf("Basic %q %q, want %q %q", id, secret, wantID, wantSecret)
			}
		})
	}
}

// RFC 6749 section 4.1.3: a client without a secret has nothing to authenticate with, and so says who it is.
func TestC2_APublicClientNamesItself(t *testing.T) {
	for name, style := range map[string]oauth2.AuthStyle{"the default": 0, "header": oauth2.AuthStyleInHeader} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			grant := f.grant(t, nil)
			f.answer(tokens, func(w http.ResponseWriter, r *http.Request) {
				r.ParseForm()
				if id := r.PostForm["client_id"]; len(id) != 1 || id[0] != testID || r.PostForm.Has("client_secret") ||
					r.Header.Get("Authorization") != "" {
					t.Errorf("sent %v, Authorization %q", r.PostForm, r.Header.Get("Authorization"))
				}
				grant(w, r)
			})
			c := f.config()
			c.ClientSecret, c.AuthStyle = "", style
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := complete(t, p); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestC4_Callbacks(t *testing.T) {
	f := newFake(t)
	p := f.provider(t)
	foreign := []string{"https://evil.example"}
	tests := map[string]struct {
		query url.Values
		fault policies.LoginFault
		code  string
		hint  string
	}{
		"nothing":       {url.Values{}, isInvalid, "code_missing", ""},
		"code empty":    {url.Values{"code": {""}}, isInvalid, "code_missing", ""},
		"two codes":     {url.Values{"code": {testCode, "b"}}, isInvalid, "callback_ambiguous", ""},
		"iss foreign":   {url.Values{"code": {testCode}, "iss": foreign}, isInvalid, "issuer_mismatch", issuerHint},
		"iss empty":     {url.Values{"code": {testCode}, "iss": {""}}, isInvalid, "issuer_mismatch", issuerHint},
		"two iss":       {url.Values{"code": {testCode}, "iss": {f.URL, "x"}}, isInvalid, "callback_ambiguous", ""},
		"iss and error": {url.Values{"error": {"server_error"}, "iss": foreign}, isInvalid, "issuer_mismatch", issuerHint},
		"refused":       {url.Values{"error": {"access_denied"}}, isRefused, "access_denied", ""},
		"login wanted":  {url.Values{"error": {"login_required"}}, isRefused, "login_required", ""},
		"scope": {
			url.Values{"error": {"invalid_scope"}, "error_description": {"canary"}}, isMisconfigured, "invalid_scope",
			scopeHint,
		},
		"client":        {url.Values{"error": {"unauthorized_client"}}, isMisconfigured, "unauthorized_client", clientHint},
		"request":       {url.Values{"error": {"invalid_request"}}, isMisconfigured, "invalid_request", setupHint},
		"provider down": {url.Values{"error": {"temporarily_unavailable"}}, isUnreachable, "temporarily_unavailable", providerHint},
		"state altered": {url.Values{"error": {"invalid_state"}}, isInvalid, "invalid_state", changedHint},
		"provider's own set-up": {
			url.Values{"error": {"misconfiguration"}}, isMisconfigured, "misconfiguration", ownHint,
		},
		"unknown":         {url.Values{"error": {"blocked_by_org"}}, isInvalid, "blocked_by_org", unknownHint},
		"one of our own":  {url.Values{"error": {"id_token_missing"}}, isInvalid, "id_token_missing", unknownHint},
		"markup as error": {url.Values{"error": {"<b>canary</b>"}}, isInvalid, "unknown_error", unknownHint},
		"a long error":    {url.Values{"error": {strings.Repeat("x", 65)}}, isInvalid, "unknown_error", unknownHint},
		"error empty":     {url.Values{"error": {""}, "code": {testCode}}, isInvalid, "unknown_error", unknownHint},
		"error and code":  {url.Values{"error": {"access_denied"}, "code": {testCode}}, isRefused, "access_denied", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := completeWith(t, p, test.query)
			got := wantFault(t, err, test.fault, test.code)
			if got != nil && got.Hint != test.hint {
				t.Errorf("hint %q, want %q", got.Hint, test.hint)
			}
		})
	}
	if len(f.fetches) != 0 {
		t.Error("a refused callback caused a call to the provider")
	}
	more := url.Values{
		"code": {testCode}, "iss": {f.URL}, "scope": {"openid", "profile"}, "session_state": {"x"}, "error_description": {"y"},
	}
	if _, err := completeWith(t, p, more); err != nil {
		t.Errorf("our own issuer and parameters more: %v", err)
	}
}

func TestC3_TokenAnswers(t *testing.T) {
	oauthError := func(status int, code string) http.HandlerFunc {
		return answerJSON(status, map[string]string{
			"error": code, "error_description": "canary-code is not for " + testSecret, "clerk_trace_id": "trace_1",
		})
	}
	huge := `{"access_token":"` + strings.Repeat("x", 2<<20) + `"}`
	granted := func(more string) http.HandlerFunc { return answerText(200, `{"access_token":"canary",`+more+`}`) }
	tests := map[string]struct {
		answer http.HandlerFunc
		fault  policies.LoginFault
		code   string
	}{
		"code used, 400":         {oauthError(400, "invalid_grant"), isInvalid, "invalid_grant"},
		"code used, 401":         {oauthError(401, "invalid_grant"), isInvalid, "invalid_grant"},
		"error under 200":        {oauthError(200, "invalid_grant"), isInvalid, "invalid_grant"},
		"client":                 {oauthError(401, "invalid_client"), isMisconfigured, "invalid_client"},
		"scope":                  {oauthError(400, "invalid_scope"), isMisconfigured, "invalid_scope"},
		"grant type":             {oauthError(401, "unsupported_grant_type"), isMisconfigured, "unsupported_grant_type"},
		"provider's own fault":   {oauthError(500, "server_error"), isUnreachable, "server_error"},
		"down":                   {answerText(503, "canary"), isUnreachable, "token_endpoint_failed"},
		"too many":               {answerText(429, "canary"), isUnreachable, "rate_limited"},
		"nobody there":           {answerText(404, "canary"), isMisconfigured, "token_endpoint_status"},
		"not JSON":               {answerText(200, "canary"), isMisconfigured, "token_endpoint_malformed"},
		"too large":              {answerText(200, huge), isMisconfigured, "token_endpoint_too_large"},
		"no access token":        {answerText(200, `{"token_type":"Bearer"}`), isMisconfigured, "token_endpoint_malformed"},
		"no id_token":            {granted(`"token_type":"Bearer"`), isMisconfigured, "id_token_missing"},
		"id_token not a string":  {granted(`"token_type":"Bearer","id_token":{}`), isMisconfigured, "id_token_missing"},
		"another token_type":     {granted(`"token_type":"mac","id_token":"eyJ"`), isInvalid, "token_type"},
		"not JSON and no such":   {answerText(200, "<!doctype html><title>canary</title>"), isMisconfigured, "token_endpoint_malformed"},
		"an array":               {answerText(200, `["canary"]`), isMisconfigured, "token_endpoint_malformed"},
		"a form":                 {answerText(200, "access_token=canary&token_type=Bearer&id_token=eyJ"), isMisconfigured, "token_endpoint_malformed"},
		"unknown code":           {oauthError(401, "blocked_by_org"), isInvalid, "blocked_by_org"},
		"unknown code, 403":      {oauthError(403, "blocked_by_org"), isInvalid, "blocked_by_org"},
		"known code, 404":        {oauthError(404, "invalid_client"), isMisconfigured, "invalid_client"},
		"JSON of another server": {oauthError(404, "Not Found"), isMisconfigured, "token_endpoint_status"},
		"JSON of a proxy":        {oauthError(502, "upstream_connect_error"), isUnreachable, "token_endpoint_failed"},
		"too many, in a word":    {oauthError(429, "too_many"), isUnreachable, "rate_limited"},
		"connection cut at once": {cut, isUnreachable, "token_endpoint_unreachable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.answer(tokens, test.answer)
			_, err := complete(t, f.provider(t))
			got := wantFault(t, err, test.fault, test.code)
			if got.Err == nil && got.Trace != "trace_1" {
				t.Errorf("trace %q, want the provider's", got.Trace)
			}
		})
	}
}

// The token endpoint's answer is read as what it is, whatever it is called and in whichever case.
func TestC3_AnswersUnderOtherNames(t *testing.T) {
	for _, kind := range []string{"text/plain", "text/html; charset=utf-8", "application/x-www-form-urlencoded", ""} {
		for _, tokenType := range []string{"Bearer", "bearer", "BEARER"} {
			f := newFake(t)
			body, err := json.Marshal(map[string]string{
				"access_token": "canary", "token_type": tokenType, "id_token": f.goodToken().sign(t),
			})
			if err != nil {
				t.Fatal(err)
			}
			f.answer(tokens, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{kind}
				w.Write(body)
			})
			if _, err := complete(t, f.provider(t)); err != nil {
				t.Errorf("%q, %s: %v", kind, tokenType, err)
			}
		}
	}
}

func TestC3_RedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{302, 307, 308} {
		f := newFake(t)
		f.answer(tokens, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", status) })
		_, err := complete(t, f.provider(t))
		wantFault(t, err, isMisconfigured, "token_endpoint_redirects")
		if <-f.fetches; len(f.fetches) != 0 {
			t.Errorf("%d: the token request was sent on", status)
		}

		f = newFake(t)
		f.answer(keys, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", status) })
		_, err = complete(t, f.provider(t))
		wantFault(t, err, isMisconfigured, "keys_redirects")
		<-f.fetches
		if <-f.fetches; len(f.fetches) != 0 {
			t.Errorf("%d: the key request was sent on", status)
		}
	}
}

// blocked never answers: it ends with its client, whose leaving a server notices once it has read the body.
func blocked(_ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// stalled begins an answer and never ends it.
func stalled(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/json")
	w.Write([]byte(`{"access_token":`))
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestEveryCallIsBoundedInTime(t *testing.T) {
	tests := map[string]struct {
		change func(*fakeProvider)
		code   string
	}{
		"token endpoint silent":  {func(f *fakeProvider) { f.answer(tokens, blocked) }, "token_endpoint_timeout"},
		"token endpoint stalled": {func(f *fakeProvider) { f.answer(tokens, stalled) }, "token_endpoint_timeout"},
		"keys silent":            {func(f *fakeProvider) { f.answer(keys, blocked) }, "keys_timeout"},
		"keys stalled":           {func(f *fakeProvider) { f.answer(keys, stalled) }, "keys_timeout"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			test.change(f)
			c := f.config()
			c.Timeout = 200 * time.Millisecond
			p, err := New(c)
			if err != nil {
				t.Fatal(err)
			}
			_, err = complete(t, p)
			if got := wantFault(t, err, isUnreachable, test.code); !errors.Is(got, context.DeadlineExceeded) {
				t.Errorf("cause %v, want deadline exceeded", got.Err)
			}
		})
	}
}

func TestACallerMayLeave(t *testing.T) {
	p := newFake(t).provider(t)
	_, err := p.Complete(cancelled(t), testLogin(), policies.Callback{Query: url.Values{"code": {testCode}}})
	if got := wantFault(t, err, isUnreachable, "canceled"); !errors.Is(got, context.Canceled) {
		t.Errorf("cause %v, want cancelled", got.Err)
	}
}
