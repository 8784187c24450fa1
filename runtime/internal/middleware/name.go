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

// reservedOfAnswers answers why a policy may not set the header of an answer, or "".
func reservedOfAnswers(name string) string {
	name = passage.Fold(name)
	switch name {
	case "Connection", "Keep-Alive", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return "is about one connection, and the gateway has its own with the client (RFC 9110 section 7.6.1)"
	case "Content-Length", "Content-Type", "Content-Encoding", "Content-Range":
		return "is about the answer's body, which goes to the client as the upstream sent it"
	case "Www-Authenticate", "Authentication-Info":
		return "tells clients where to sign in, which policies that sign people in do"
	case "Set-Cookie", "Set-Cookie2":
		return "would set a cookie for the whole gateway, and MCP clients have no use for one"
	case "Location", "Content-Location", "Refresh":
		return "would lead clients away from the gateway"
	case "Vary":
		return "says what the gateway's answers depend on, which the gateway knows: what the upstream says is added to it"
	case "X-Accel-Buffering", "X-Accel-Redirect":
		return "is an order to a proxy in front of the gateway, by which streams would not arrive as they come"
	case "X-Request-Id":
		return "is the gateway's own: the id by which its log knows the request"
	}
	switch {
	case strings.HasPrefix(name, "Mcp-"):
		return "is a header of MCP, and goes to the client as the upstream sent it"
	case strings.HasPrefix(name, "Access-Control-"):
		return "says which pages may read the answer: that is what the route's corsPolicy is for"
	case name == "Proxy", strings.HasPrefix(name, "Proxy-"):
		return "is for a proxy, not for the client"
	case strings.HasPrefix(name, "Durward-"), strings.HasPrefix(name, "X-Durward-"):
		return "is the gateway's own: no header that begins with Durward- or X-Durward- can be set"
	}
	return ""
}
