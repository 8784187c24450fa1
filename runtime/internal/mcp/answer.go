package mcp

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Error codes of JSON-RPC 2.0 (section 5.1), and of MCP, that the host answers with.
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeInvalidParams  = -32602
	CodeInternal       = -32603
	CodeHeaderMismatch = -32020
)

// WriteError answers a request with a JSON-RPC error under an HTTP status, and so ends it. id is the id of the request
// as it was written; nil answers "id": null, which says that it is not known (JSON-RPC 2.0 section 5). Headers that the
// caller has set are kept. message goes to the client: it must name nothing internal.
func WriteError(w http.ResponseWriter, status int, id json.RawMessage, code int, message string) {
	body := appendError(make([]byte, 0, 64+len(id)+len(message)), id, code, message)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has gone: there is nobody to tell
}

// ErrorEvent answers a JSON-RPC error as an event of a stream (HTML standard, section 9.2) that answers a request. What
// was sent of the stream before must end with a whole event.
func ErrorEvent(id json.RawMessage, code int, message string) []byte {
	event := append(make([]byte, 0, 96+len(id)+len(message)), "event: message\ndata: "...)
	return append(appendError(event, id, code, message), "\n\n"...) // JSON as Read takes it has no line ends within
}

func appendError(to []byte, id json.RawMessage, code int, message string) []byte {
	if id == nil {
		id = json.RawMessage("null")
	}
	text, _ := json.Marshal(message) // a string always has a JSON form
	to = append(to, `{"jsonrpc":"2.0","id":`...)
	to = append(to, id...)
	to = append(to, `,"error":{"code":`...)
	to = strconv.AppendInt(to, int64(code), 10)
	to = append(to, `,"message":`...)
	to = append(to, text...)
	return append(to, "}}"...)
}
