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
	// Client is a client id, ClientHost the host that it stands for, Grant a grant id, Resource the URL of what was asked
	// for, Scope a list of scopes with spaces between them. Each may be empty.
	Client, ClientHost, Grant, Resource, Scope string
	// Address is the IP address that the request came from, if it was a client's or a browser's.
	Address string
	// Reason says why something was refused: a stable word or an RFC's error code.
	Reason string
}
