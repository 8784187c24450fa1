package sample

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// firstSessionless is the first protocol version without sessions. Versions are dates and sort as text.
	firstSessionless = "2026-07-28"
	versionHeader    = "Mcp-Protocol-Version"
	// maxBody is the SDK's own default.
	maxBody = mcp.DefaultMaxRequestBodyBytes
)

// isSessionless tells the eras apart (MCP 2026-07-28, versioning): the header names the version, and every request of
// the later era names it in its body too. The body counts even if the header is absent or says otherwise: then the
// handler of that era answers with the fault the specification has for it. The error says that the body is too large.
func isSessionless(w http.ResponseWriter, r *http.Request) (bool, error) {
	if r.Header.Get(versionHeader) >= firstSessionless {
		return true, nil
	}
	if r.Method != http.MethodPost {
		return false, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return false, errors.New("the request's body is too large")
	}
	// What could be read is handed on: with a body cut short the handler finds fault by itself.
	r.Body = io.NopCloser(bytes.NewReader(body))
	var message struct {
		Params struct {
			Meta map[string]json.RawMessage `json:"_meta"`
		} `json:"params"`
	}
	if json.Unmarshal(body, &message) != nil {
		return false, nil
	}
	_, named := message.Params.Meta[mcp.MetaKeyProtocolVersion]
	return named, nil
}
