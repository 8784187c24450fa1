package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	codeTTL  = 10 * time.Minute
	tokenTTL = 24 * time.Hour
	// maxCodes bounds the memory that sign-ins nobody completes can take.
	maxCodes = 10_000
)

// grant is what a code stands for.
type grant struct {
	request
	person  person
	expires time.Time
}

// codes are the codes that were issued and neither used nor forgotten.
type codes struct {
	mu   sync.Mutex
	kept map[string]grant
}

// issue keeps a grant under a fresh code; false if there are too many.
func (c *codes) issue(g grant, now time.Time) (string, bool) {
	g.expires = now.Add(codeTTL)
	code := rand.Text()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxCodes {
		for old, kept := range c.kept {
			if !now.Before(kept.expires) {
				delete(c.kept, old)
			}
		}
	}
	if len(c.kept) >= maxCodes {
		return "", false
	}
	c.kept[code] = g
	return code, true
}

// take answers what a code stands for and forgets it, whatever becomes of the request: a code is good once.
func (c *codes) take(code string, now time.Time) (grant, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g, ok := c.kept[code]
	delete(c.kept, code)
	return g, ok && now.Before(g.expires)
}

// token is the token endpoint.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	if r.ParseForm() != nil {
		refuse(w, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	if !p.isClient(r) {
		p.log.Warn("token refused", "reason", "invalid_client")
		w.Header().Set("WWW-Authenticate", `Basic realm="development identity provider"`)
		refuse(w, http.StatusUnauthorized, "invalid_client", "client authentication failed")
		return
	}
	switch r.PostForm.Get("grant_type") {
	case "authorization_code":
		p.redeem(w, r)
	case "refresh_token":
		p.refresh(w, r)
	default:
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "only authorization_code and refresh_token are supported")
	}
}

// redeem exchanges a code (RFC 6749 section 4.1.3).
func (p *Provider) redeem(w http.ResponseWriter, r *http.Request) {
	g, ok := p.codes.take(r.PostForm.Get("code"), p.now())
	verifier := r.PostForm.Get("code_verifier")
	switch {
	case !ok, g.redirectURI != r.PostForm.Get("redirect_uri"),
		g.challenge != "" && !equal(g.challenge, s256(verifier)),
		g.challenge == "" && verifier != "": // S12: a verifier nobody asked for
		p.log.Warn("token refused", "reason", "invalid_grant")
		refuse(w, http.StatusBadRequest, "invalid_grant", "the code is not good, or not for this request")
		return
	}
	refresh := ""
	if g.asksOffline() {
		refresh = p.refreshes.begin(g)
	}
	p.answerTokens(w, g, refresh)
}

// answerTokens answers what a grant comes to, and a refresh token if there is one.
func (p *Provider) answerTokens(w http.ResponseWriter, g grant, refresh string) {
	tokens, err := p.tokens(g, p.now())
	if err != nil {
		p.log.Error("token not signed", "error", err)
		refuse(w, http.StatusInternalServerError, "server_error", "the tokens could not be signed")
		return
	}
	if refresh != "" {
		tokens["refresh_token"] = refresh
	}
	answer(w, http.StatusOK, tokens)
}

// tokens are the answer for a grant. As with Clerk there is an ID token only if openid was asked for, and the claims
// that a scope opens are in it.
func (p *Provider) tokens(g grant, now time.Time) (map[string]any, error) {
	common := func(audience string) map[string]any {
		return map[string]any{
			"iss": p.issuer, "sub": g.person.Subject, "aud": audience, "jti": rand.Text(),
			"iat": now.Unix(), "exp": now.Add(tokenTTL).Unix(),
		}
	}
	scope := strings.Join(g.scopes, " ")
	claims := common(p.issuer)
	claims["client_id"], claims["scope"] = p.clientID, scope
	access, err := p.sign("at+jwt", claims)
	if err != nil {
		return nil, err
	}
	tokens := map[string]any{
		"access_token": access, "token_type": "bearer", "expires_in": int(tokenTTL.Seconds()), "scope": scope,
	}
	if !slices.Contains(g.scopes, "openid") {
		return tokens, nil
	}
	claims = common(p.clientID)
	if g.nonce != "" {
		claims["nonce"] = g.nonce
	}
	if slices.Contains(g.scopes, "email") {
		claims["email"], claims["email_verified"] = g.person.Email, true
	}
	if slices.Contains(g.scopes, "profile") {
		claims["name"] = g.person.Name
	}
	tokens["id_token"], err = p.sign("JWT", claims)
	return tokens, err
}

func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}
