package mcp

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Bounds of a message that Read accepts.
const (
	MaxDepth   = 128 // objects and arrays inside one another
	MaxMembers = 64  // members of the message itself, and of its params
)

// Message is what the host needs to know of a JSON-RPC message.
type Message struct {
	// ID is the id as it was written, a string or an integer. It lies in the bytes that were read. It is nil for a
	// notification, and for a response that reports an error without knowing whose.
	ID json.RawMessage
	// Method is empty for a response: a client's answer to what the server asked it.
	Method string
	// Name is params.name of tools/call and prompts/get, params.uri of resources/read, else empty. It is also empty
	// if the message lacks it, which is for the upstream to refuse.
	Name string
	// Version is the revision of MCP that the message says it is of, which requests since 2026-07-28 do, or empty.
	Version string
	// Notification says that the message has a method and no id: nobody waits for an answer.
	Notification bool
}

// Request says that the sender waits for an answer under ID.
func (m Message) Request() bool { return m.Method != "" && !m.Notification }

// Listens says that the answer is a stream of what happens, with no end of its own (MCP 2026-07-28). The earlier era
// listens with GET.
func (m Message) Listens() bool { return m.Method == "subscriptions/listen" && !m.Notification }

// names says that messages of the method name something.
func (m Message) names() bool {
	return m.Method == methodCallTool || m.Method == methodGetPrompt || m.Method == methodReadResource
}

// Error is why a body is no message, or none that may pass. Code and Text are what an error answer should say; Text quotes
// nothing of the body.
type Error struct {
	Code int
	Text string
}

func (e *Error) Error() string { return "read message: " + e.Text }

// Read reads the one JSON-RPC 2.0 message that body holds. It refuses, with an *Error, what two readers could understand
// differently (S71): text that is not UTF-8, more than one message, a batch (gone since 2025-06-18), in the message and its
// params a key that comes twice, or that differs from a meaningful one only in case, and a name that is no text.
func Read(body []byte) (Message, error) {
	if !utf8.Valid(body) {
		return Message{}, syntax("the body is not UTF-8")
	}
	s := scanner{data: body}
	s.space()
	switch s.peek() {
	case '{':
	case '[':
		return Message{}, invalid("batches are not accepted: send one message")
	default:
		return Message{}, syntax("the body is not a JSON object")
	}
	var f fields
	if err := f.read(&s); err != nil {
		return Message{}, err
	}
	if s.space(); s.at < len(body) {
		return Message{}, syntax("the body goes on after the message")
	}
	return f.message()
}

// fields are the members of a message that matter.
type fields struct {
	version, method             string
	name, uri                   value
	revision                    string
	id                          json.RawMessage
	hasMethod, hasID, hasAnswer bool
}

func (f *fields) read(s *scanner) error {
	return s.object(1, func(key []byte) error {
		switch string(key) {
		case "jsonrpc":
			return s.text(&f.version)
		case "method":
			f.hasMethod = true
			return s.text(&f.method)
		case "id":
			f.hasID = true
			return s.id(&f.id)
		case "params":
			return f.readParams(s)
		case "result", "error":
			if f.hasAnswer {
				return invalid("a response has a result or an error, not both")
			}
			f.hasAnswer = true
			return s.value(2)
		}
		if resembles(key, "jsonrpc", "method", "id", "params", "result", "error") {
			return invalid("a key of the message is in odd case")
		}
		return s.value(2)
	})
}

func (f *fields) readParams(s *scanner) error {
	switch s.peek() {
	case '{':
	case 'n': // null is what leaving params out is, to every reader
		return s.value(2)
	default:
		return invalid("params must be an object")
	}
	return s.object(2, func(key []byte) error {
		switch {
		case string(key) == "name":
			return f.name.read(s)
		case string(key) == "uri":
			return f.uri.read(s)
		case string(key) == "_meta" && s.peek() == '{':
			return f.readMeta(s)
		case resembles(key, "name", "uri", "arguments", "_meta"):
			return invalid("a key of params is in odd case")
		}
		return s.value(3)
	})
}

// keyRevision is the member of params._meta that says of which revision a request is.
const keyRevision = "io.modelcontextprotocol/protocolVersion"

// readMeta reads what a message says of itself. All but one of its keys are others' business.
func (f *fields) readMeta(s *scanner) error {
	seen := false
	return s.members(3, func(raw []byte) error {
		key, err := decode(raw)
		switch {
		case err != nil:
			return err
		case string(key) == keyRevision && seen:
			return invalid("a key comes twice")
		case string(key) == keyRevision:
			seen = true
			return s.text(&f.revision)
		case resembles(key, keyRevision):
			return invalid("a key of _meta is in odd case")
		}
		return s.value(4)
	})
}

// value is a member whose meaning depends on what else is in the message.
type value struct {
	text string
	odd  bool // it is there and no text
}

func (v *value) read(s *scanner) error {
	if s.peek() == '"' {
		return s.text(&v.text)
	}
	v.odd = s.peek() != 'n' // null is what leaving it out is
	return s.value(3)
}

func (f *fields) message() (Message, error) {
	switch {
	case f.version != "2.0":
		return Message{}, invalid(`jsonrpc must be "2.0"`)
	case f.hasMethod && f.hasAnswer:
		return Message{}, invalid("a message is a request or a response, not both")
	case f.hasMethod && f.method == "":
		return Message{}, invalid("method is empty")
	case f.hasMethod && f.hasID && f.id == nil:
		return Message{}, invalid("the id of a request must be a string or an integer")
	case !f.hasMethod && (!f.hasAnswer || !f.hasID):
		return Message{}, invalid("a message has a method, or an id with a result or an error")
	}
	m := Message{ID: f.id, Method: f.method, Version: f.revision, Notification: f.hasMethod && !f.hasID}
	named := f.name
	if f.method == methodReadResource {
		named = f.uri
	}
	if m.names() {
		m.Name = named.text
		if named.odd {
			return Message{}, &Error{Code: CodeInvalidParams, Text: "what the message names must be a string"}
		}
	}
	return m, nil
}

// resembles says that a reader who folds case, as Go's encoding/json does (U+017F is an s to it), would take key for one
// of names although it is none.
func resembles(key []byte, names ...string) bool {
	for _, name := range names {
		if string(key) != name && bytes.EqualFold(key, []byte(name)) {
			return true
		}
	}
	return false
}

func syntax(text string) error  { return &Error{Code: CodeParse, Text: text} }
func invalid(text string) error { return &Error{Code: CodeInvalidRequest, Text: text} }
