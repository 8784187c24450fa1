package idp

import (
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
)

// scopeOffline is the scope for which there is a refresh token, as with Clerk.
const scopeOffline = "offline_access"

// maxRefreshes bounds the memory that refresh tokens take, those that were used included.
const maxRefreshes = 10_000

// family is a sign-in and the refresh token that is good for it now.
type family struct {
	grant
	current string
	ended   bool
}

// refreshes are the refresh tokens that were issued, each with its family: a used one is known again.
type refreshes struct {
	mu   sync.Mutex
	kept map[string]*family
}

// begin issues the first refresh token of a sign-in; none if there are too many.
func (r *refreshes) begin(g grant) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.issue(&family{grant: g})
}

// rotate exchanges a refresh token for the next of its family. A token that was used before ends the family: somebody
// has stolen it, or kept it (RFC 9700 section 4.14.2).
func (r *refreshes) rotate(token string) (grant, string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, known := r.kept[token]
	if !known || f.ended {
		return grant{}, "", false
	}
	if f.current != token {
		f.ended = true
		return grant{}, "", false
	}
	return f.grant, r.issue(f), true
}

// issue makes the family's next token. The caller holds the lock.
func (r *refreshes) issue(f *family) string {
	if len(r.kept) >= maxRefreshes {
		for token, of := range r.kept {
			if of.ended || of.current != token {
				delete(r.kept, token)
			}
		}
	}
	if len(r.kept) >= maxRefreshes {
		return ""
	}
	f.current = rand.Text()
	r.kept[f.current] = f
	return f.current
}

// refresh exchanges a refresh token (RFC 6749 section 6). Whoever is disabled by now gets nothing any more.
func (p *Provider) refresh(w http.ResponseWriter, r *http.Request) {
	g, next, ok := p.refreshes.rotate(r.PostForm.Get("refresh_token"))
	if !ok || p.accounts.disabled(g.person.Key) {
		p.log.Warn("token refused", "reason", "invalid_grant")
		refuse(w, http.StatusBadRequest, "invalid_grant", "the refresh token is not good any more")
		return
	}
	g.nonce = "" // it belonged to the sign-in (OpenID Connect Core section 12.2)
	p.answerTokens(w, g, next)
}

// asksOffline says whether a sign-in comes with a refresh token.
func (q request) asksOffline() bool { return slices.Contains(q.scopes, scopeOffline) }
