package mcp

// The methods whose messages name what they are about.
const (
	methodCallTool     = "tools/call"
	methodGetPrompt    = "prompts/get"
	methodReadResource = "resources/read"
)

// Methods answers the methods that clients send, of every revision up to 2026-07-28. Extensions have others.
func Methods() []string {
	return []string{
		"completion/complete", "initialize", "logging/setLevel",
		"notifications/cancelled", "notifications/initialized", "notifications/progress", "notifications/roots/list_changed",
		"notifications/tasks/status",
		"ping", methodGetPrompt, "prompts/list",
		"resources/list", methodReadResource, "resources/subscribe", "resources/templates/list", "resources/unsubscribe",
		"server/discover", "subscriptions/listen",
		"tasks/cancel", "tasks/get", "tasks/list", "tasks/result", "tasks/update",
		methodCallTool, "tools/list",
	}
}
