package demo

import (
	"encoding/json"
	"fmt"
	"io"
)

// Welcome tells a newcomer what to do with the MCP URL.
func Welcome(w io.Writer, mcpURL string) error {
	code, err := json.Marshal(map[string]string{"name": "durward-demo", "type": "http", "url": mcpURL})
	if err != nil {
		return fmt.Errorf("write VS Code's server entry: %w", err)
	}
	_, err = fmt.Fprintf(w, `
Durward demo

  MCP URL        %[1]s

  Claude Code    claude mcp add --transport http durward-demo %[1]s
                 then, in Claude Code: /mcp, durward-demo, Authenticate

  VS Code        code --add-mcp '%[2]s'
                 or in .vscode/mcp.json:
                 {"servers": {"durward-demo": {"type": "http", "url": %[3]q}}}

  MCP Inspector  npx @modelcontextprotocol/inspector
                 Transport Type: Streamable HTTP, URL: %[1]s

The browser shows Durward's consent page, then a sign-in page with two people to choose from: Ada Lovelace and
Grace Hopper. Then the client has three tools: echo, add, count.

The same without a client: durward demo --check (in a clone: make demo CHECK=1)

`, mcpURL, code, mcpURL)
	return err
}
