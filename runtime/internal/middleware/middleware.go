// Package middleware owns the policies that run inside the host: those that only look at or change traffic. They have no
// process, make no decision and keep nothing.
//
// It promises that a header which names the principal is the host's word and never the client's: it is set, or absent,
// whatever the client sent; that a request whose principal cannot be written into such a header is refused and not sent
// without it; and that no value of a header, which may be a secret, stands in a problem or a reason.
//
// It is not for deciding who may pass, which is a policy's with a process of its own, nor for what of the client's
// headers passes, which is package proxy's.
package middleware

import (
	"encoding/json"
	"net/http"

	"durward/policies"
	"durward/runtime/internal/passage"
)

// Direction is the way on which a policy stands.
type Direction int

// The directions.
const (
	// Inbound: on the way of the request, in a route's list policies.inbound.
	Inbound Direction = iota
	// Outbound: on the way of the upstream's answer, in policies.outbound.
	Outbound
)

// Type is a kind of policy that runs inside the host.
type Type struct {
	Direction Direction
	// Export and Name are handler.export and policyType.
	Export, Name string
	// Schema is the JSON Schema of the options; "writeOnly": true marks a secret.
	Schema []byte
	// Compile makes a policy of options. It is pure. There is a policy if and only if there are no problems.
	Compile func(Input) (*Policy, []policies.Problem)
}

// Input is what a policy is made of.
type Input struct {
	// Options is handler.options with every reference resolved. It has passed the schema.
	Options json.RawMessage
	// FromEnv says by JSON pointer, relative to the options, what of a text a variable holds. There ${ means nothing.
	FromEnv map[string][]Span
}

// Span is a part of a text, in bytes: from From on, before To.
type Span struct{ From, To int }

// Policy is a policy of one route or more. Nobody changes it.
type Policy struct {
	// NamesPrincipal says that the policy needs to know who is calling: a policy before it must authenticate.
	NamesPrincipal bool
	// Wrap makes the middleware of an inbound policy for a route. place is where the policy stands in the route's list. The
	// requests that the middleware is given belong to a passage (package passage).
	Wrap func(place int, refuse Refuse) func(http.Handler) http.Handler
	// Answer adds what an outbound policy makes of the header of each of the upstream's answers. place is where it stands in
	// the route's list.
	Answer func(place int, to *passage.Changes)
}

// Refuse answers a request that cannot be sent on. The reason is for the log.
type Refuse func(w http.ResponseWriter, r *http.Request, reason string)

// Types are the types there are.
func Types() []Type { return []Type{setHeaders(), setAnswerHeaders(), setUpstreamAPIKey()} }
