package signin

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
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"durward/conformance/gateway"
)

// The gateway's registration at the provider. The secret is one that the gateway must not show anywhere.
const (
	clientID     = "signin-client"
	clientSecret = gateway.Canary + "-the-secret-of-the-client-at-the-provider"
)

// provider is an OpenID provider on Clerk's paths that tells the truth unless a test has it lie. It is spoken to by the
// gateway over HTTP; the page at which a person would sign in is a call of signIn.
type provider struct {
	*httptest.Server
	mu     sync.Mutex
	key    jose.JSONWebKey   // that signs now
	known  []jose.JSONWebKey // that are published
	visits map[string]*visit // by code
	// foreign are the codes that it was asked about and never gave out.
	foreign []string
}

// visit is one person's stay at the provider, and what the gateway asks about it afterwards.
type visit struct {
	// asked is the authorization request.
	asked url.Values
	// claims are the ID token's. They may be changed before the browser goes back.
	claims map[string]any
	// forge, if set, makes the ID token in place of the provider's own signature.
	forge func(claims map[string]any) string
	// careless: the provider does not look at the code verifier.
	careless bool

	// redemptions counts the token requests for the code. verifier is what the last one brought.
	redemptions int
	verifier    string
	// tokens are all that the provider gave to the gateway.
	tokens []string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{visits: map[string]*visit{}}
	p.rotate(t)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("GET /.well-known/jwks.json", p.keys)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// rotate has the provider sign with a fresh key, publish no other, and answers the one before.
func (p *provider) rotate(t *testing.T) (retired jose.JSONWebKey) {
	t.Helper()
	fresh, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	retired = p.key
	p.key = jose.JSONWebKey{Key: fresh, KeyID: "key-" + rand.Text(), Algorithm: string(jose.RS256), Use: "sig"}
	p.known = []jose.JSONWebKey{p.key.Public()}
	return retired
}

// current is the key that signs now.
func (p *provider) current() jose.JSONWebKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// someone is a person with an account at the provider.
type someone struct{ sub, email, name string }

func ada() someone   { return someone{"user_ada", "ada@example.com", "Ada Lovelace"} }
func grace() someone { return someone{"user_grace", "grace@example.com", "Grace Hopper"} }

// signIn has a person sign in at the URL to which the gateway sent the browser, and answers where the provider sends
// it. change may have the provider lie.
func (p *provider) signIn(t *testing.T, at *url.URL, who someone, change ...func(*visit)) (*url.URL, *visit) {
	t.Helper()
	asked := at.Query()
	if origin := at.Scheme + "://" + at.Host; origin != p.URL || at.Path != "/oauth/authorize" ||
		asked.Get("client_id") != clientID {
		t.Fatalf("the browser is not sent to the provider: %s", at)
	}
	now := time.Now()
	v := &visit{asked: asked, claims: map[string]any{
		"iss": p.URL, "aud": clientID, "sub": who.sub, "email": who.email, "email_verified": true, "name": who.name,
		"nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "jti": rand.Text(),
	}}
	for _, f := range change {
		f(v)
	}
	code := "provider-code-" + rand.Text()
	p.mu.Lock()
	p.visits[code] = v
	p.mu.Unlock()
	back, err := url.Parse(asked.Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	back.RawQuery = url.Values{"code": {code}, "state": asked["state"], "scope": {"openid profile email"}}.Encode()
	return back, v
}

// redeemed answers how often the gateway has asked for a visit's tokens.
func (p *provider) redeemed(v *visit) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return v.redemptions
}

// askedAbout says whether the gateway brought a code that this provider never gave out.
func (p *provider) askedAbout(code string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.foreign, code)
}

func (p *provider) keys(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: p.known})
}

// token answers every redemption of a code, also a second one, so that a gateway that asks twice is seen to.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func(status int, code string) { reply(w, status, map[string]string{"error": code}) }
	if id, secret, _ := r.BasicAuth(); id != clientID || secret != clientSecret {
		refuse(http.StatusUnauthorized, "invalid_client")
		return
	}
	v, ok := p.visits[r.FormValue("code")]
	if !ok {
		p.foreign = append(p.foreign, r.FormValue("code"))
	}
	if !ok || r.FormValue("redirect_uri") != v.asked.Get("redirect_uri") {
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	v.redemptions++
	v.verifier = r.FormValue("code_verifier")
	if challenge := v.asked.Get("code_challenge"); challenge != "" && !v.careless && challenge != s256(v.verifier) {
		refuse(http.StatusBadRequest, "invalid_grant")
		return
	}
	var id string
	if v.forge != nil {
		id = v.forge(v.claims)
	} else {
		id = sign(jose.RS256, p.key, "JWT", v.claims)
	}
	access := maps.Clone(v.claims)
	access["aud"], access["client_id"] = p.URL, clientID
	v.tokens = []string{id, sign(jose.RS256, p.key, "at+jwt", access), "provider-refresh-" + rand.Text()}
	reply(w, http.StatusOK, map[string]any{
		"token_type": "bearer", "expires_in": 3600, "scope": "openid profile email",
		"id_token": v.tokens[0], "access_token": v.tokens[1], "refresh_token": v.tokens[2],
	})
}

// sign makes a JWT. It panics if the key does not fit the algorithm: a mistake of the test's own.
func sign(alg jose.SignatureAlgorithm, key any, typ string, claims map[string]any) string {
	options := (&jose.SignerOptions{}).WithType(jose.ContentType(typ))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, options)
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
