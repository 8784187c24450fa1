// Package gateway runs the real durward binary for the suites, as an operator runs it: a folder of configuration, a
// process, its log and its admin listener; behind it the demo's identity provider and MCP server.
//
// It promises that whatever a test starts is gone when the test ends, that a configuration file is saved as an editor
// saves it (atomically), and that no canary secret stood in anything the gateway printed or answered to an operator: it
// looks at the end of every test (G10).
//
// It holds no expectations of its own beyond that: those are the suites'.
package gateway
