package oidclogin

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"golang.org/x/oauth2"

	"durward/policies"
)

// Recheck exchanges the refresh token in the handle (RFC 6749 section 6): a provider that no longer lets the person in
// refuses it. An ID token in the answer says who the person is now. Every error is a *policies.LoginError.
//
// Providers that replace refresh tokens do so here, and take a second use of the old one for a theft: the Standing holds
// the new one, also beside an error.
func (p *Provider) Recheck(ctx context.Context, raw []byte) (policies.Standing, error) {
	given, err := p.readHandle(raw)
	if err != nil {
		return policies.Standing{}, err
	}
	standing, err := p.recheck(ctx, given)
	if e, ok := errors.AsType[*policies.LoginError](err); ok {
		return standing, p.confided(given.Refresh).clean(*e)
	}
	return standing, err
}

// recheck is Recheck with words of the provider as it gave them.
func (p *Provider) recheck(ctx context.Context, given handle) (policies.Standing, error) {
	answer, err := p.refresh(ctx, given.Refresh)
	if code, ok := saysNo(err); ok {
		return policies.Standing{Gone: true, Code: code}, nil
	}
	if err != nil {
		return policies.Standing{}, exchangeFault(err)
	}
	var standing policies.Standing
	if answer.RefreshToken != given.Refresh {
		standing.Handle = p.handleOf(given.Subject, answer.RefreshToken)
	}
	if err := checkType(answer); err != nil {
		return standing, err
	}
	raw, _ := answer.Extra("id_token").(string)
	if raw == "" { // OpenID Connect Core section 12.2: there may be none
		return standing, nil
	}
	token, err := p.verify(ctx, raw)
	if err != nil {
		return standing, err
	}
	// No nonce: one that is there would be the login's, and nothing came by way of a browser.
	if token.claims.text("sub") != given.Subject {
		return standing, failed("id_token_other", errors.New("the ID token is about another person"))
	}
	if token.describes() {
		who := p.identityOf(token)
		standing.Identity = &who
	}
	return standing, nil
}

// refresh asks the token endpoint.
func (p *Provider) refresh(ctx context.Context, token string) (*oauth2.Token, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	source := p.exchange.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, p.client),
		&oauth2.Token{RefreshToken: token})
	return source.Token()
}

// saysNo tells whether a refused exchange is the provider's word on the person, and which: the refresh token is good no
// more, which is how a provider that looks says that somebody was disabled, or the person would have to sign in anew. What
// comes under a 5xx is the provider's own trouble, whatever it says: to end all that a person has cannot be undone.
func saysNo(err error) (string, bool) {
	refused, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || refused.Response.StatusCode >= http.StatusInternalServerError ||
		!counts(refused.ErrorCode, refused.Response.StatusCode) {
		return "", false
	}
	m, known := find(providerMeanings(), refused.ErrorCode)
	return m.code, known && (m.code == "invalid_grant" || m.fault == policies.LoginRefused)
}

// describes says whether an ID token says anything of the person beyond who it is. Providers may leave the rest out of
// one that comes of a refresh (OpenID Connect Core section 12.2); that is silence, and not a change.
func (t idToken) describes() bool {
	for name := range t.claims {
		if !slices.Contains(protocolClaims(), name) {
			return true
		}
	}
	return false
}

// protocolClaims are those with which an ID token speaks of itself and of the sign-in: OpenID Connect Core sections 2 and
// 3.3.2.11, RFC 7519 section 4.1, and what ory/fosite and Keycloak add.
func protocolClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "c_hash",
		"s_hash", "sid", "rat", "typ", "client_id", "scope", "session_state",
	}
}
