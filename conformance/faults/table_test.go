package faults

import "durward/conformance/faults/double"

// What a person sees. The names are those of policies/oauth/internal/page/texts.en.json.
const (
	setup       = "setup"
	unreachable = "unreachable"
	unverified  = "unverified"
)

// outcome is what a fault comes to.
type outcome struct {
	// fault is one of double.Faults.
	fault string
	// page is the message that the person is shown, status the page's. Both empty: the client is told access_denied.
	page   string
	status int
	// code is what log and audit log call it, hint a part of what the log says the operator can do.
	code, hint string
	// trace says that the log has the provider's own id of the failed call.
	trace bool
	// wait is how many seconds the provider asked to be left alone.
	wait int
}

func outcomes() []outcome {
	const (
		tick     = "tick openid, profile and email on the OAuth application"
		url      = "check the provider's URL"
		client   = "compare the client id and the client secret"
		clocks   = "set the clocks"
		timeout  = "raise browserLoginOverrides.remoteTimeoutMs"
		limit    = "have the provider raise its limit"
		moment   = "the provider has a bad moment"
		redirect = "compare the callback URL"
		another  = "another kind of token"
		issuer   = "compare the provider's URL with the issuer"
		keys     = "while the provider changes its keys"
		lookUp   = "the provider's documentation says what this code means"
	)
	return []outcome{
		{fault: "callback: the person refuses", code: "access_denied"},
		{fault: "callback: a scope is not ticked", page: setup, status: 500, code: "invalid_scope", hint: tick},
		{fault: "callback: the client is not allowed", page: setup, status: 500, code: "unauthorized_client", hint: client},
		{fault: "callback: state too weak, as fosite says", page: unverified, status: 400, code: "invalid_state", hint: "proxies"},
		{fault: "callback: server error", page: unreachable, status: 502, code: "server_error", hint: moment, trace: true},
		{fault: "callback: an error that nobody knows", page: unverified, status: 400, code: "organization_suspended", hint: lookUp, trace: true},
		{fault: "callback: an error in markup", page: unverified, status: 400, code: "unknown_error", hint: lookUp},
		{fault: "callback: neither code nor error", page: unverified, status: 400, code: "code_missing"},
		{fault: "callback: two codes", page: unverified, status: 400, code: "callback_ambiguous"},
		{fault: "callback: another issuer", page: unverified, status: 400, code: "issuer_mismatch", hint: issuer},

		{fault: "token endpoint: invalid_grant under 400", page: unverified, status: 400, code: "invalid_grant", hint: redirect, trace: true},
		{fault: "token endpoint: invalid_grant under 401", page: unverified, status: 400, code: "invalid_grant", hint: redirect, trace: true},
		{fault: "token endpoint: invalid_client under 400", page: setup, status: 500, code: "invalid_client", hint: client, trace: true},
		{fault: "token endpoint: invalid_client under 401", page: setup, status: 500, code: "invalid_client", hint: client, trace: true},
		{fault: "token endpoint: an error that nobody knows", page: unverified, status: 400, code: "organization_suspended", hint: lookUp, trace: true},
		{
			fault: "token endpoint: 429 with Retry-After", page: unreachable, status: 503, code: "rate_limited", hint: limit, trace: true,
			wait: 7,
		},
		{fault: "token endpoint: 429 without Retry-After", page: unreachable, status: 502, code: "rate_limited", hint: limit},
		{fault: "token endpoint: 400 in Clerk's own shape", page: setup, status: 500, code: "token_endpoint_status", hint: url, trace: true},
		{fault: "token endpoint: 500 in Clerk's own shape", page: unreachable, status: 502, code: "token_endpoint_failed", hint: moment, trace: true},
		{fault: "token endpoint: 502 with a page", page: unreachable, status: 502, code: "token_endpoint_failed", hint: moment},
		{
			fault: "token endpoint: 503 with Retry-After", page: unreachable, status: 503, code: "token_endpoint_failed", hint: moment,
			wait: 1200,
		},
		{
			fault: "token endpoint: 503 with an error that nobody knows", page: unreachable, status: 503, code: "token_endpoint_failed",
			hint: moment, wait: 1200,
		},
		{fault: "token endpoint: 404 in JSON", page: setup, status: 500, code: "token_endpoint_status", hint: url},
		{fault: "token endpoint: 404", page: setup, status: 500, code: "token_endpoint_status", hint: url},
		{fault: "token endpoint: a page", page: setup, status: 500, code: "token_endpoint_malformed", hint: url},
		{fault: "token endpoint: broken JSON", page: setup, status: 500, code: "token_endpoint_malformed", hint: url},
		{fault: "token endpoint: too much", page: setup, status: 500, code: "token_endpoint_too_large", hint: url},
		{fault: "token endpoint: redirect 302", page: setup, status: 500, code: "token_endpoint_redirects", hint: url},
		{fault: "token endpoint: redirect 307", page: setup, status: 500, code: "token_endpoint_redirects", hint: url},
		{fault: "token endpoint: no answer", page: unreachable, status: 502, code: "token_endpoint_timeout", hint: timeout},
		{fault: "token endpoint: half an answer", page: unreachable, status: 502, code: "token_endpoint_timeout", hint: timeout},
		{fault: "token endpoint: the connection is cut", page: unreachable, status: 502, code: "token_endpoint_unreachable", hint: "network"},
		{fault: "token endpoint: repeats the client secret", page: unverified, status: 400, code: "unknown_error", hint: lookUp},
		{fault: "token endpoint: repeats the credentials as they were sent", page: unverified, status: 400, code: "unknown_error", hint: lookUp},
		{fault: "token endpoint: repeats the code", page: unverified, status: 400, code: "unknown_error", hint: lookUp},
		{fault: "token endpoint: no id_token", page: setup, status: 500, code: "id_token_missing", hint: tick},
		{fault: "token endpoint: another token_type", page: unverified, status: 400, code: "token_type", hint: another},

		{fault: "ID token: an access token", page: unverified, status: 400, code: "id_token_typ", hint: another},
		{fault: "ID token: no signature", page: unverified, status: 400, code: "id_token_alg", hint: "RS256"},
		{fault: "ID token: HS256 with the public key", page: unverified, status: 400, code: "id_token_alg", hint: "RS256"},
		{fault: "ID token: another algorithm", page: unverified, status: 400, code: "id_token_alg", hint: "RS256"},
		{fault: "ID token: another issuer", page: setup, status: 500, code: "id_token_iss", hint: issuer},
		{fault: "ID token: another audience", page: unverified, status: 400, code: "id_token_aud", hint: client},
		{fault: "ID token: issued to another client", page: unverified, status: 400, code: "id_token_azp", hint: client},
		{fault: "ID token: expired", page: unverified, status: 400, code: "id_token_exp", hint: clocks},
		{fault: "ID token: from the future", page: unverified, status: 400, code: "id_token_iat", hint: clocks},
		{fault: "ID token: no nonce", page: unverified, status: 400, code: "nonce_missing", hint: "must put the nonce"},
		{fault: "ID token: another login's nonce", page: unverified, status: 400, code: "nonce_mismatch"},
		{fault: "ID token: no sub", page: unverified, status: 400, code: "id_token_sub"},

		{fault: "keys: 500", page: unreachable, status: 502, code: "keys_failed", hint: moment},
		{fault: "keys: 404", page: setup, status: 500, code: "keys_status", hint: url},
		{fault: "keys: too much", page: setup, status: 500, code: "keys_too_large", hint: url},
		{fault: "keys: a page", page: setup, status: 500, code: "keys_malformed", hint: url},
		{fault: "keys: redirect 302", page: setup, status: 500, code: "keys_redirects", hint: url},
		{fault: "keys: no answer", page: unreachable, status: 502, code: "keys_timeout", hint: timeout},
		{fault: "keys: half an answer", page: unreachable, status: 502, code: "keys_timeout", hint: timeout},
		{
			fault: "keys: 429 with Retry-After", page: unreachable, status: 503, code: "rate_limited", hint: limit, trace: true,
			wait: 7,
		},
		{fault: "keys: one that is in no key set", page: unverified, status: 400, code: "id_token_signature", hint: keys},
	}
}

// traceOf is what the log has for the provider's own id.
func (o outcome) traceID() string {
	if o.trace {
		return double.Trace
	}
	return ""
}
