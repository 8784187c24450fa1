package oidclogin

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/policies"
)

const (
	testID     = "client/ä:1"
	testSecret = "canary secret:%&+/"
	testCode   = "canary-code"
	testNonce  = "nonce-of-this-login"
	redirect   = "https://gateway.example/oauth/callback"

	isRefused       = policies.LoginRefused
	isMisconfigured = policies.LoginMisconfigured
	isUnreachable   = policies.LoginUnreachable
	isInvalid       = policies.LoginInvalid
)

var (
	testNow      = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	testVerifier = strings.Repeat("canary-verifier.", 3)
	testKey      = sync.OnceValue(newKey)
	otherKey     = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// fakeProvider is an OpenID provider whose every answer a test can change.
type fakeProvider struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]http.HandlerFunc // by path
	fetches chan string                 // every request's path
}

// answer changes what a path answers, and returns what it answered until now.
func (f *fakeProvider) answer(path string, h http.HandlerFunc) http.HandlerFunc {
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.answers[path]
	f.answers[path] = h
	return before
}

func (f *fakeProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	h := f.answers[r.Method+" "+r.URL.Path]
	f.mu.Unlock()
	f.fetches <- r.URL.Path
	if h == nil {
		h = http.NotFound
	}
	h(w, r)
}

const (
	tokens = "POST /token"
	keys   = "GET /keys"
)

func newFake(t *testing.T) *fakeProvider {
	t.Helper()
	f := &fakeProvider{fetches: make(chan string, 100), answers: map[string]http.HandlerFunc{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f.begin(t)
}

// newFakeInMemory makes a provider that roundTrip reaches, and nobody else.
func newFakeInMemory(t *testing.T) *fakeProvider {
	t.Helper()
	f := &fakeProvider{fetches: make(chan string, 1000), answers: map[string]http.HandlerFunc{}}
	f.Server = &httptest.Server{URL: "https://op.example"}
	return f.begin(t)
}

func (f *fakeProvider) begin(t *testing.T) *fakeProvider {
	f.answer(keys, serveKeys("1", testKey()))
	f.answer(tokens, f.grant(t, nil))
	return f
}

// roundTrip answers a request without a network.
func (f *fakeProvider) roundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := httptest.NewRecorder()
	f.ServeHTTP(answer, r)
	return answer.Result(), nil
}

func (f *fakeProvider) config() Config {
	return Config{
		Issuer: f.URL, AuthorizeURL: f.URL + "/authorize", TokenURL: f.URL + "/token", JWKSURL: f.URL + "/keys",
		ClientID: testID, ClientSecret: testSecret, Scopes: []string{"openid", "email"}, Timeout: 10 * time.Second,
	}
}

func (f *fakeProvider) provider(t *testing.T) *Provider {
	t.Helper()
	p, err := New(f.config())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// token is an ID token before it is signed.
type token struct {
	alg    jose.SignatureAlgorithm
	key    any
	kid    string
	header map[jose.HeaderKey]any
	claims map[string]any
}

func (f *fakeProvider) goodToken() *token {
	return &token{
		alg: jose.RS256, key: testKey(), kid: "1",
		header: map[jose.HeaderKey]any{"typ": "JWT"},
		claims: map[string]any{
			"iss": f.URL, "sub": "user_1", "aud": testID, "nonce": testNonce,
			"iat": testNow.Unix(), "exp": testNow.Add(time.Hour).Unix(),
			"email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace",
		},
	}
}

func (k *token) sign(t *testing.T) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: k.alg, Key: jose.JSONWebKey{Key: k.key, KeyID: k.kid}},
		&jose.SignerOptions{ExtraHeaders: k.header})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(k.claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// grant answers every token request with the good token, changed.
func (f *fakeProvider) grant(t *testing.T, change func(*token)) http.HandlerFunc {
	k := f.goodToken()
	if change != nil {
		change(k)
	}
	return answerJSON(http.StatusOK, map[string]any{
		"access_token": "canary-access", "token_type": "bearer", "expires_in": 60,
		"refresh_token": "canary-refresh", "id_token": k.sign(t),
	})
}

func serveKeys(kid string, key *rsa.PrivateKey) http.HandlerFunc {
	return answerJSON(http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key.Public(), KeyID: kid, Algorithm: "RS256", Use: "sig"},
	}})
}

func answerJSON(status int, v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
}

// cut answers by ending the connection.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func answerText(status int, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write([]byte(text))
	}
}

func testLogin() policies.Login {
	return policies.Login{RedirectURI: redirect, State: "state", Nonce: testNonce, Verifier: testVerifier}
}

// complete runs the second half of a login at the test's time.
func complete(t *testing.T, p *Provider) (policies.Identity, error) {
	t.Helper()
	return completeWith(t, p, url.Values{"code": {testCode}, "state": {"state"}})
}

func completeWith(t *testing.T, p *Provider, query url.Values) (policies.Identity, error) {
	t.Helper()
	ctx := policies.WithCall(t.Context(), policies.Call{Time: testNow})
	return p.Complete(ctx, testLogin(), policies.Callback{Query: query})
}

// wantFault checks an error's kind, and that nothing secret or sent by the provider is in any of its texts (G10).
func wantFault(t *testing.T, err error, fault policies.LoginFault, code string) *policies.LoginError {
	t.Helper()
	got, ok := errors.AsType[*policies.LoginError](err)
	if !ok {
		t.Fatalf("error is %T (%v), want *policies.LoginError", err, err)
	}
	if got.Fault != fault || got.Code != code {
		t.Errorf("fault %d code %q (%v), want fault %d code %q", got.Fault, got.Code, got, fault, code)
	}
	if fault == policies.LoginMisconfigured && got.Hint == "" {
		t.Error("a misconfiguration without a hint")
	}
	for _, text := range []string{got.Error(), got.Hint, got.Code, got.Trace} {
		for _, secret := range []string{"canary", testSecret, url.QueryEscape(testSecret), "eyJ"} {
			if strings.Contains(text, secret) {
				t.Errorf("an error's text holds %q: %q", secret, text)
			}
		}
	}
	return got
}

// withoutClaim and withClaim change a token.
func withoutClaim(name string) func(*token) {
	return func(k *token) { delete(k.claims, name) }
}

func withClaim(name string, value any) func(*token) {
	return func(k *token) { maps.Copy(k.claims, map[string]any{name: value}) }
}

// cancelled is a context that has ended.
func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
