package elsewhere

import (
	"strings"
	"testing"
)

func TestNamesOfTheOtherGateway(t *testing.T) {
	for _, name := range append(signIns(), "mcp-token-exchange-inbound", "mcp-capability-filter-inbound", "composite-inbound",
		"custom-code-inbound", "custom-code-outbound") {
		if text := PolicyType(name); !strings.HasPrefix(text, "is known from Zuplo's MCP Gateway and not in this version") {
			t.Errorf("%s: %q", name, text)
		}
	}
	for _, name := range []string{"", "mcp-clerk-oauth-inbound", "set-headers-inbound", "mcp-nobody-oauth-inbound"} {
		if text := PolicyType(name); text != "" {
			t.Errorf("%s: %q", name, text)
		}
	}
	for name, want := range map[string]string{
		"McpVirtualServerHandler": "is the older name of", "mcpVirtualServerHandler": "is the older name of",
		"urlRewriteHandler": "is not an MCP proxy", "mcpServerHandler": "is not an MCP proxy",
	} {
		if text := Handler(name); !strings.HasPrefix(text, want) || !strings.Contains(text, "McpProxyHandler") {
			t.Errorf("%s: %q", name, text)
		}
	}
	for _, name := range []string{"", "McpProxyHandler", "myHandler"} {
		if text := Handler(name); text != "" {
			t.Errorf("%s: %q", name, text)
		}
	}
}
