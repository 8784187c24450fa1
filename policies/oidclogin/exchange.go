package oidclogin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"durward/policies"
)

// readCallback answers the code of an authorization response, or the error in it. Parameters that it does not know are
// no concern of it (RFC 6749 section 4.1.2).
func (p *Provider) readCallback(query url.Values) (string, error) {
	for _, name := range []string{"code", "error", "iss"} {
		if len(query[name]) > 1 { // RFC 6749 section 3.1
			return "", failed("callback_ambiguous", fmt.Errorf("the callback has more than one %s", name))
		}
	}
	// C4, RFC 9207 section 2.4: an answer of another provider is not even believed when it reports an error.
	if query.Has("iss") && query.Get("iss") != p.issuer {
		return "", failed("issuer_mismatch", errors.New("the callback comes from another provider"))
	}
	if query.Has("error") {
		return "", fromProvider(query.Get("error"), query.Get("clerk_trace_id"))
	}
	code := query.Get("code")
	if code == "" {
		return "", failed("code_missing", errors.New("the callback has neither a code nor an error"))
	}
	return code, nil
}

// redeem exchanges the code for an ID token, not yet verified, and a refresh token if the provider gives one. The access
// token beside them is dropped unread (C7).
func (p *Provider) redeem(ctx context.Context, login policies.Login, code string) (id, refresh string, err error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	config := p.exchange
	config.RedirectURL = login.RedirectURI
	answer, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.client), code,
		oauth2.VerifierOption(login.Verifier))
	if err != nil {
		return "", "", exchangeFault(err)
	}
	if err := checkType(answer); err != nil {
		return "", "", err
	}
	id, _ = answer.Extra("id_token").(string)
	if id == "" {
		return "", "", failed("id_token_missing",
			errors.New("the token endpoint answered no id_token: the provider did not grant the scope openid"))
	}
	return id, answer.RefreshToken, nil
}

// checkType checks the token_type, whose case differs among providers (RFC 6749 section 5.1).
func checkType(answer *oauth2.Token) error {
	if !strings.EqualFold(answer.TokenType, "Bearer") {
		return failed("token_type", errors.New("the token endpoint answered a token_type other than Bearer"))
	}
	return nil
}

// exchangeFault says what a failed exchange means.
func exchangeFault(err error) *policies.LoginError {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return tokenEndpoint.unanswered(err)
	}
	status, header := answered.Response.StatusCode, answered.Response.Header
	if !counts(answered.ErrorCode, status) {
		return tokenEndpoint.answered(status, header, answered.Body)
	}
	e := fromProvider(answered.ErrorCode, traceOf(answered.Body))
	if e.Fault == policies.LoginUnreachable {
		e.RetryAfter = retryAfter(header)
	}
	return e
}

// counts says whether an error code of the token endpoint tells more than the status that it came under. A known code
// does. Any other may be what a server that is no token endpoint, or a proxy before one that is down, says in JSON by
// habit: {"error":"Not Found"}.
func counts(code string, status int) bool {
	if _, known := find(providerMeanings(), code); known {
		return status != http.StatusTooManyRequests
	}
	return code != "" && status < 500 && status != http.StatusNotFound && status != http.StatusTooManyRequests
}
