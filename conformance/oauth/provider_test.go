package oauth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/conformance/gateway"
)

// The gateway's registration at the provider. The secret is one that the gateway must not show anywhere.
const (
	clientID     = "conformance-client"
	clientSecret = gateway.Canary + "-the-secret-of-the-client-at-the-provider"
)

// provider is an OpenID provider on Clerk's paths. The page at which a person would sign in is a call of signIn.
type provider struct {
	*httptest.Server
	now func() time.Time
	key jose.JSONWebKey

	mu      sync.Mutex
	visits  map[string]visit   // by code
	holders map[string]someone // by refresh token
	gone    map[string]bool    // by subject
	down    map[string]bool    // by subject
	asked   map[string]int     // how often it was asked about a subject again
	tokens  []string           // all that it gave out
}

// someone is a person with an account at the provider.
type someone struct{ sub, email, name string }

// visit is one person's stay at the provider.
type visit struct {
	who   someone
	asked url.Values
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{
		now: time.Now, key: jose.JSONWebKey{Key: private, KeyID: "one", Algorithm: string(jose.RS256), Use: "sig"},
		visits: map[string]visit{}, holders: map[string]someone{}, gone: map[string]bool{}, down: map[string]bool{},
		asked: map[string]int{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// signIn has a person sign in at the URL to which the gateway sent the browser, and answers where the provider sends it.
func (p *provider) signIn(t testing.TB, at *url.URL, who someone) string {
	t.Helper()
	asked := at.Query()
	if origin := at.Scheme + "://" + at.Host; origin != p.URL || asked.Get("client_id") != clientID {
		t.Fatalf("the browser is not sent to the provider: %s", at)
	}
	code := "provider-code-" + rand.Text()
	p.mu.Lock()
	p.visits[code] = visit{who, asked}
	p.mu.Unlock()
	return asked.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": asked["state"]}.Encode()
}

// end has the provider no longer know a person.
func (p *provider) end(who someone) { p.set(p.gone, who, true) }

// fail has the provider not answer about a person, or answer again.
func (p *provider) fail(who someone, down bool) { p.set(p.down, who, down) }

func (p *provider) set(of map[string]bool, who someone, is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of[who.sub] = is
}

// timesAsked answers how often the provider was asked again about a person since they signed in.
func (p *provider) timesAsked(who someone) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[who.sub]
}

// gaveOut answers every token that the provider ever gave out.
func (p *provider) gaveOut() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.tokens...)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func(status int, code string) { reply(w, status, map[string]string{"error": code}) }
	if id, secret, _ := r.BasicAuth(); id != clientID || secret != clientSecret {
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	}
	var who someone
	claims := map[string]any{}
	switch r.FormValue("grant_type") {
	case "authorization_code":
		v, ok := p.visits[r.FormValue("code")]
		delete(p.visits, r.FormValue("code"))
		if !ok || v.asked.Get("code_challenge") != s256(r.FormValue("code_verifier")) {
			refuse(http.StatusBadRequest, "invalid_grant")
			return
		}
		who, claims["nonce"] = v.who, v.asked.Get("nonce")
	case "refresh_token":
		who = p.holders[r.FormValue("refresh_token")]
		p.asked[who.sub]++
		switch {
		case p.down[who.sub]:
			refuse(http.StatusInternalServerError, "server_error")
			return
		case who.sub == "" || p.gone[who.sub]:
			refuse(http.StatusBadRequest, "invalid_grant")
			return
		}
		delete(p.holders, r.FormValue("refresh_token")) // it rotates
	}
	now := p.now()
	maps.Copy(claims, map[string]any{
		"iss": p.URL, "aud": clientID, "sub": who.sub, "email": who.email, "email_verified": true, "name": who.name,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": rand.Text(),
	})
	id, access, refresh := p.sign("JWT", claims), p.sign("at+jwt", claims), "provider-refresh-"+rand.Text()
	p.holders[refresh] = who
	p.tokens = append(p.tokens, id, access, refresh)
	reply(w, http.StatusOK, map[string]any{
		"token_type": "bearer", "expires_in": 3600, "scope": "openid profile email offline_access",
		"id_token": id, "access_token": access, "refresh_token": refresh,
	})
}

func (p *provider) sign(typ string, claims map[string]any) string { return sign(p.key, typ, claims) }

// sign makes a JWT with a key, by the algorithm that it names. It panics if it cannot: a mistake of the test's own.
func sign(key jose.JSONWebKey, typ string, claims map[string]any) string {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, options)
	if err != nil {
		panic(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the gateway has left: nobody is there to be told
}

// s256 is the PKCE challenge of a verifier (RFC 7636 section 4.2).
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
