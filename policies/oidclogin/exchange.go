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

// readCallback answers the code of an authorization response, or the error in it.
func (p *Provider) readCallback(query url.Values) (string, error) {
	for _, name := range []string{"code", "error", "iss"} {
		if len(query[name]) > 1 { // RFC 6749 section 3.1
			return "", invalid("callback_ambiguous", fmt.Errorf("the callback has more than one %s", name))
		}
	}
	// C4, RFC 9207 section 2.4: an answer of another provider is not even believed when it reports an error.
	if query.Has("iss") && query.Get("iss") != p.issuer {
		return "", invalid("issuer_mismatch", errors.New("the callback comes from another provider"))
	}
	if query.Has("error") {
		return "", fromProvider(query.Get("error"), query.Get("clerk_trace_id"))
	}
	code := query.Get("code")
	if code == "" {
		return "", invalid("code_missing", errors.New("the callback has neither a code nor an error"))
	}
	return code, nil
}

// redeem exchanges the code for an ID token, not yet verified.
func (p *Provider) redeem(ctx context.Context, login policies.Login, code string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	config := p.exchange
	config.RedirectURL = login.RedirectURI
	answer, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, p.client), code,
		oauth2.VerifierOption(login.Verifier))
	if err != nil {
		// x/oauth2 keeps the cause of a failure to send, but not of one to read the answer: then the context has it.
		return "", exchangeFault(err, ctx.Err())
	}
	if !strings.EqualFold(answer.TokenType, "Bearer") { // case differs among providers: RFC 6749 section 5.1
		return "", invalid("token_type", errors.New("the token endpoint answered a token_type other than Bearer"))
	}
	raw, _ := answer.Extra("id_token").(string)
	if raw == "" {
		return "", misconfigured("id_token_missing", scopeHint,
			errors.New("the token endpoint answered no id_token: the provider did not grant the scope openid"))
	}
	return raw, nil
}

// exchangeFault says what a failed exchange means; ended is the exchange's context's error. Nothing of err's text is
// kept: x/oauth2 puts whole bodies in it.
func exchangeFault(err, ended error) error {
	answered, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return unreachable("token_endpoint_unreachable", networkCause(errors.Join(err, ended)))
	}
	trace := traceOf(answered.Body)
	if answered.ErrorCode != "" {
		return fromProvider(answered.ErrorCode, trace)
	}
	status := answered.Response.StatusCode
	cause := fmt.Errorf("the token endpoint answered status %d", status)
	fault := misconfigured("token_endpoint_status", urlHint, cause)
	switch {
	case status == http.StatusTooManyRequests || status >= 500:
		fault = unreachable("token_endpoint_status", cause)
	case status >= 300 && status < 400:
		fault = misconfigured("token_endpoint_redirects", urlHint, cause)
	}
	fault.Trace = trace
	return fault
}
