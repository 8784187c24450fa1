// Package clienthost is what the vendor of an MCP client has on the web: an https host that serves a client metadata
// document and, for a client that authenticates, its key set. And it is the client's keys.
//
// It owns the host, its certificate, the count of connections and requests that reached it, and the signing of client
// assertions. It promises that a document is served exactly as a test set it, faults included, that a connection is
// counted when it is accepted, before a byte of it is read, and that all is gone when the test ends.
//
// It knows nothing of the gateway: what should come of a document is for the suites to say.
package clienthost
