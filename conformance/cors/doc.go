// Package cors holds the real binary to what it says to browsers of an MCP route that names a CORS policy, and to the
// headers that it sets on the way back (requirements D1, D7, Q39, S70).
//
// It promises that each row is asked over the wire, with the headers that a browser sends, and that a page that may not
// call reaches neither a policy nor the upstream. It is not for the rules by which an origin matches, which are package
// runtime/internal/cors's, nor for pages in a browser: those are conformance/browser.
package cors
