package idp

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is an authorization request that may be answered at its redirect URI.
type request struct {
	clientID, redirectURI, state, nonce, challenge string
	scopes                                         []string
}

// scopes are those the client may ask for.
func scopes() []string { return []string{"openid", "profile", "email", scopeOffline} }

// read checks an authorization request. If it answers false it has answered the browser: with a page where the client
// or its redirect URI is unknown, for then there is nowhere to send an error to (RFC 6749 section 4.1.2.1).
func (p *Provider) read(w http.ResponseWriter, r *http.Request) (request, bool) {
	if r.ParseForm() != nil {
		p.page.fault(w, "The request could not be read.")
		return request{}, false
	}
	for _, values := range r.Form {
		if len(values) > 1 {
			p.page.fault(w, "The request names a parameter more than once.")
			return request{}, false
		}
	}
	q := request{
		clientID:    r.Form.Get("client_id"),
		redirectURI: r.Form.Get("redirect_uri"),
		state:       r.Form.Get("state"),
		nonce:       r.Form.Get("nonce"),
		challenge:   r.Form.Get("code_challenge"),
		scopes:      strings.Fields(cmp.Or(r.Form.Get("scope"), "profile email")), // Clerk's default: no openid
	}
	if !equal(q.clientID, p.clientID) || !p.knowsRedirect(q.redirectURI) {
		p.log.Warn("authorization refused", "reason", "unknown client or redirect URI")
		p.page.fault(w, "This client, or the place it wants to be answered at, is not known here.")
		return request{}, false
	}
	var code, why string
	switch {
	case r.Form.Get("response_type") != "code":
		code, why = "unsupported_response_type", "only code is supported"
	case len(q.state) < 8:
		code, why = "invalid_state", "the state must be at least 8 characters long"
	case q.challenge == "" && r.Form.Has("code_challenge_method"):
		code, why = "invalid_request", "code_challenge_method without code_challenge"
	case q.challenge != "" && r.Form.Get("code_challenge_method") != "S256":
		code, why = "invalid_request", "code_challenge_method must be S256"
	case slices.ContainsFunc(q.scopes, func(s string) bool { return !slices.Contains(scopes(), s) }):
		code, why = "invalid_scope", "The OAuth 2.0 Client is not allowed to request one of the scopes."
	case strings.Contains(r.Form.Get("prompt"), "none"):
		code, why = "login_required", "nobody stays signed in here"
	default:
		return q, true
	}
	p.log.Warn("authorization refused", "reason", code)
	redirect(w, r, q, url.Values{"error": {code}, "error_description": {why}})
	return request{}, false
}

// authorize shows the page on which the person chooses who to be.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if _, ok := p.read(w, r); ok {
		p.page.choose(w, r.Form)
	}
}

// signIn takes the choice.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request) {
	q, ok := p.read(w, r)
	if !ok {
		return
	}
	chosen := r.Form.Get("person")
	if chosen == "" {
		p.log.Info("sign-in refused by the person")
		redirect(w, r, q, url.Values{"error": {"access_denied"}, "error_description": {"the person said no"}})
		return
	}
	who, ok := find(chosen)
	if !ok {
		p.page.fault(w, "Nobody of that name lives here.")
		return
	}
	if p.accounts.disabled(who.Key) {
		p.log.Warn("sign-in refused", "reason", "disabled", "person", who.Name)
		p.page.fault(w, who.Name+" is disabled here: see /people.")
		return
	}
	code, ok := p.codes.issue(grant{request: q, person: who}, p.now())
	if !ok {
		redirect(w, r, q, url.Values{"error": {"temporarily_unavailable"}})
		return
	}
	p.log.Info("signed in", "person", who.Name)
	redirect(w, r, q, url.Values{"code": {code}, "scope": {strings.Join(q.scopes, " ")}})
}

// redirect answers the client. 303 makes the browser forget the form that it has just sent.
func redirect(w http.ResponseWriter, r *http.Request, q request, answer url.Values) {
	if q.state != "" {
		answer.Set("state", q.state)
	}
	http.Redirect(w, r, q.redirectURI+"?"+answer.Encode(), http.StatusSeeOther)
}
