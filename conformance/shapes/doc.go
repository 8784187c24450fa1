// Package shapes replays what named MCP clients send, request by request, against the real binary.
//
// It owns the shapes, one file of testdata for each client (docs/clients.md says what came of it), and the small language
// that they are written in. A file is a txtar archive: what the client is and where that is known from, then the steps,
// each of which begins with what is done and ends, behind "=>", with what must come of it. See step for the forms.
//
// It promises that a shape sends its requests as they are written, in that order, with nothing added, and that whatever
// JSON it is answered with holds no null, which some clients do not read.
//
// The shapes are written from public reports and source code, not from captured traffic: a client that changes is not
// noticed here.
package shapes
