package oidclogin

import (
	"encoding/json"
	"strings"

	"durward/policies"
)

// What the operator can do about the usual faults of a set-up.
const (
	scopeHint  = "tick openid, profile and email on the OAuth application"
	clientHint = "compare the client id and the client secret with those of the OAuth application at the provider"
	setupHint  = "compare this policy's options, and the callback URL, with the OAuth application at the provider"
	issuerHint = "the provider names itself otherwise than this policy's options do: compare the provider's URL with " +
		"the issuer in its discovery document"
	urlHint = "check the provider's URL in this policy's options: what answers there is no OpenID provider's endpoint"
)

func invalid(code string, cause error) *policies.LoginError {
	return &policies.LoginError{Fault: policies.LoginInvalid, Code: code, Err: cause}
}

func misconfigured(code, hint string, cause error) *policies.LoginError {
	return &policies.LoginError{Fault: policies.LoginMisconfigured, Code: code, Hint: hint, Err: cause}
}

func unreachable(code string, cause error) *policies.LoginError {
	return &policies.LoginError{Fault: policies.LoginUnreachable, Code: code, Err: cause}
}

// fromProvider turns an error code of the provider into an error of ours: RFC 6749 sections 4.1.2.1 and 5.2, OpenID
// Connect Core section 3.1.2.6. Branching is on the code alone, for providers differ in the HTTP status they put on it.
// error_description is left out: it is free text, and may well repeat the code or the client it complains about.
func fromProvider(code, trace string) *policies.LoginError {
	e := &policies.LoginError{Code: word(code), Trace: word(trace)}
	switch code {
	case "access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required":
		e.Fault = policies.LoginRefused
	case "invalid_scope":
		e.Fault, e.Hint = policies.LoginMisconfigured, scopeHint
	case "invalid_client", "unauthorized_client":
		e.Fault, e.Hint = policies.LoginMisconfigured, clientHint
	case "invalid_request", "unsupported_response_type", "unsupported_grant_type", "invalid_target",
		"request_not_supported", "registration_not_supported":
		e.Fault, e.Hint = policies.LoginMisconfigured, setupHint
	case "server_error", "temporarily_unavailable", "slow_down":
		e.Fault = policies.LoginUnreachable
	case "invalid_grant": // a code that was used, has run out, or belongs to another login
		e.Fault = policies.LoginInvalid
	default:
		e.Fault = policies.LoginRefused
	}
	if e.Code == "" {
		e.Code = "unknown_error"
	}
	return e
}

// word answers s if it looks like an error code or a trace id, else "". Both end up in logs and, as codes, on pages,
// and at the callback they come by way of the browser.
func word(s string) string {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-."
	if len(s) > 64 || strings.Trim(s, allowed) != "" {
		return ""
	}
	return s
}

// traceOf finds the provider's own id of a failed call: Clerk's clerk_trace_id, Entra's trace_id.
func traceOf(body []byte) string {
	var ids struct {
		Clerk string `json:"clerk_trace_id"`
		Entra string `json:"trace_id"`
	}
	if json.Unmarshal(body, &ids) != nil {
		return ""
	}
	if ids.Clerk != "" {
		return word(ids.Clerk)
	}
	return word(ids.Entra)
}
