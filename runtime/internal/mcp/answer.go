package mcp

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Error codes of JSON-RPC 2.0 (section 5.1) that the host answers with.
const (
	CodeParse          = -32700
	CodeInvalidRequest = -32600
	CodeInternal       = -32603
)

// WriteError answers a request with a JSON-RPC error under an HTTP status, and so ends it. id is the id of the request
// as it was written; nil answers "id": null, which says that it is not known (JSON-RPC 2.0 section 5). Headers that the
// caller has set are kept. message goes to the client: it must name nothing internal.
func WriteError(w http.ResponseWriter, status int, id json.RawMessage, code int, message string) {
	if id == nil {
		id = json.RawMessage("null")
	}
	text, _ := json.Marshal(message) // a string always has a JSON form
	body := make([]byte, 0, 64+len(id)+len(text))
	body = append(body, `{"jsonrpc":"2.0","id":`...)
	body = append(body, id...)
	body = append(body, `,"error":{"code":`...)
	body = strconv.AppendInt(body, int64(code), 10)
	body = append(body, `,"message":`...)
	body = append(body, text...)
	body = append(body, "}}"...)

	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has gone: there is nobody to tell
}
