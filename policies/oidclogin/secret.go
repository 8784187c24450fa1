package oidclogin

import (
	"encoding/base64"
	"net/url"
	"strings"

	"durward/policies"
)

// sameRun is how many characters in a row an error code or a trace id may not have in common with a secret.
const sameRun = 8

// confidences are what the provider was told in confidence in one exchange, in each form in which it may come back.
type confidences []string

// confided answers what the provider has been told when it answers: the texts of the exchange, and the client's secret.
func (p *Provider) confided(texts ...string) confidences {
	id, secret := url.QueryEscape(p.clientID), url.QueryEscape(p.exchange.ClientSecret)
	var all confidences
	for _, text := range append(texts, p.exchange.ClientSecret, secret) {
		if text != "" {
			all = append(all, text, base64.StdEncoding.EncodeToString([]byte(text)),
				base64.RawURLEncoding.EncodeToString([]byte(text)))
		}
	}
	if secret == "" {
		return all
	}
	// The Authorization header of the token request. How the secret looks in it hangs on the id before it.
	return append(all, base64.StdEncoding.EncodeToString([]byte(id+":"+secret)))
}

// word answers text if it has the form of an error code or a trace id and holds nothing confided, else "". Both end up
// in logs and, as codes, with the client; and at the callback they come by way of the browser.
func (c confidences) word(text string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	if len(text) > 64 || strings.Trim(text, allowed) != "" {
		return ""
	}
	for _, secret := range c {
		if strings.Contains(text, secret) {
			return ""
		}
		for i := range max(len(text)-sameRun+1, 0) {
			if strings.Contains(secret, text[i:i+sameRun]) {
				return ""
			}
		}
	}
	return text
}

// clean answers the error without any word of the provider's that is none or holds a secret. Every error of Complete and
// of Recheck that comes of an answer passes here. It is a copy: a failed key fetch is shared by all who waited for it.
func (c confidences) clean(e policies.LoginError) *policies.LoginError {
	e.Trace = c.word(e.Trace)
	if !known(e.Code) {
		e.Code = c.word(e.Code)
	}
	if e.Code == "" {
		e.Code = "unknown_error"
	}
	return &e
}

// known says whether a code is one of those whose meaning is fixed: it says nothing, even if a secret is like it.
func known(code string) bool {
	_, theirs := find(providerMeanings(), code)
	_, ours := find(ownMeanings(), code)
	return theirs || ours
}
