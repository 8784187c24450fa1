package oidclogin

import "durward/policies"

// meaning is what an error code comes to: who can do something about it, and what the operator can do.
type meaning struct {
	code  string
	fault policies.LoginFault
	hint  string
}

// find answers the meaning of a code, and whether it has one.
func find(all []meaning, code string) (meaning, bool) {
	for _, m := range all {
		if m.code == code {
			return m, true
		}
	}
	return meaning{}, false
}

// What the operator can do. A hint goes to the log; the person is told no more than whom to ask.
const (
	scopeHint = "tick openid, profile and email on the OAuth application, and any other scope that this policy's " +
		"options ask for"
	clientHint = "compare the client id and the client secret with those of the OAuth application at the provider"
	setupHint  = "compare this policy's options, and the callback URL, with the OAuth application at the provider"
	codeHint   = "nothing, if it happens once: the code was used before, or took too long. If it happens at every " +
		"sign-in, compare the callback URL with the one at the provider"
	issuerHint = "the provider names itself otherwise than this policy's options do: compare the provider's URL with " +
		"the issuer in its discovery document"
	urlHint = "check the provider's URL in this policy's options: what answers there is no OpenID provider's endpoint"
	keyHint = "nothing, if it happens once, while the provider changes its keys. If it lasts, the provider's URL in " +
		"this policy's options is another instance's, or something between here and there changes answers"
	algHint = "let the OAuth application sign ID tokens with the algorithm that this policy takes: RS256, unless it " +
		"says otherwise"
	kindHint    = "the token endpoint gives out another kind of token as id_token: the provider must mend that"
	nonceHint   = "the provider must put the nonce of the request into the ID token (OpenID Connect Core 3.1.3.7)"
	clockHint   = "set the clocks: this machine's and the provider's differ by more than a minute"
	ownHint     = "the provider says that it is set up wrongly itself: its own log says more, under the trace"
	changedHint = "something between the browser and the provider changes what is sent there: look at proxies"
	unknownHint = "the provider's documentation says what this code means; its log says more, under the trace"
	reachHint   = "check that this machine reaches the provider: network, DNS, HTTPS_PROXY and NO_PROXY"
	slowHint    = "if it happens often, raise browserLoginOverrides.remoteTimeoutMs, or look at the way to the provider"
	trustHint   = "if the authority of the provider's certificate is a private one, give it as browserLoginOverrides.caFile"
	formerHint  = "the options name another client at the provider than this person signed in with. If that is meant, people " +
		"sign in anew within a day of their next re-check; if not, put the former clientId back"
	rateHint     = "if it happens often, have the provider raise its limit, or see who else calls it from this address"
	leftHint     = "nothing: the browser left, or the gateway was stopped, before the provider had answered"
	providerHint = "nothing here: the provider has a bad moment. Its status page may say more"
)

// providerMeanings are those of the error codes that providers give: RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect
// Core section 3.1.2.6, and what ory/fosite adds, which Clerk answers like.
func providerMeanings() []meaning {
	return []meaning{
		{"access_denied", policies.LoginRefused, ""},
		{"login_required", policies.LoginRefused, ""},
		{"consent_required", policies.LoginRefused, ""},
		{"interaction_required", policies.LoginRefused, ""},
		{"account_selection_required", policies.LoginRefused, ""},
		{"request_forbidden", policies.LoginRefused, ""},

		{"invalid_scope", policies.LoginMisconfigured, scopeHint},
		{"scope_not_granted", policies.LoginMisconfigured, scopeHint},
		{"invalid_client", policies.LoginMisconfigured, clientHint},
		{"unauthorized_client", policies.LoginMisconfigured, clientHint},
		{"invalid_request", policies.LoginMisconfigured, setupHint},
		{"invalid_target", policies.LoginMisconfigured, setupHint},
		{"not_found", policies.LoginMisconfigured, setupHint},
		{"unsupported_response_type", policies.LoginMisconfigured, setupHint},
		{"unsupported_response_mode", policies.LoginMisconfigured, setupHint},
		{"unsupported_grant_type", policies.LoginMisconfigured, setupHint},
		{"request_not_supported", policies.LoginMisconfigured, setupHint},
		{"request_uri_not_supported", policies.LoginMisconfigured, setupHint},
		{"registration_not_supported", policies.LoginMisconfigured, setupHint},
		{"request_unauthorized", policies.LoginMisconfigured, setupHint},
		{"misconfiguration", policies.LoginMisconfigured, ownHint},

		{"server_error", policies.LoginUnreachable, providerHint},
		{"temporarily_unavailable", policies.LoginUnreachable, providerHint},
		{"error", policies.LoginUnreachable, providerHint},
		{"slow_down", policies.LoginUnreachable, rateHint},

		{"invalid_grant", policies.LoginInvalid, codeHint},
		{"invalid_state", policies.LoginInvalid, changedHint},
		{"insufficient_entropy", policies.LoginInvalid, changedHint},
	}
}

// ownMeanings are those of the codes that this package gives to what it finds out by itself.
func ownMeanings() []meaning {
	return []meaning{
		{"unknown_error", policies.LoginInvalid, unknownHint},

		{"canceled", policies.LoginUnreachable, leftHint},
		{"rate_limited", policies.LoginUnreachable, rateHint},
		{"token_endpoint_unreachable", policies.LoginUnreachable, reachHint},
		{"token_endpoint_timeout", policies.LoginUnreachable, slowHint},
		{"token_endpoint_failed", policies.LoginUnreachable, providerHint},
		{"token_endpoint_certificate", policies.LoginMisconfigured, trustHint},
		{"token_endpoint_status", policies.LoginMisconfigured, urlHint},
		{"token_endpoint_redirects", policies.LoginMisconfigured, urlHint},
		{"token_endpoint_too_large", policies.LoginMisconfigured, urlHint},
		{"token_endpoint_malformed", policies.LoginMisconfigured, urlHint},
		{"keys_unreachable", policies.LoginUnreachable, reachHint},
		{"keys_timeout", policies.LoginUnreachable, slowHint},
		{"keys_failed", policies.LoginUnreachable, providerHint},
		{"keys_certificate", policies.LoginMisconfigured, trustHint},
		{"keys_status", policies.LoginMisconfigured, urlHint},
		{"keys_redirects", policies.LoginMisconfigured, urlHint},
		{"keys_too_large", policies.LoginMisconfigured, urlHint},
		{"keys_malformed", policies.LoginMisconfigured, urlHint},

		{"login_incomplete", policies.LoginInvalid, ""},
		{"code_missing", policies.LoginInvalid, ""},
		{"callback_ambiguous", policies.LoginInvalid, ""},
		{"issuer_mismatch", policies.LoginInvalid, issuerHint},
		{"token_type", policies.LoginInvalid, kindHint},
		{"id_token_missing", policies.LoginMisconfigured, scopeHint},
		{"id_token_iss", policies.LoginMisconfigured, issuerHint},
		{"id_token_malformed", policies.LoginInvalid, kindHint},
		{"id_token_typ", policies.LoginInvalid, kindHint},
		{"id_token_alg", policies.LoginInvalid, algHint},
		{"id_token_signature", policies.LoginInvalid, keyHint},
		{"id_token_aud", policies.LoginInvalid, clientHint},
		{"id_token_azp", policies.LoginInvalid, clientHint},
		{"id_token_exp", policies.LoginInvalid, clockHint},
		{"id_token_iat", policies.LoginInvalid, clockHint},
		{"id_token_nbf", policies.LoginInvalid, clockHint},
		{"id_token_sub", policies.LoginInvalid, ""},
		{"id_token_refused", policies.LoginInvalid, ""},
		{"id_token_other", policies.LoginInvalid, ""},
		{"handle_malformed", policies.LoginInvalid, ""},
		{"handle_client", policies.LoginMisconfigured, formerHint},
		{"nonce_missing", policies.LoginInvalid, nonceHint},
		{"nonce_mismatch", policies.LoginInvalid, ""},
	}
}
