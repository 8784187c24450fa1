package policies

import "context"

// Audit records who did what. Events go to the host's log as they come; Write answers an error only when the host is gone.
type Audit interface {
	Write(context.Context, Event) error
}

// Event is one entry of the audit log. None of its fields ever holds a secret, a token or a code.
type Event struct {
	// Name is stable and dotted: "client.registered", "grant.created", "token.refreshed".
	Name string
	// Outcome is "success" or "refused".
	Outcome string
	// Issuer and Subject say who, if it is known.
	Issuer, Subject string
	// Client is a client id, Grant a grant id, Resource the URL of what was asked for. Each may be empty.
	Client, Grant, Resource string
	// Reason says why something was refused: a stable word or an RFC's error code.
	Reason string
}
