package policies

import (
	"net/http"
	"time"
)

// Request is what Evaluate is told: the route, and those inputs that the report's Vary named for it.
type Request struct {
	// Route is the ID of the matched route.
	Route string
	// Header holds the headers named by Vary, under canonical names.
	Header http.Header
	// Origin is "scheme://host[:port]" if Vary.Origin, else empty.
	Origin string
	// ClientAddress is an IP address if Vary.ClientAddress, else empty.
	ClientAddress string
	// Method is the MCP method if Vary lists it, else empty.
	Method string
	// Name is the MCP tool, prompt or resource name if Vary lists it, else empty.
	Name string
}

// Outcome is what a decision comes to. The zero value is no valid outcome, so that a forgotten one closes the door.
type Outcome int

// The outcomes.
const (
	// Allow lets the request pass, with a principal.
	Allow Outcome = iota + 1
	// Respond answers the request in place of the route: 401, 403, a page.
	Respond
	// Unavailable says that no decision can be made now. It is never cached.
	Unavailable
)

// MaxTags is how many tags a decision may carry. One with more is treated as unavailable.
const MaxTags = 16

// Decision is what a policy says of a request.
type Decision struct {
	Outcome Outcome
	// Principal is who calls. Set with Allow by a policy that authenticates.
	Principal *Principal
	// SetHeader changes the request that goes to the upstream: a name with no values is removed. With Allow only.
	SetHeader http.Header
	// Response is what the client gets. With Respond only.
	Response *Response
	// RefusedCredential marks a Respond that refuses a credential which was presented and is not known. The host
	// remembers it for at most a second and limits how many one client address may cause.
	RefusedCredential bool
	// TTL is how long the decision holds if none of its tags is purged. Zero: for this request only.
	TTL time.Duration
	// Tags are names (a grant, a person) whose purge ends the decision at once. At most MaxTags.
	Tags []string
	// Reason says in a few words why an Unavailable could not be decided. For the log only.
	Reason string
}

// Principal is who is calling.
type Principal struct {
	// Issuer and Subject together are the identity; neither is one alone.
	Issuer, Subject string
	// Email and Name are as the identity provider gave them, or empty. Neither identifies anybody.
	Email, Name string
	// Client is the id of the client that acts for the person.
	Client string
	// Grant names what the person allowed the client to do.
	Grant string
	// Scopes are what the credential covers.
	Scopes []string
	// Expires is when the credential ends: not the decision's TTL. Zero: not known.
	Expires time.Time
}

// Response is an HTTP answer held in memory.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}
