package oauth

import (
	"context"
	"strings"

	"durward/policies"
	"durward/policies/oauth/internal/access"
)

// The audit events there are. Their names and fields are a contract with those who search the log: docs/audit.md says
// when each is written and what it holds, and a test holds the two together.
const (
	eventClientRegistered     = "client.registered"
	eventRegistrationRefused  = "registration.refused"
	eventClientRefused        = "client.refused"
	eventClientRevoked        = "client.revoked"
	eventAuthorizationRefused = "authorization.refused"
	eventConsentGiven         = "consent.given"
	eventConsentRefused       = "consent.refused"
	eventLoginSucceeded       = "login.succeeded"
	eventLoginFailed          = "login.failed"
	eventAccessRefused        = "access.refused"
	eventCodeRedeemed         = "code.redeemed"
	eventCodeRefused          = "code.refused"
	eventCodeReplayed         = "code.replayed"
	eventGrantCreated         = "grant.created"
	eventGrantRevoked         = "grant.revoked"
	eventScopeRefused         = "scope.refused"
	eventTokenRefreshed       = "token.refreshed"
	eventTokenRefused         = "token.refused"
	eventTokenReplayed        = "token.replayed"
	eventTokenRevoked         = "token.revoked"
	eventSessionEnded         = "session.ended"
	eventPersonGone           = "person.gone"
	eventRecheckFailed        = "recheck.failed"
	eventLimitReached         = "limit.reached"
)

const (
	outcomeSuccess = "success"
	outcomeRefused = "refused"
)

// record writes an audit event, with the address that the call came from. The host takes events as they come: a failure
// is logged and stops nothing.
func (s *server) record(ctx context.Context, event policies.Event) {
	event.Address = policies.CallFrom(ctx).ClientAddress
	if err := s.audit.Write(ctx, event); err != nil {
		s.logger.WarnContext(ctx, "audit event lost", "event", event.Name, "error", err)
	}
}

// askedEvent is about a client's authorization request, or of a login that no client asked for about nothing but the
// person, if one is known.
func askedEvent(name, outcome string, asked authorization, who access.Person, reason string) policies.Event {
	return policies.Event{
		Name: name, Outcome: outcome, Issuer: who.Issuer, Subject: who.Subject,
		Client: asked.Client, ClientHost: hostOfClient(asked.Client, asked.Redirect),
		Resource: asked.Resource, Scope: strings.Join(asked.Scopes, " "), Reason: reason,
	}
}

// grantEvent is about a grant.
func grantEvent(name, outcome string, grant grantRecord, id, reason string) policies.Event {
	return policies.Event{
		Name: name, Outcome: outcome, Issuer: grant.Person.Issuer, Subject: grant.Person.Subject,
		Client: grant.Client, ClientHost: hostOfClient(grant.Client, grant.Redirect),
		Grant: id, Resource: grant.Resource, Scope: strings.Join(grant.Scopes, " "), Reason: reason,
	}
}

// hostOfClient names a client by what it cannot make up: the host of its metadata document, or else the one that its
// answers go to.
func hostOfClient(id, redirect string) string {
	if host := documentHost(id); host != "" || redirect == "" {
		return host
	}
	return redirectHosts([]string{redirect})[0]
}
