// Package idp is the development identity provider of the demo: a small OpenID provider on Clerk's paths.
//
// It owns one signing key, one client and two people who need no password. It promises what a gateway needs to be tried
// out without an account anywhere: discovery, keys, an authorization endpoint with a page to choose who one is, and a
// token endpoint with single-use codes, S256, RS256 ID tokens shaped as Clerk shapes them and, for offline_access,
// refresh tokens that are replaced at each use. Its page /people disables somebody, so that one can see what comes of it
// at the gateway: no sign-in, and no refresh any more. It serves loopback addresses only, and refuses to be made for any
// other.
//
// It is not for anything but a developer's own machine: whoever reaches it signs in as anybody, and disables anybody. It
// keeps no sessions, and all it knows is gone when it ends.
package idp

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Options say who the provider is and who its client.
type Options struct {
	// Issuer is the provider's origin, "http://127.0.0.1:4100". Its host must be a loopback address or localhost.
	Issuer string
	// ClientID and ClientSecret are the one client's. If empty, fresh ones are made.
	ClientID, ClientSecret string
	// RedirectURIs are the client's, matched exactly. If empty, http or https to any loopback address will do whose path is,
	// or ends in, /oauth/callback.
	RedirectURIs []string
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Logger is told who signs in and what is refused. Nothing if nil.
	Logger *slog.Logger
}

// Provider is the identity provider. It is an http.Handler, safe for concurrent use.
type Provider struct {
	issuer, clientID, clientSecret string
	redirects                      []string
	now                            func() time.Time
	log                            *slog.Logger
	page                           page
	public                         jose.JSONWebKeySet
	private                        jose.JSONWebKey
	codes                          codes
	refreshes                      refreshes
	accounts                       accounts
	handler                        http.Handler
}

// New makes a provider with a fresh key, which takes some tenths of a second.
func New(o Options) (*Provider, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Scheme != "http" || o.Issuer != "http://"+issuer.Host {
		return nil, errors.New("make development identity provider: the issuer must be an origin, http://HOST:PORT")
	}
	if !isLoopback(issuer.Hostname()) {
		return nil, errors.New("make development identity provider: it lets everybody in as anybody, " +
			"so it serves loopback addresses only")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	private := jose.JSONWebKey{Key: key, KeyID: "dev_" + rand.Text()[:8], Algorithm: string(jose.RS256), Use: "sig"}
	p := &Provider{
		issuer:       o.Issuer,
		clientID:     cmp.Or(o.ClientID, "dev_client_"+rand.Text()[:8]),
		clientSecret: cmp.Or(o.ClientSecret, rand.Text()),
		redirects:    slices.Clone(o.RedirectURIs),
		now:          o.Now,
		log:          o.Logger,
		page:         newPage(),
		public:       jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private.Public()}},
		private:      private,
		codes:        codes{kept: map[string]grant{}},
		refreshes:    refreshes{kept: map[string]*family{}},
	}
	if p.now == nil {
		p.now = time.Now
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", p.discovery)
	mux.HandleFunc("GET /.well-known/jwks.json", p.keys)
	mux.HandleFunc("GET /oauth/authorize", p.authorize)
	mux.HandleFunc("POST /oauth/authorize", p.signIn)
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("GET /people", p.showPeople)
	mux.HandleFunc("POST /people", p.changePeople)
	// Nobody's page but our own may choose who the person is.
	p.handler = http.NewCrossOriginProtection().Handler(mux)
	return p, nil
}

// Issuer is the origin that the gateway takes for the provider's issuer.
func (p *Provider) Issuer() string { return p.issuer }

// ClientID names the gateway here.
func (p *Provider) ClientID() string { return p.clientID }

// ClientSecret is what the gateway authenticates with.
func (p *Provider) ClientSecret() string { return p.clientSecret }

// ServeHTTP implements http.Handler. A connection to an address that is not loopback is refused, and so is a Host that
// is not the issuer's: a page elsewhere whose name is made to resolve to this machine (DNS rebinding).
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && !isLoopbackAddr(local) {
		http.Error(w, "the development identity provider serves loopback addresses only", http.StatusForbidden)
		return
	}
	if "http://"+r.Host != p.issuer {
		http.Error(w, "the development identity provider is at "+p.issuer, http.StatusMisdirectedRequest)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	p.handler.ServeHTTP(w, r)
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{
		"issuer":                                p.issuer,
		"authorization_endpoint":                p.issuer + "/oauth/authorize",
		"token_endpoint":                        p.issuer + "/oauth/token",
		"jwks_uri":                              p.issuer + "/.well-known/jwks.json",
		"scopes_supported":                      scopes(),
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"claims_supported": []string{
			"iss", "sub", "aud", "exp", "iat", "nonce", "email", "email_verified", "name",
		},
		"code_challenge_methods_supported": []string{"S256"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, p.public) }

// knowsRedirect says whether the client may be answered at uri.
func (p *Provider) knowsRedirect(uri string) bool {
	if len(p.redirects) > 0 {
		return slices.Contains(p.redirects, uri)
	}
	u, err := url.Parse(uri)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && uri == u.Scheme+"://"+u.Host+u.Path &&
		strings.HasSuffix(u.Path, "/oauth/callback") && isLoopback(u.Hostname())
}

// isClient says whether a token request comes from the client: by Basic, form-encoded first (RFC 6749 section 2.3.1),
// or by parameters, which Clerk treats alike.
func (p *Provider) isClient(r *http.Request) bool {
	id, secret, basic := r.BasicAuth()
	if basic {
		var faultID, faultSecret error
		id, faultID = url.QueryUnescape(id)
		secret, faultSecret = url.QueryUnescape(secret)
		if faultID != nil || faultSecret != nil {
			return false
		}
	} else {
		id, secret = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	}
	return equal(id, p.clientID) && equal(secret, p.clientSecret)
}

// sign makes a JWT of the given type.
func (p *Provider) sign(typ string, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: p.private},
		(&jose.SignerOptions{}).WithType(jose.ContentType(typ)))
	if err != nil {
		return "", err
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has left: nobody is there to be told
}

func refuse(w http.ResponseWriter, status int, code, why string) {
	answer(w, status, map[string]string{"error": code, "error_description": why})
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}

func isLoopbackAddr(a net.Addr) bool {
	host, _, err := net.SplitHostPort(a.String())
	return err == nil && isLoopback(host)
}

// s256 is the PKCE challenge of a verifier (RFC 7636 section 4.2).
func s256(verifier string) string {
	return base64.RawURLEncoding.EncodeToString(digest(verifier))
}
