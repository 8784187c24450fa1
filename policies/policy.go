package policies

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
)

// Type is a kind of policy, such as mcp-clerk-oauth-inbound: what policies.json names in policyType. A Type is
// stateless and safe for concurrent use.
type Type interface {
	// Describe answers the same value for the life of the executable.
	Describe() Description
	// Validate says everything that can be known of the input before it is put to use. It is pure: no network, no
	// files, no Store, and the same input gives the same report. The options have passed the schema.
	Validate(Input) Report
	// Configure takes input into use. It never waits for the network: keys and metadata are fetched when first needed,
	// since a reload must not depend on a provider being up. It is called with input for which Validate reported no
	// problem. Two policies of one name run side by side during a reload, so a policy keeps nothing that outlives a
	// call except in the Store.
	Configure(context.Context, Input, Host) (Policy, error)
}

// Policy is one configured policy. Its methods are called concurrently.
type Policy interface {
	// Evaluate decides on a request. An error means that the policy could not decide: the host answers 503, remembers
	// nothing and allows nothing. CallFrom(ctx) gives the time and the request's id.
	Evaluate(context.Context, Request) (Decision, error)
	// ServeHTTP answers the paths that the report named. Request and response bodies are held in memory and bounded by
	// the host. Of cookies only those whose names CookiePrefix answers are passed. CallFrom(r.Context()) gives the
	// origin, the client's address and the time.
	http.Handler
}

// Description is what a policy type is.
type Description struct {
	// Type is the policyType, for example "mcp-clerk-oauth-inbound".
	Type string
	// Options is the JSON Schema (draft 2020-12, an object schema) of handler.options. A property that holds a secret
	// is marked "writeOnly": true. A secret never changes a decision: the host keeps cached decisions when one is
	// rotated.
	Options json.RawMessage
}

// Input is what a policy is configured with.
type Input struct {
	// Name is the policy's name in policies.json.
	Name string
	// Options is handler.options with every reference resolved, as JSON. Defaults are the policy's to apply.
	Options json.RawMessage
	// Routes are the routes whose chain holds this policy, in the order of their definition.
	Routes []Route
	// Origins are the gateway's public origins ("https://mcp.example.com"). Empty means that each request's own origin
	// counts.
	Origins []string
}

// Route is a route as a policy sees it.
type Route struct {
	// ID is the operationId.
	ID string
	// Path is the route's path: literal if any policy of the route authenticates.
	Path string
	// Title is the operation's summary, or empty.
	Title string
	// Scopes are what callers must have been allowed.
	Scopes RouteScopes
}

// Report is what a policy says of its input before it runs.
type Report struct {
	// Problems must be mended before the input can be used.
	Problems []Problem
	// Notes are worth a person's attention and stop nothing.
	Notes []Problem
	// Paths are the exact paths the policy serves. They are matched before routes, without folding.
	Paths []Path
	// Authenticates says that the policy establishes who is calling.
	Authenticates bool
	// Scopes are the names that Route.Scopes may use: the policy lets a request pass only if its caller has those that the
	// route asks for. None: the policy does not look at them. The host refuses routes that use others, or that ask for
	// scopes where no policy looks at them.
	Scopes []string
	// Facts are shown by `durward explain` and `durward validate`: issuer, resources, callback URLs.
	Facts []Fact
	// Vary holds, by route ID, the inputs that decisions on that route depend on. Only these are sent to Evaluate.
	Vary map[string]Vary
	// Files are the absolute paths of files that Configure reads, such as certificates. The host watches them, and starts
	// the policy anew when the content of one has changed.
	Files []string
}

// Problem is a fault in a policy's options, or in a route for which the policy decides. Text never quotes an option's
// value: values may come from secrets.
type Problem struct {
	// Pointer is a JSON pointer (RFC 6901) relative to the options, "" for the options as a whole. With Route it is relative
	// to what the route says of the gateway (x-zuplo-route), as in "/scopes/route/0", and "" is the route's path.
	Pointer string
	// Route is the ID of the route that must be mended, or empty. It counts if the route is one of the input's.
	Route string
	// Text says what is wrong and what would be right.
	Text string
}

// Path is one exact path that a policy serves.
type Path struct {
	// Path is absolute, without query, for example "/oauth/token".
	Path string
	// Admin serves the path on the admin listener only, below /-/policies/NAME.
	Admin bool
	// Option is the JSON pointer, relative to the options, of the option that moves the path elsewhere, or empty. Who
	// would have two policies serve one path is told of it.
	Option string
}

// Fact is one line of what a policy derives from its options.
type Fact struct{ Name, Value string }

// Vary names the inputs of a decision.
type Vary struct {
	// Headers are canonical header names.
	Headers []string
	// Origin is the scheme and host the client called.
	Origin bool
	// ClientAddress is the address of the client, after trusted proxies.
	ClientAddress bool
	// Methods are the MCP methods that matter one by one. All others count as one and are sent as "".
	Methods []string
	// Names are the MCP tool, prompt and resource names that matter one by one. All others count as one, sent as "". If
	// there are Methods, a name matters with one of them alone.
	Names []string
}

// Host is what a configured policy may use of the host.
type Host struct {
	// Store keeps the policy's records. It is never nil.
	Store Store
	// Audit records who did what. It is never nil.
	Audit Audit
	// Logger reaches the host's log, marked with the policy's name. It is never nil.
	Logger *slog.Logger
}

// CookiePrefix is how the names of a policy's cookies begin: with the __Host- prefix (RFC 6265bis section 4.1.3.2)
// where the origin is https, and without it on plain http, which only a loopback origin may be. The host passes a
// policy no other cookies.
func CookiePrefix(policy, origin string) string {
	if len(origin) >= 8 && origin[:8] == "https://" {
		return "__Host-dw-" + policy + "-"
	}
	return "dw-" + policy + "-"
}
