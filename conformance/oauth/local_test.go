package oauth

import (
	"encoding/json"
	"testing"

	"durward/conformance/clienthost"
)

// The configuration of the setting local. Its policies and what is particular about them:
//
//	clerk    below no base path; routes /mcp/one, /mcp/two and /mcp/sample; client metadata documents
//	closed   no client metadata documents, no iss, few unused clients; route /mcp/closed
//	reduced  no registration, client metadata documents, a list of hosts that are denied; route /mcp/reduced
//	scoped   scopes for tools and prompts; route /mcp/crm
//	trusting a list of the clients that are trusted; route /mcp/trusting

// unusedPerHour is how many clients an address may have at the policy closed of which no tokens came.
const unusedPerHour = 12

// several writes the configuration, and gives the world its others.
func (w *world) several(t *testing.T) {
	t.Helper()
	w.path = "/mcp/one"
	w.host = clienthost.Start(t)
	w.others = map[string]*world{}
	policies := []any{policy("clerk", map[string]any{"cimdDevelopment": w.host.Development()})}
	paths := map[string]any{
		"/mcp/one": route("one", "clerk", "DURWARD_DEMO_UPSTREAM", nil), "/mcp/two": route("two", "clerk", "DURWARD_DEMO_UPSTREAM", nil),
		"/mcp/sample": route("sample", "clerk", "DURWARD_SAMPLE_UPSTREAM", nil),
	}
	for name, options := range map[string]map[string]any{
		"closed": {
			"cimdEnabled": false, "issParameterEnabled": false, "limits": map[string]any{"unusedRegistrationsPerHour": unusedPerHour},
		},
		"reduced": {
			"registrationEnabled": false, "clients": map[string]any{"deny": []string{"*.denied.example"}},
			"cimdDevelopment": w.host.Development(),
		},
		"trusting": {"clients": map[string]any{"allow": []string{"*.trusted.example", "127.0.0.1"}}, "cimdDevelopment": w.host.Development()},
		"scoped":   {"scopes": scopes()},
	} {
		options["basePath"] = "/" + name
		policies = append(policies, policy(name, options))
		at := &world{base: "/" + name, path: "/mcp/" + name}
		var needed map[string]any
		if name == "scoped" {
			at.path, needed = "/mcp/crm", scopesOfRoute()
		}
		paths[at.path] = route(name, name, "DURWARD_DEMO_UPSTREAM", needed)
		w.others[name] = at
	}
	w.Setenv("DURWARD_SAMPLE_UPSTREAM", w.Parts.Env()["DURWARD_DEMO_UPSTREAM"])
	w.Save("policies.json", encode(t, map[string]any{"policies": policies}))
	w.Save("routes.oas.json", encode(t, map[string]any{
		"openapi": "3.1.0", "info": map[string]string{"title": "Several policies", "version": "1"}, "paths": paths,
	}))
	w.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"]}`)
}

// single writes the configuration of the setting moved: one policy, which takes client metadata documents, and two routes.
func (w *world) single(t *testing.T) {
	t.Helper()
	w.host = clienthost.Start(t)
	w.SetOption(t, "gateway", map[string]any{"cimdDevelopment": w.host.Development()})
	w.Save("routes.oas.json", encode(t, map[string]any{
		"openapi": "3.1.0", "info": map[string]string{"title": "Two routes", "version": "1"}, "paths": map[string]any{
			w.path: route("demo", "clerk", "DURWARD_DEMO_UPSTREAM", nil), "/mcp/two": route("two", "clerk", "DURWARD_DEMO_UPSTREAM", nil),
		},
	}))
	w.Save("gateway.json", `{"trustedProxies": ["127.0.0.1"]}`)
}

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// policy is one of policies.json, with options of the gateway's part.
func policy(name string, gateway map[string]any) map[string]any {
	return map[string]any{
		"name": name, "policyType": "mcp-clerk-oauth-inbound",
		"handler": map[string]any{
			"export": "McpClerkOAuthInboundPolicy", "module": "$import(@durward/runtime)",
			"options": map[string]any{
				"frontendApiUrl": "$env(CLERK_FRONTEND_API_URL)", "clientId": "$env(CLERK_CLIENT_ID)",
				"clientSecret": "$env(CLERK_CLIENT_SECRET)", "gateway": gateway,
			},
		},
	}
}

// route is an operation of routes.oas.json.
func route(id, policy, upstream string, scopes map[string]any) map[string]any {
	extension := map[string]any{
		"corsPolicy": "none",
		"handler": map[string]any{
			"export": "McpProxyHandler", "module": "$import(@durward/runtime)",
			"options": map[string]any{"rewritePattern": "${env." + upstream + "}"},
		},
		"policies": map[string]any{"inbound": []string{policy}},
	}
	if scopes != nil {
		extension["scopes"] = scopes
	}
	return map[string]any{"post": map[string]any{
		"operationId": id, "summary": "Tools of " + id, "x-zuplo-route": extension,
	}}
}

// scopes are those of the policy scoped: who may administer may write, and who may write may read.
func scopes() map[string]any {
	return map[string]any{
		"crm:read":    map[string]any{"description": "read customers"},
		"crm:write":   map[string]any{"description": "change customers", "includes": []string{"crm:read"}},
		"crm:admin":   map[string]any{"description": "administer everything", "includes": []string{"crm:write"}},
		"crm:prompts": map[string]any{"description": "use prepared prompts"},
	}
}

func scopesOfRoute() map[string]any {
	return map[string]any{
		"route":   []string{"crm:read"},
		"methods": map[string]any{"prompts/get": []string{"crm:prompts"}},
		"tools":   map[string]any{"change": []string{"crm:write"}, "report": []string{"crm:write", "crm:prompts"}},
	}
}
