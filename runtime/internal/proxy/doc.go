// Package proxy owns the way of an MCP request to its upstream and of the answer back: the transport, which headers
// cross, how streams flow, and how both end.
//
// It promises that
//   - the upstream has the whole request, from memory, before its answer is read: a Transport that reads the server's
//     live body cuts streamed answers now and then (golang/go#40747);
//   - nothing by which the client proved or claimed who it is reaches the upstream, and nothing by which the upstream
//     speaks for an origin (cookies, challenges, CORS, redirects) reaches the client (D5, D6); everything else of both,
//     bodies and status codes first, passes as it is (D11, D12);
//   - each event is sent on when it comes; a client that leaves is gone upstream at once (D13); an upstream that breaks
//     off is seen to have broken off, by the client and in the log;
//   - what the host ends before its time ends in a way that the client understands, never within an event that it would
//     take for a whole one, and never as half a document that passes for one (G4; see ended.go);
//   - no POST is sent a second time once a byte of it was written: a tool may have run.
//
// It is not for deciding: who may call, which Origin is welcome and which route is meant were settled before, and when an
// answer must end is the passage's word. It is no general reverse proxy either. It is built on http.Transport and not on
// httputil.ReverseProxy, whose other abilities would each be a hole here: upgraded connections and trailers pass its
// header rules by, an informational response from the upstream clears the headers that the host has set, and a stream
// cannot be ended cleanly.
package proxy
