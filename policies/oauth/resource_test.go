package oauth_test

import (
	"net/http"
	"slices"
	"testing"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// Several operations of one path are one resource: a client that names none still gets the only one (A53).
func TestA53_OperationsOfAPathAreOneResource(t *testing.T) {
	input := inputOf(`{"clientId":"c","clientSecret":"s"}`, "/mcp/demo", "/mcp/demo")
	input.Routes[1].ID = "demo-get"
	report := oauth.Policy(policytest.NewProvider()).Validate(input)
	root := policies.Path{Path: "/.well-known/oauth-protected-resource", Option: "/gateway/basePath"}
	if !slices.Contains(report.Paths, root) {
		t.Errorf("the root metadata is not served: %v", report.Paths)
	}
	seen := map[policies.Path]bool{}
	for _, path := range report.Paths {
		if seen[path] {
			t.Errorf("%v is named twice", path)
		}
		seen[path] = true
	}
	gateway, err := policytest.NewGateway(policytest.NewHost(), oauth.Policy(policytest.NewProvider()), input)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := gateway.Client().Get(origin + root.Path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("root metadata: %s", resp.Status)
	}
}
