// Package double is an OpenID provider on Clerk's paths that can be told to fail, in every way of [Faults].
//
// It owns the endpoints that a gateway derives from Clerk's Frontend API URL, two signing keys and one person, Ada
// Lovelace, whom it signs in without a page: whoever is sent to it is sent straight back. It promises that without a
// fault every sign-in succeeds, that a fault changes that one thing alone, and that it holds on to no connection when
// the test ends.
//
// It is not for what a person sees at a provider: the demo's identity provider has pages, and real ones are under
// conformance/providers.
package double

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// What it says of the person who signs in, and of a failed call in clerk_trace_id.
const (
	Subject = "user_2ada"
	Email   = "ada@example.com"
	Name    = "Ada Lovelace"
	Trace   = "trace_5d41402abc4b2a76"
)

// Provider is a running provider. It may be told a fault at any time; who is already on the way meets the one that is
// in force when they come to it.
type Provider struct {
	server *httptest.Server
	closed chan struct{}
	pair   [2]*rsa.PrivateKey

	mu    sync.Mutex
	fault Fault
	// signing is the key that signs, published the key set.
	signing   jose.JSONWebKey
	published []jose.JSONWebKey
	logins    map[string]login   // by code
	families  map[string]*family // by refresh token, used ones too
	calls     map[string]int     // by path
	secrets   []string
}

// login is what an authorization request asked for.
type login struct {
	client, redirect, nonce, challenge string
}

// family is a sign-in, and the refresh token that is good for it now.
type family struct {
	login
	current string
	ended   bool
}

// Start starts a provider without faults on a loopback address. It ends with the test.
func Start(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{closed: make(chan struct{}), logins: map[string]login{}, families: map[string]*family{}, calls: map[string]int{}}
	for i := range p.pair {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		p.pair[i] = key
	}
	p.signing = p.newKey(0)
	p.published = []jose.JSONWebKey{p.signing.Public()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /oauth/authorize", p.authorize)
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("GET /.well-known/jwks.json", p.keys)
	p.server = httptest.NewServer(mux)
	t.Cleanup(func() {
		close(p.closed)
		p.server.Close()
	})
	return p
}

// URL is the provider's issuer: what a gateway takes for Clerk's Frontend API URL.
func (p *Provider) URL() string { return p.server.URL }

// Fail has every sign-in from now on meet the fault of that name; "" has them succeed. A name that is none of [Faults]
// panics.
func (p *Provider) Fail(name string) {
	all := Faults()
	i := slices.IndexFunc(all, func(f Fault) bool { return f.Name == name })
	if i < 0 && name != "" {
		panic("there is no fault " + name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = Fault{}
	if i >= 0 {
		p.fault = all[i]
	}
	if p.fault.rotate {
		p.signing = p.newKey(1)
	}
	if !p.fault.unpublished {
		p.published = []jose.JSONWebKey{p.signing.Public()}
	}
}

// Calls answers how often a path has been asked: "/oauth/token".
func (p *Provider) Calls(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[path]
}

// Secrets answers what nobody but a gateway and the provider may have seen so far: the gateway's credentials as they
// came, verifiers and nonces, codes and tokens.
func (p *Provider) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.secrets)
}

// keep remembers secrets.
func (p *Provider) keep(secrets ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(p.secrets, secret) {
			p.secrets = append(p.secrets, secret)
		}
	}
}

// newKey makes a key under an id that has not been seen before.
func (p *Provider) newKey(which int) jose.JSONWebKey {
	return jose.JSONWebKey{Key: p.pair[which], KeyID: "ins_" + rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
}

// current counts a call and answers the fault it meets.
func (p *Provider) current(r *http.Request) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls[r.URL.Path]++
	return p.fault
}

// authorize signs the person in and sends the browser back, as Clerk does when it knows the browser and has no consent
// screen. Like Clerk, it adds the scope and no iss.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	fault := p.current(r)
	query := r.URL.Query()
	code := rand.Text()
	p.keep(code, query.Get("nonce"))
	p.mu.Lock()
	p.logins[code] = login{
		client: query.Get("client_id"), redirect: query.Get("redirect_uri"), nonce: query.Get("nonce"),
		challenge: query.Get("code_challenge"),
	}
	p.mu.Unlock()
	answer := url.Values{"code": {code}, "state": query["state"], "scope": query["scope"]}
	if fault.callback != nil {
		fault.callback(answer)
	}
	//nolint:gosec // it knows no clients, and sends whoever comes back to where they say
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+answer.Encode(), http.StatusSeeOther)
}

// redeem answers what a token request is good for, and the refresh token that comes of it.
func (p *Provider) redeem(form url.Values) (asked login, refresh string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := &family{}
	if token := form.Get("refresh_token"); form.Get("grant_type") == "refresh_token" {
		if f, ok = p.families[token]; !ok || f.ended || f.current != token {
			if ok { // it was used before: somebody has stolen it
				f.ended = true
			}
			return login{}, "", false
		}
	} else {
		f.login, ok = p.logins[form.Get("code")]
		delete(p.logins, form.Get("code"))
		if !ok || form.Get("redirect_uri") != f.redirect || s256(form.Get("code_verifier")) != f.challenge {
			return f.login, "", false
		}
	}
	asked, f.nonce = f.login, "" // which is the sign-in's alone
	f.current = "ort_" + rand.Text()
	p.families[f.current] = f
	return asked, f.current, true
}

// token redeems a code, once, or a refresh token, which it replaces.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	fault := p.current(r)
	if r.ParseForm() != nil {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	client, secret, basic := r.BasicAuth()
	p.keep(secret, strings.TrimPrefix(r.Header.Get("Authorization"), "Basic "), r.PostForm.Get("code_verifier"))
	if fault.token != nil {
		fault.token(w, &request{Request: r, closed: p.closed})
		return
	}
	asked, refresh, ok := p.redeem(r.PostForm)
	switch {
	case !basic || ok && client != url.QueryEscape(asked.client):
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	case !ok:
		refuse(w, http.StatusBadRequest, "invalid_grant")
		return
	}
	p.mu.Lock()
	signing := p.signing
	p.mu.Unlock()
	now := time.Now()
	id := &idToken{typ: "JWT", alg: jose.RS256, key: signing, claims: map[string]any{
		"iss": p.URL(), "sub": Subject, "aud": asked.client, "nonce": asked.nonce, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(24 * time.Hour).Unix(),
		"email": Email, "email_verified": true, "name": Name,
	}}
	if asked.nonce == "" {
		delete(id.claims, "nonce")
	}
	if fault.idToken != nil {
		fault.idToken(id)
	}
	answer := map[string]any{
		"access_token": "oat_" + rand.Text(), "refresh_token": refresh, "token_type": "bearer",
		"expires_in": 86400, "scope": "openid profile email", "id_token": id.sign(),
	}
	if fault.answer != nil {
		fault.answer(answer)
	}
	for _, name := range []string{"access_token", "refresh_token", "id_token"} {
		token, _ := answer[name].(string)
		p.keep(token)
	}
	writeJSON(w, http.StatusOK, answer)
}

func (p *Provider) keys(w http.ResponseWriter, r *http.Request) {
	fault := p.current(r)
	if fault.keys != nil {
		fault.keys(w, &request{Request: r, closed: p.closed})
		return
	}
	p.mu.Lock()
	set := jose.JSONWebKeySet{Keys: slices.Clone(p.published)}
	p.mu.Unlock()
	writeJSON(w, http.StatusOK, set)
}

func refuse(w http.ResponseWriter, status int, code string) {
	writeJSON(w, status, map[string]string{"error": code, "error_description": "no."})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever asked has left
}
