// Package faults holds the gateway to what it does when the identity provider fails.
//
// It owns one row for each fault of the provider double: the page that the person sees or what the client is told, the
// line in the gateway's log, and the entry in its audit log. It promises that the page and both entries are found by
// one request id, that nothing confided to the provider stands in any of them, and that no fault of the double is
// without a row.
//
// It is not for what providers do that work (conformance/providers), nor for attacks on a browser (conformance/signin).
package faults
