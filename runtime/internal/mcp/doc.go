// Package mcp owns what the host must understand of the Model Context Protocol: which message a request body holds, whether
// the headers say the same, and how an error is said so that every client of either era understands it.
//
// It promises that a message it accepts means the same to everybody who reads it: one JSON document in UTF-8, no key
// twice and none in odd case where meaning lies, nesting bounded (S71). It never writes a message anew: whoever forwards
// one forwards the bytes that were read. Reading builds no tree and costs about as much as looking at each byte once.
//
// It is not for checking that a message is good: schemas, protocol versions and arguments are the upstream's business.
package mcp
