// Package elsewhere knows the names of Zuplo's MCP Gateway, in whose form configurations are written, that mean nothing
// here.
//
// It owns the lists of those names. It promises that whoever brings a configuration along is told that a name is known, and
// what stands for it here if anything does, instead of that it is misspelt. It is not for the names that mean something
// here, which are the catalogue's.
package elsewhere

import (
	"slices"
	"strings"
)

// PolicyType says of a policyType that it is one of that gateway's, and what stands for it here; "" if it is none.
func PolicyType(name string) string {
	const known = "is known from Zuplo's MCP Gateway and not in this version"
	switch {
	case slices.Contains(signIns(), name):
		return known
	case name == "mcp-token-exchange-inbound":
		return known + ": for an MCP server that takes a key there is set-upstream-api-key-inbound"
	case name == "mcp-capability-filter-inbound":
		return known
	case name == "composite-inbound", name == "composite-outbound":
		return known + ": list its policies in the route, one by one"
	case strings.HasPrefix(name, "custom-code-"):
		return known + ": TypeScript is not run here"
	}
	return ""
}

// signIns are the policy types by which people sign in with an identity provider, besides those that ship here.
func signIns() []string {
	return []string{
		"mcp-oauth-inbound", "mcp-auth0-oauth-inbound", "mcp-okta-oauth-inbound", "mcp-entra-oauth-inbound",
		"mcp-google-oauth-inbound", "mcp-cognito-oauth-inbound", "mcp-keycloak-oauth-inbound", "mcp-logto-oauth-inbound",
		"mcp-onelogin-oauth-inbound", "mcp-ping-oauth-inbound", "mcp-workos-oauth-inbound",
	}
}

// Handler says of a handler's export that it is one of that gateway's, and what to write instead; "" if it is none.
func Handler(export string) string {
	switch export {
	case "McpVirtualServerHandler", "mcpVirtualServerHandler":
		return `is the older name of McpProxyHandler: write "McpProxyHandler"`
	case "mcpServerHandler":
		return "is not an MCP proxy: it makes tools of an API, and a route here leads to an MCP server that is there already, by McpProxyHandler"
	case "urlForwardHandler", "urlRewriteHandler", "redirectHandler", "openApiSpecHandler", "awsLambdaHandler", "webSocketHandler",
		"webSocketPipelineHandler":
		return "is not an MCP proxy: a route here leads to an MCP server, by McpProxyHandler"
	}
	return ""
}
