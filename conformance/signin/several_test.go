package signin

import (
	"encoding/json"
	"fmt"
	"strings"
)

// The configuration of the setting several: "clerk" as it ships, but for ada alone; "staff", which has a provider of its
// own, in whose registration the gateway has the same id and secret; and "partners", for grace alone, which shares
// provider and registration with "clerk". Each has a route.

// severalPolicies writes policies.json.
func severalPolicies() string {
	one := func(name, provider, more string) string {
		return fmt.Sprintf(`{
			"name": %q, "policyType": "mcp-clerk-oauth-inbound",
			"handler": {
				"export": "McpClerkOAuthInboundPolicy", "module": "$import(@durward/runtime)",
				"options": {
					"frontendApiUrl": "$env(%s)", "clientId": "$env(CLERK_CLIENT_ID)",
					"clientSecret": "$env(CLERK_CLIENT_SECRET)"%s
				}
			}
		}`, name, provider, more)
	}
	return `{"policies": [` + strings.Join([]string{
		one("clerk", "CLERK_FRONTEND_API_URL", `, "access": {"emails": ["ada@example.com"]}`),
		one("staff", "STAFF_FRONTEND_API_URL", `, "gateway": {"basePath": "/staff"}`),
		one("partners", "CLERK_FRONTEND_API_URL",
			`, "gateway": {"basePath": "/partners"}, "access": {"emails": ["grace@example.com"]}`),
	}, ",\n") + `]}`
}

// severalRoutes writes routes.oas.json: the route that ships, and one for each other policy.
func severalRoutes() string {
	paths := map[string]any{}
	for id, policy := range map[string]string{"demo": "clerk", "staff": "staff", "partners": "partners"} {
		paths["/mcp/"+id] = map[string]any{"post": map[string]any{
			"operationId": id, "summary": "Tools of " + id,
			"x-zuplo-route": map[string]any{
				"corsPolicy": "none",
				"handler": map[string]any{
					"export": "McpProxyHandler", "module": "$import(@durward/runtime)",
					"options": map[string]any{"rewritePattern": "${env.DURWARD_DEMO_UPSTREAM}"},
				},
				"policies": map[string]any{"inbound": []string{policy}},
			},
		}}
	}
	document := map[string]any{
		"openapi": "3.1.0", "info": map[string]string{"title": "Several policies", "version": "1"}, "paths": paths,
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // strings and maps: it cannot fail
	}
	return string(text)
}
