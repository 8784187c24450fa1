package hostile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
)

// Policy is a hostile policy and, if it has an upstream, the route that it guards: POST /mcp/NAME.
type Policy struct {
	// Name begins the policy's paths: /NAME/grant.
	Name string
	// Type is the fault that is the policy's type; "" is the ordinary type.
	Type string
	// Fault is one of package kind; "" is none. One that is a type goes before Type.
	Fault string
	// Options are further ones, such as "label".
	Options map[string]any
	// Upstream is where the route leads.
	Upstream string
}

// Configure writes policies.json and routes.oas.json: what ships, and these.
func Configure(t testing.TB, g *gateway.Gateway, policies ...Policy) {
	t.Helper()
	g.Save("routes.oas.json", routes(t, policies))
	g.Save("policies.json", Policies(t, policies...))
}

// Policies is a policies.json with what ships and these.
func Policies(t testing.TB, policies ...Policy) string {
	t.Helper()
	list := []any{entry("clerk", "mcp-clerk-oauth-inbound", "McpClerkOAuthInboundPolicy", map[string]any{
		"frontendApiUrl": "$env(CLERK_FRONTEND_API_URL)", "clientId": "$env(CLERK_CLIENT_ID)",
		"clientSecret": "$env(CLERK_CLIENT_SECRET)",
	})}
	for _, p := range policies {
		options := map[string]any{}
		maps.Copy(options, p.Options)
		early := p.Type
		if slices.Contains(kind.Early(), p.Fault) {
			early = p.Fault
		} else if p.Fault != "" {
			options["fault"] = p.Fault
		}
		list = append(list, entry(p.Name, kind.TypeName(early), kind.Export, options))
	}
	return encode(t, map[string]any{"policies": list})
}

func entry(name, policyType, export string, options map[string]any) any {
	return map[string]any{"name": name, "policyType": policyType, "handler": map[string]any{
		"export": export, "module": "$import(" + kind.Module + ")", "options": options,
	}}
}

func routes(t testing.TB, policies []Policy) string {
	t.Helper()
	paths := map[string]any{"/mcp/demo": operation("demo", "${env.DURWARD_DEMO_UPSTREAM}", "clerk")}
	for _, p := range policies {
		if p.Upstream != "" {
			paths["/mcp/"+p.Name] = operation(p.Name, p.Upstream, p.Name)
		}
	}
	return encode(t, map[string]any{
		"openapi": "3.1.0", "info": map[string]any{"title": "Hostile", "version": "1"}, "paths": paths,
	})
}

func operation(id, upstream, policy string) any {
	return map[string]any{"post": map[string]any{
		"operationId": id,
		"x-zuplo-route": map[string]any{
			"corsPolicy": "none",
			"handler": map[string]any{
				"export": "McpProxyHandler", "module": "$import(" + kind.Module + ")",
				"options": map[string]any{"rewritePattern": upstream},
			},
			"policies": map[string]any{"inbound": []string{policy}},
		},
	}}
}

func encode(t testing.TB, value any) string {
	t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(fmt.Errorf("encode configuration: %w", err))
	}
	return text.String()
}
