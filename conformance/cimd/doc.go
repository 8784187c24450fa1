// Package cimd holds the gateway to what it promises of clients that identify themselves by a metadata document, where
// the table of requirements (conformance/oauth) cannot see it: over whole sign-ins, over time, and with names that lead
// elsewhere from one moment to the next.
//
// It owns the client that has nothing but its document, its keys and a person, and a gateway to which names mean what the
// test says. It promises to count at the client's host what was connected to and asked for, rather than to believe what
// the gateway says.
//
// It is not for what a document or an assertion may look like: that is the table's, row by row.
package cimd
