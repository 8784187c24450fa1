package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"durward/runtime/internal/mcp"
	"durward/runtime/internal/proxy"
)

// reading is a request of which the host knows what it must know to have it decided on.
type reading struct {
	// request has its body in memory, if that has been read.
	request *http.Request
	// message is empty where nobody decides by it, where the request brings none, and where there is a fault.
	message mcp.Message
	// fault is why the request goes no further whatever the policies say, or nil.
	fault *fault
}

// fault is how a request is answered that brings no message which may pass.
type fault struct {
	status int
	id     json.RawMessage // of the request that the message is, or nil
	code   int
	text   string
}

// read reads the message before the policies decide, if one of them decides by it. Otherwise a stranger's body is not read
// at all. false: it could not be read, and the client has its answer.
//
// A message must mean the same to the upstream, by its bytes and by its headers (S71, S72). A request whose message does
// not is decided on as if it had none, so that whoever may not come in is told that first (B9).
func (c *chain) read(w http.ResponseWriter, r *http.Request) (reading, bool) {
	if r.Method != http.MethodPost {
		in := reading{request: r}
		// An upstream that does not look at the method would read what nobody has decided on.
		if c.messages && r.ContentLength != 0 {
			in.fault = &fault{
				status: http.StatusBadRequest, code: mcp.CodeInvalidRequest,
				text: "a message is sent with POST: a request of another method has no body",
			}
		}
		return in, true
	}
	if !c.byMessage() {
		return reading{request: r}, true
	}
	body, ok := proxy.ReadBody(w, r, c.bounds.requestBytes, c.bounds.requestBody)
	if !ok {
		return reading{}, false
	}
	in := reading{request: r.WithContext(r.Context())}
	in.request.Body, in.request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if err := mcp.CheckContent(r.Header); err != nil {
		in.fault = newFault(http.StatusUnsupportedMediaType, mcp.Message{}, err)
		return in, true
	}
	message, err := mcp.Read(body)
	if err == nil {
		err = message.CheckHeader(r.Header)
	}
	if err != nil {
		in.fault = newFault(http.StatusBadRequest, message, err)
		return in, true
	}
	in.message = message
	return in, true
}

// findMessages tells the chains of each path whether somebody decides by messages there: the operations of a path are routes
// of their own, and may lead to the same upstream.
func (g *running) findMessages() {
	paths := make(map[string]bool)
	for i, c := range g.chains {
		if c.byMessage() {
			paths[g.config.Routes[i].Path] = true
		}
	}
	for i, c := range g.chains {
		c.messages = paths[g.config.Routes[i].Path]
	}
}

// byMessage says that one of the policies decides by the message.
func (c *chain) byMessage() bool {
	for i := range c.guards {
		if c.guards[i].byMessage() {
			return true
		}
	}
	return false
}

func newFault(status int, message mcp.Message, err error) *fault {
	f := &fault{status: status, code: mcp.CodeInvalidRequest, text: err.Error()}
	if message.Request() {
		f.id = message.ID
	}
	if told, ok := errors.AsType[*mcp.Error](err); ok {
		f.code, f.text = told.Code, told.Text
	}
	return f
}

func (f *fault) write(w http.ResponseWriter) {
	boundWrite(w)
	mcp.WriteError(w, f.status, f.id, f.code, f.text)
}
