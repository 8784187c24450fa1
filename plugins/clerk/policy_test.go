package clerk_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/plugins/clerk"
	"durward/policies"
	"durward/policies/policytest"
)

// What every policy must hold to, this one does too.
func TestPolicy(t *testing.T) {
	policytest.Test(t, policytest.Case{
		Type: clerk.Type(),
		Input: func(origin string) policies.Input {
			return policies.Input{
				Name:    "clerk",
				Options: encode(t, func(o map[string]any) { o["frontendApiUrl"] = origin }),
				Routes:  []policies.Route{{ID: "demo", Path: "/mcp/demo"}},
			}
		},
		Requests: []policies.Request{
			{Route: "demo", Origin: "https://mcp.example.com"},
			{Route: "demo", Origin: "https://mcp.example.com", Header: http.Header{"Authorization": {"Bearer x"}}},
		},
	})
}

// Clerk's own options and those of every provider, each with its default, are the whole of the schema.
func TestOptionsAndDefaults(t *testing.T) {
	var schema struct {
		Properties map[string]struct {
			Default    any `json:"default"`
			Properties map[string]struct {
				Default any `json:"default"`
			} `json:"properties"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if err := json.Unmarshal(clerk.Type().Describe().Options, &schema); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for name, property := range schema.Properties {
		if len(property.Properties) == 0 {
			got[name] = property.Default
		}
		for inner, property := range property.Properties {
			got[name+"."+inner] = property.Default
		}
	}
	want := map[string]any{
		"frontendApiUrl": nil, "clientId": nil, "clientSecret": nil, "scope": "openid profile email",
		"gateway.accessTokenTtlSeconds": 900.0, "gateway.refreshTokenTtlSeconds": 2592000.0, "gateway.cimdEnabled": true,
		"gateway.refreshTokenRotation": "grace", "gateway.refreshTokenGraceSeconds": 60.0, "gateway.recheckSeconds": 3600.0,
		"gateway.issParameterEnabled": true, "gateway.registrationEnabled": true, "gateway.clients": nil,
		"gateway.scopes": map[string]any{}, "gateway.limits": map[string]any{}, "gateway.cimdDevelopment": nil,
		"gateway.basePath":                      "",
		"browserLoginOverrides.remoteTimeoutMs": 10000.0, "browserLoginOverrides.stateTtlSeconds": 900.0,
		"browserLoginOverrides.sessionTtlSeconds": 28800.0, "browserLoginOverrides.caFile": nil,
		"access.emails": nil, "access.emailDomains": nil, "access.organizations": nil, "access.requiredClaims": nil,
		"pages.name": nil, "pages.logo": nil,
	}
	if len(got) != len(want) {
		t.Errorf("options = %v, want %v", got, want)
	}
	for name, value := range want {
		if has, ok := got[name]; !ok || !cmp.Equal(has, value) {
			t.Errorf("%s has the default %v, want %v", name, has, value)
		}
	}
}
