package middleware

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"

	"durward/policies"
	"durward/runtime/internal/passage"
)

//go:embed set-headers.schema.json
var setHeadersSchema []byte

//go:embed set-headers-outbound.schema.json
var setAnswerHeadersSchema []byte

//go:embed set-upstream-api-key.schema.json
var setUpstreamAPIKeySchema []byte

// setHeaders sets any headers of the request to the upstream.
func setHeaders() Type {
	return Type{
		Export: "SetHeadersInboundPolicy", Name: "set-headers-inbound", Schema: setHeadersSchema,
		Compile: func(in Input) (*Policy, []policies.Problem) {
			c := compiler{fromEnv: in.FromEnv, reserved: reserved}
			if !c.list(in.Options) {
				return nil, unread()
			}
			return c.policy()
		},
	}
}

// setAnswerHeaders sets any headers of the upstream's answer.
func setAnswerHeaders() Type {
	return Type{
		Direction: Outbound,
		Export:    "SetHeadersOutboundPolicy", Name: "set-headers-outbound", Schema: setAnswerHeadersSchema,
		Compile: func(in Input) (*Policy, []policies.Problem) {
			c := compiler{fromEnv: in.FromEnv, reserved: reservedOfAnswers, plain: true}
			if !c.list(in.Options) {
				return nil, unread()
			}
			return c.answers()
		},
	}
}

// setUpstreamAPIKey sets the one header by which an upstream knows the gateway.
func setUpstreamAPIKey() Type {
	return Type{
		Export: "SetUpstreamApiKeyInboundPolicy", Name: "set-upstream-api-key-inbound", Schema: setUpstreamAPIKeySchema,
		Compile: func(in Input) (*Policy, []policies.Problem) {
			options := struct {
				Header    string `json:"header"`
				Value     string `json:"value"`
				Overwrite *bool  `json:"overwrite"`
			}{Header: "Authorization"}
			if json.Unmarshal(in.Options, &options) != nil {
				return nil, unread()
			}
			c := compiler{fromEnv: in.FromEnv, reserved: reserved}
			c.add(options.Header, "/header", options.Value, "/value", options.Overwrite, "/overwrite")
			return c.policy()
		},
	}
}

func unread() []policies.Problem {
	return []policies.Problem{{Text: "options cannot be read as their schema has them"}}
}

// header is one header to set.
type header struct {
	name  string
	value template
	// always: whatever the client sent. Else only if the client sends none that passes.
	always bool
}

// compiler collects the headers of a policy, and what is wrong with them.
type compiler struct {
	fromEnv map[string][]Span
	// reserved answers why a header may not be set, or "".
	reserved func(name string) string
	// plain: values name nobody.
	plain    bool
	headers  []header
	problems []policies.Problem
}

// list adds the headers of options that list them, and tells whether there is such a list.
func (c *compiler) list(raw json.RawMessage) bool {
	var options struct {
		Headers []struct {
			Name      string `json:"name"`
			Value     string `json:"value"`
			Overwrite *bool  `json:"overwrite"`
		} `json:"headers"`
	}
	if json.Unmarshal(raw, &options) != nil { // its text may quote a value
		return false
	}
	for i, o := range options.Headers {
		at := fmt.Sprintf("/headers/%d", i)
		c.add(o.Name, at+"/name", o.Value, at+"/value", o.Overwrite, at+"/overwrite")
	}
	return true
}

func (c *compiler) problem(pointer, text string) {
	c.problems = append(c.problems, policies.Problem{Pointer: pointer, Text: text})
}

// add checks a header and notes it. The pointers say where the three values stand.
func (c *compiler) add(name, nameAt, value, valueAt string, overwrite *bool, overwriteAt string) {
	if reason := c.reserved(name); reason != "" {
		c.problem(nameAt, "cannot be set: it "+reason)
	}
	for _, earlier := range c.headers {
		if passage.Fold(earlier.name) == passage.Fold(name) {
			c.problem(nameAt, "is set by an earlier entry already (neither case nor - and _ tell headers apart)")
			break
		}
	}
	parsed, faults := parse(value, c.fromEnv[valueAt], c.plain)
	for _, text := range faults {
		c.problem(valueAt, text)
	}
	always := overwrite == nil || *overwrite
	if parsed.namesPrincipal() && !always {
		c.problem(overwriteAt, "must be true, since the value names the principal: who is calling is not the client's to say")
	}
	c.headers = append(c.headers, header{http.CanonicalHeaderKey(name), parsed, always})
}

// policy answers what has come of it.
func (c *compiler) policy() (*Policy, []policies.Problem) {
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	p := new(Policy)
	for i := range c.headers {
		p.NamesPrincipal = p.NamesPrincipal || c.headers[i].value.namesPrincipal()
	}
	p.Wrap = func(place int, refuse Refuse) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return &setter{c.headers, place, refuse, next}
		}
	}
	return p, nil
}

// answers is policy for a policy of answers.
func (c *compiler) answers() (*Policy, []policies.Problem) {
	if len(c.problems) > 0 {
		return nil, c.problems
	}
	return &Policy{Answer: func(place int, to *passage.Changes) {
		for _, h := range c.headers {
			if h.always {
				to.Set(place, h.name, h.value.fixed)
			} else {
				to.Offer(place, h.name, h.value.fixed)
			}
		}
	}}, nil
}

// setter is the middleware of the inbound types.
type setter struct {
	headers []header
	place   int
	refuse  Refuse
	next    http.Handler
}

func (s *setter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	way := passage.From(r.Context())
	for i := range s.headers {
		h := &s.headers[i]
		values, fault := h.value.values(way.Principal)
		switch {
		case fault != "":
			s.refuse(w, r, fault)
			return
		case h.always:
			way.Set(s.place, h.name, values)
		default:
			way.Offer(s.place, h.name, values)
		}
	}
	s.next.ServeHTTP(w, r)
}
