//go:build !race

// Command fosite is an OpenID provider on ory/fosite, with Clerk's paths. Clerk's own errors read word for word as
// fosite's do, so that what this one says to a fault in the set-up is the nearest thing to what Clerk says.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
	"golang.org/x/crypto/bcrypt"

	"durward/conformance/providers/internal/program"
)

const keyID = "ins_fosite"

func main() {
	if err := program.Run(newProvider); err != nil {
		fmt.Fprintln(os.Stderr, "fosite:", err)
		os.Exit(1)
	}
}

type provider struct {
	oauth2 fosite.OAuth2Provider
	issuer string
	scopes []string
	people []program.Person
	gone   *program.Disabled
	keys   jose.JSONWebKeySet
}

// newProvider configures fosite as Clerk's documents describe Clerk: lifetimes, refresh tokens without offline_access,
// exact scopes, and all claims in the ID token.
func newProvider(
	issuer string, s program.Settings, c program.Callback, gone *program.Disabled,
) (http.Handler, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make signing key: %w", err)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(s.ClientSecret), bcrypt.MinCost)
	if err != nil {
		return nil, fmt.Errorf("hash client secret: %w", err)
	}
	global := make([]byte, 32)
	_, _ = rand.Read(global) // never fails
	store := storage.NewMemoryStore()
	store.Clients[s.ClientID] = &fosite.DefaultClient{
		ID: s.ClientID, Secret: hash, RedirectURIs: []string{c.RedirectURI}, Scopes: s.Scopes,
		ResponseTypes: []string{"code"}, GrantTypes: []string{"authorization_code", "refresh_token"},
	}
	p := &provider{
		issuer: issuer, scopes: s.Scopes, people: s.People, gone: gone,
		keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
			Key: key.Public(), KeyID: keyID, Algorithm: string(jose.RS256), Use: "sig",
		}}},
		oauth2: compose.ComposeAllEnabled(&fosite.Config{
			IDTokenIssuer: issuer, TokenURL: issuer + "/oauth/token", GlobalSecret: global,
			AuthorizeCodeLifespan: 10 * time.Minute, AccessTokenLifespan: 24 * time.Hour, IDTokenLifespan: 24 * time.Hour,
			RefreshTokenScopes: []string{}, ScopeStrategy: fosite.ExactScopeStrategy,
		}, store, key),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /.well-known/jwks.json", func(w http.ResponseWriter, _ *http.Request) { answer(w, p.keys) })
	mux.HandleFunc("GET /oauth/authorize", p.authorize)
	mux.HandleFunc("POST /oauth/authorize", p.signIn)
	mux.HandleFunc("POST /oauth/token", p.token)
	mux.HandleFunc("POST /oauth/token/revoke", p.revoke)
	mux.HandleFunc("GET /oauth/userinfo", p.userinfo)
	return mux, nil
}

func (p *provider) discovery(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]any{
		"issuer":                                p.issuer,
		"authorization_endpoint":                p.issuer + "/oauth/authorize",
		"token_endpoint":                        p.issuer + "/oauth/token",
		"revocation_endpoint":                   p.issuer + "/oauth/token/revoke",
		"userinfo_endpoint":                     p.issuer + "/oauth/userinfo",
		"jwks_uri":                              p.issuer + "/.well-known/jwks.json",
		"scopes_supported":                      p.scopes,
		"response_types_supported":              []string{"code"},
		"grant_types_supported":                 []string{"authorization_code", "refresh_token"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

// session is what fosite makes an ID token of. The person has signed in just now, since at is when they were asked to.
func (p *provider) session(who program.Person, scopes fosite.Arguments, at time.Time) *openid.DefaultSession {
	claims := map[string]any{}
	if scopes.Has("email") {
		claims["email"], claims["email_verified"] = who.Email, true
	}
	if scopes.Has("profile") {
		claims["name"], claims["preferred_username"] = who.Name, who.Username
	}
	return &openid.DefaultSession{
		Subject: who.Subject, Username: who.Username,
		Headers: &jwt.Headers{Extra: map[string]any{"kid": keyID}},
		Claims: &jwt.IDTokenClaims{
			Issuer: p.issuer, Subject: who.Subject, Extra: claims, RequestedAt: at, AuthTime: time.Now(),
		},
	}
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	asked, err := p.oauth2.NewAccessRequest(ctx, r, &openid.DefaultSession{})
	if err != nil {
		p.oauth2.WriteAccessError(ctx, w, asked, err)
		return
	}
	if p.gone.Has(asked.GetSession().GetSubject()) { // fosite leaves it to whoever knows the accounts
		p.oauth2.WriteAccessError(ctx, w, asked, fosite.ErrInvalidGrant)
		return
	}
	response, err := p.oauth2.NewAccessResponse(ctx, asked)
	if err != nil {
		p.oauth2.WriteAccessError(ctx, w, asked, err)
		return
	}
	p.oauth2.WriteAccessResponse(ctx, w, asked, response)
}

func (p *provider) revoke(w http.ResponseWriter, r *http.Request) {
	p.oauth2.WriteRevocationResponse(r.Context(), w, p.oauth2.NewRevocationRequest(r.Context(), r))
}

func (p *provider) userinfo(w http.ResponseWriter, r *http.Request) {
	_, token, err := p.oauth2.IntrospectToken(r.Context(), fosite.AccessTokenFromRequest(r), fosite.AccessToken,
		&openid.DefaultSession{})
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	i := slices.IndexFunc(p.people, func(one program.Person) bool { return one.Subject == token.GetSession().GetSubject() })
	claims := p.session(p.people[i], token.GetGrantedScopes(), token.GetRequestedAt()).Claims.Extra
	claims["sub"] = p.people[i].Subject
	answer(w, claims)
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever has left need not be told
}
