package streams

import (
	"encoding/json"
	"testing"

	"durward/conformance/gateway"
)

// policy is the name of the policy that ships.
const policy = "clerk"

// withRoutes replaces the routes by some of the test's own, which the policy guards: "/mcp/demo" and others by name, and
// where each leads.
func withRoutes(t *testing.T, g *gateway.Gateway, upstreams map[string]string) {
	t.Helper()
	text, err := json.Marshal(routes(upstreams))
	if err != nil {
		t.Fatal(err)
	}
	g.Save("routes.oas.json", string(text))
}

func routes(upstreams map[string]string) map[string]any {
	type object = map[string]any
	paths := object{}
	for name, upstream := range upstreams {
		paths["/mcp/"+name] = object{"post": object{"operationId": name, "x-zuplo-route": object{
			"handler": object{"export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": object{
				"rewritePattern": upstream,
			}},
			"policies": object{"inbound": []string{policy}},
		}}}
	}
	return object{"openapi": "3.1.0", "paths": paths}
}

// login signs a person in for a client of theirs on a route.
func login(t *testing.T, g *gateway.Gateway, p *gateway.Person, route string) *gateway.Client {
	t.Helper()
	c, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Resource = g.URL + "/mcp/" + route
	if err := c.SignIn(t.Context(), p); err != nil {
		t.Fatalf("sign in: %v", err)
	}
	return c
}
