package mcp

import (
	"encoding/base64"
	"mime"
	"net/http"
	"slices"
	"strings"
)

// Headers of a request that repeat what its message says, since 2026-07-28 (Streamable HTTP, "Request Metadata").
const (
	headerVersion = "MCP-Protocol-Version"
	headerMethod  = "Mcp-Method"
	headerName    = "Mcp-Name"
)

// modern is the first revision whose requests must bring those headers. Revisions are dates, and so sort by themselves.
const modern = "2026-07-28"

// CheckHeader holds what the headers of a request say against its message (S72), so that whoever routes by them and
// whoever reads the message understand one thing. Headers that are there must agree with the message in every revision;
// requests of 2026-07-28 and later must bring them. An error is an *Error with CodeHeaderMismatch, to be answered with 400.
//
// What other methods have in Mcp-Name is for those who know them. So is what a notification lacks, of which the
// specification says nothing.
func (m Message) CheckHeader(h http.Header) error {
	version, err := one(h, headerVersion)
	if err != nil {
		return err
	}
	method, err := one(h, headerMethod)
	if err != nil {
		return err
	}
	name, err := one(h, headerName)
	if err != nil {
		return err
	}
	switch {
	case version.given && m.Version != "" && version.text != m.Version:
		return mismatch("the MCP-Protocol-Version header is not the version in the message")
	case method.given && method.text != m.Method:
		return mismatch("the Mcp-Method header is not the method in the message")
	}
	if m.names() && name.given {
		if text, ok := decodeName(name.text); !ok {
			return mismatch("the Mcp-Name header is not valid Base64")
		} else if text != m.Name {
			return mismatch("the Mcp-Name header is not the name in the message")
		}
	}
	if !m.Request() || max(version.text, m.Version) < modern {
		return nil
	}
	switch {
	case !version.given:
		return mismatch("the MCP-Protocol-Version header is missing")
	case !method.given:
		return mismatch("the Mcp-Method header is missing")
	case m.Name != "" && !name.given:
		return mismatch("the Mcp-Name header is missing")
	}
	return nil
}

// field is the value of a header.
type field struct {
	text  string
	given bool
}

// one reads a header that may come once and holds what RFC 9110 section 5.5 says a new header should: visible ASCII, with
// space and tabs within. Space around it does not count.
func one(h http.Header, name string) (field, error) {
	values := h.Values(name)
	if len(values) == 0 {
		return field{}, nil
	}
	if len(values) > 1 {
		return field{}, mismatch("the " + name + " header comes more than once")
	}
	text := strings.Trim(values[0], " \t")
	if strings.ContainsFunc(text, func(c rune) bool { return (c < ' ' && c != '\t') || c > '~' }) {
		return field{}, mismatch("the " + name + " header has a character that a header must not have")
	}
	return field{text: text, given: true}, nil
}

// Around a name that no header can hold as it is.
const encodedFrom, encodedTo = "=?base64?", "?="

// decodeName answers the name that a header stands for. Nothing else is decoded than what has both marks, as they are
// written here.
func decodeName(text string) (string, bool) {
	inner, begins := strings.CutPrefix(text, encodedFrom)
	inner, ends := strings.CutSuffix(inner, encodedTo)
	if !begins || !ends {
		return text, true
	}
	name, err := base64.StdEncoding.Strict().DecodeString(inner)
	return string(name), err == nil
}

// CheckContent refuses bodies that a reader who goes by their headers could understand differently (S71): in an encoding,
// or in a character set that is not UTF-8, in which the same bytes are another text. An error is an *Error, to be answered
// with 415.
func CheckContent(h http.Header) error {
	for _, encoding := range h["Content-Encoding"] {
		if !strings.EqualFold(strings.TrimSpace(encoding), "identity") {
			return invalid("the body must have no Content-Encoding")
		}
	}
	types := h["Content-Type"]
	if len(types) == 0 {
		return nil
	}
	_, parameters, err := mime.ParseMediaType(types[0])
	if err != nil || len(types) > 1 {
		return invalid("the Content-Type must be application/json")
	}
	for name, value := range parameters {
		if strings.HasPrefix(name, "charset") && !slices.Contains([]string{"utf-8", "utf8"}, strings.ToLower(value)) {
			return invalid("the body must be UTF-8")
		}
	}
	return nil
}

func mismatch(text string) error { return &Error{Code: CodeHeaderMismatch, Text: text} }
