package reload

import (
	"fmt"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
	"durward/conformance/hostile/kind"
)

// The files that edits are made of. The executable's is a path of its own.
const (
	policiesFile = "policies.json"
	routesFile   = "routes.oas.json"
	gatewayFile  = "gateway.json"
)

// The policies that run throughout: the one that ships, one that no edit of a file names, and one that many do.
const (
	clerk  = "clerk"
	keeper = "keeper"
	edited = "edited"
)

// The routes that are there throughout: two that the shipped policy guards, the second with streams; one of each of the
// others; and one that is open.
const (
	demo    = "demo"
	guarded = "guarded"
	steady  = "steady"
)

// configure writes what runs at the beginning and at the end of each round.
func configure(t testing.TB, g *gateway.Gateway, upstream string) {
	t.Helper()
	// What signs somebody in at the beginning is to do so at the end, however long that takes.
	policies := strings.Replace(g.Read(policiesFile), frontend, `"gateway": {"accessTokenTtlSeconds": 86400}, `+frontend, 1)
	at := strings.LastIndex(policies, "\n  ]")
	routes := g.Read(routesFile)
	end := strings.LastIndex(routes, "    }\n  }\n}") // of the last path
	if at < 0 || end < 0 || !strings.Contains(policies, "86400") {
		t.Fatal("the configuration that ships has another shape")
	}
	g.Save(policiesFile, policies[:at]+",\n"+strings.TrimSuffix(policy(keeper, "")+policy(edited, `, "secret": "`+firstSecret+`"`), ",\n")+
		policies[at:])
	more := route(guarded, upstream, `"clerk"`) + route(keeper, upstream, `"keeper"`) + route(edited, upstream, `"edited"`) +
		route(steady, upstream, "")
	g.Save(gatewayFile, `{ "publicRoutes": ["`+steady+`"] }`)
	g.Save(routesFile, routes[:end]+"    },\n    "+strings.TrimSuffix(strings.TrimRight(more, " \n"), ",")+"\n  }\n}\n")
}

const (
	frontend    = `"frontendApiUrl"`
	firstSecret = gateway.Canary + "-first"
)

// policy is the text of one whose executable is a file, behind others.
func policy(name, options string) string {
	return fmt.Sprintf(`    {"name": %q, "policyType": %q, "handler": {
      "export": %q, "module": "$import(%s)",
      "options": {"ttlSeconds": 86400, "expiresSeconds": 86400, "fault": %q, "label": "%s 1"%s}}},
`, name, hostile.Type().Describe().Type, kind.Export, kind.Module, kind.None, name, options)
}

// stillborn is the text of one whose process ends before it says what it is, before the others.
func stillborn(name string) string {
	return strings.Replace(policy(name, ""), kind.PolicyType, kind.TypeName(kind.RefuseStart), 1)
}

// route is a route's text, to be put before another's.
func route(id, upstream, policies string) string {
	return fmt.Sprintf(`"/mcp/%s": {"post": {"operationId": %q, "x-zuplo-route": {"corsPolicy": "none", "handler": {
      "export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {"rewritePattern": %q}},
      "policies": {"inbound": [%s]}}}},
    `, id, id, upstream, policies)
}
