package middleware

import (
	"strings"

	"durward/runtime/internal/passage"
)

// reserved answers why a policy may not set the header, or "".
func reserved(name string) string {
	name = passage.Fold(name)
	switch name {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return "is about one connection, and the gateway makes its own to the upstream (RFC 9110 section 7.6.1)"
	case "Host":
		return "follows from the route's rewritePattern"
	case "Content-Length", "Content-Type", "Content-Encoding", "Content-Range", "Expect":
		return "is about the request's body, which goes to the upstream as the client sent it"
	case "Accept-Encoding":
		return "is about the answer, which goes to the client as the upstream sent it"
	case "Last-Event-Id":
		return "is the client's place in its own event stream"
	case "X-Request-Id":
		return "is the gateway's own: the id by which its log knows the request"
	}
	switch {
	case strings.HasPrefix(name, "Mcp-"):
		return "is a header of MCP, and must agree with the message that the client sent"
	case name == "Proxy", strings.HasPrefix(name, "Proxy-"):
		return "is for a proxy, not for the upstream"
	case strings.HasPrefix(name, "Durward-"), strings.HasPrefix(name, "X-Durward-"):
		return "is the gateway's own: no header that begins with Durward- or X-Durward- can be set"
	}
	return ""
}
