// Package runtime is the Durward host: it takes a folder of configuration and serves it.
//
// It owns the listeners, the current generation, the processes of policies, the store and the proxy, and the rule by
// which one configuration replaces another under traffic. It knows HTTP, MCP and policies, and no more: what a policy
// decides and by which protocol is the policy's own affair.
//
// It promises G1 to G8 of docs/architecture.md: a request runs wholly on one generation; a bad configuration changes
// nothing but a log line and the status; no request fails because of a reload; a policy that crashes, hangs or lies
// never opens a door. The host is a value: two of them in one program share nothing.
//
// It is not a general HTTP gateway: routes proxy MCP servers.
package runtime
