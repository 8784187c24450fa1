package mcp_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"durward/runtime/internal/mcp"
)

const (
	legacyCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}`
	modernCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	version    = "Mcp-Protocol-Version"
)

// headerOf makes a header of pairs.
func headerOf(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// encoded is a name as a header holds it that cannot hold it as it is.
func encoded(name string) string {
	return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(name)) + "?="
}

// named answers a call of a tool of that name, written as in JSON.
func named(name string) string { return strings.Replace(modernCall, "echo", name, 1) }

func TestS72_CheckHeader(t *testing.T) {
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	const read = `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"other","uri":"file:///a"}}`
	modern := func(pairs ...string) http.Header {
		return headerOf(append([]string{version, "2026-07-28", "mcp-method", "tools/call"}, pairs...)...)
	}
	for _, tt := range []struct {
		name, body string
		header     http.Header
		text       string // of the refusal, empty if it passes
	}{
		{"modern", modernCall, modern("Mcp-Name", "echo"), ""},
		{"modern, without _meta: the upstream's to refuse", legacyCall, modern("Mcp-Name", "echo"), ""},
		{"names of headers in any case", modernCall, headerOf("mCp-PROTOCOL-version", "2026-07-28", "MCP-METHOD", "tools/call", "mcp-name", "echo"), ""},
		{"space around values", modernCall, modern("Mcp-Name", " \techo\t "), ""},
		{"a later revision", strings.Replace(modernCall, "2026-07-28", "2027-01-01", 1), headerOf(version, "2027-01-01"), "Mcp-Method header is missing"},
		{"a method that names nothing", list, headerOf(version, "2026-07-28", "Mcp-Method", "tools/list"), ""},
		{"a header for others", list, headerOf(version, "2026-07-28", "Mcp-Method", "tools/list", "Mcp-Name", "task-1", "Mcp-Param-Region", "us"), ""},
		{"a resource", read, headerOf(version, "2026-07-28", "Mcp-Method", "resources/read", "Mcp-Name", "file:///a"), ""},
		{"a resource by the name of another member", read, headerOf(version, "2026-07-28", "Mcp-Method", "resources/read", "Mcp-Name", "other"), "not the name"},
		{"a name of other letters", named("d\u00e9j\u00e0 vu"), modern("Mcp-Name", encoded("d\u00e9j\u00e0 vu")), ""},
		{"a name with escapes", named(`d\u00e9j\u00e0`), modern("Mcp-Name", encoded("d\u00e9j\u00e0")), ""},
		{"a name with spaces around it", named(" padded "), modern("Mcp-Name", encoded(" padded ")), ""},
		{"a name that looks encoded", named("=?base64?literal?="), modern("Mcp-Name", encoded("=?base64?literal?=")), ""},
		{"a plain name, encoded", modernCall, modern("Mcp-Name", encoded("echo")), ""},
		{"marks in capitals are no marks", named("=?BASE64?ZWNobw==?="), modern("Mcp-Name", "=?BASE64?ZWNobw==?="), ""},
		{"half the marks are none", named("=?base64?="), modern("Mcp-Name", "=?base64?="), ""},
		{"no name in the message: the upstream's to refuse", strings.Replace(modernCall, `"name":"echo",`, "", 1), modern(), ""},
		{"an empty name", named(""), modern(), ""},
		{"legacy, without headers", legacyCall, nil, ""},
		{"legacy, with its version", legacyCall, headerOf(version, "2025-11-25"), ""},
		{"legacy, with headers that are right", legacyCall, headerOf(version, "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "echo"), ""},
		{"a notification", `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, headerOf(version, "2026-07-28"), ""},
		{"a response", `{"jsonrpc":"2.0","id":1,"result":{}}`, headerOf(version, "2025-11-25"), ""},

		{"another name", modernCall, modern("Mcp-Name", "safe"), "not the name"},
		{"a name in other letters", modernCall, modern("Mcp-Name", "Echo"), "not the name"},
		{"a name that a decoder would make of it", modernCall, modern("Mcp-Name", "=?BASE64?ZWNobw==?="), "not the name"},
		{"another name, encoded", modernCall, modern("Mcp-Name", encoded("safe")), "not the name"},
		{"encoded twice", modernCall, modern("Mcp-Name", encoded(encoded("echo"))), "not the name"},
		{"Base64 without padding", modernCall, modern("Mcp-Name", "=?base64?ZWNobw?="), "Base64"},
		{"Base64 of URLs", named("??>"), modern("Mcp-Name", "=?base64?Pz8-?="), "Base64"},
		{"Base64 with bits left over", modernCall, modern("Mcp-Name", "=?base64?ZWNobx==?="), "Base64"},
		{"no Base64", modernCall, modern("Mcp-Name", "=?base64?e c h o?="), "Base64"},
		{"a name that does not come in the message", strings.Replace(modernCall, `"name":"echo",`, "", 1), modern("Mcp-Name", "echo"), "not the name"},
		{"another method", modernCall, headerOf(version, "2026-07-28", "Mcp-Method", "tools/list", "Mcp-Name", "echo"), "not the method"},
		{"a method in other letters", modernCall, headerOf(version, "2026-07-28", "Mcp-Method", "Tools/Call", "Mcp-Name", "echo"), "not the method"},
		{"an encoded method", modernCall, headerOf(version, "2026-07-28", "Mcp-Method", encoded("tools/call"), "Mcp-Name", "echo"), "not the method"},
		{"a method with a response", `{"jsonrpc":"2.0","id":1,"result":{}}`, headerOf("Mcp-Method", "tools/call"), "not the method"},
		{"a method with another notification", `{"jsonrpc":"2.0","method":"notifications/cancelled"}`, headerOf("Mcp-Method", "tools/call"), "not the method"},
		{"another version", modernCall, headerOf(version, "2025-11-25", "Mcp-Method", "tools/call", "Mcp-Name", "echo"), "not the version"},
		{"an empty version", modernCall, headerOf(version, "", "Mcp-Method", "tools/call", "Mcp-Name", "echo"), "not the version"},
		{"modern headers with a legacy version", legacyCall, headerOf(version, "2025-06-18", "Mcp-Method", "tools/call", "Mcp-Name", "safe"), "not the name"},
		{"modern headers without a version", legacyCall, headerOf("Mcp-Name", "safe"), "not the name"},
		{"version missing", modernCall, headerOf("Mcp-Method", "tools/call", "Mcp-Name", "echo"), "MCP-Protocol-Version header is missing"},
		{"method missing", modernCall, headerOf(version, "2026-07-28", "Mcp-Name", "echo"), "Mcp-Method header is missing"},
		{"name missing", modernCall, modern(), "Mcp-Name header is missing"},
		{"all missing", modernCall, nil, "missing"},
		{"missing with a version that nobody knows", legacyCall, headerOf(version, "DRAFT-2026"), "Mcp-Method header is missing"},
		{"a name twice", modernCall, modern("Mcp-Name", "echo", "Mcp-Name", "safe"), "more than once"},
		{"the same name twice", modernCall, modern("Mcp-Name", "echo", "Mcp-Name", "echo"), "more than once"},
		{"a method twice", legacyCall, headerOf("Mcp-Method", "tools/call", "Mcp-Method", "tools/call"), "more than once"},
		{"a version twice", legacyCall, headerOf(version, "2025-11-25", version, "2026-07-28"), "more than once"},
		{"a name of octets", named("\u00e9"), modern("Mcp-Name", "\u00e9"), "character"},
		{"a control character", modernCall, modern("Mcp-Name", "echo\x00"), "character"},
		{"a line end", modernCall, modern("Mcp-Name", "echo\n"), "character"},
		{"an octet for another method's name", list, headerOf(version, "2026-07-28", "Mcp-Method", "tools/list", "Mcp-Name", "\xff"), "character"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mcp.Read([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			err = m.CheckHeader(tt.header)
			if tt.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if e, ok := errors.AsType[*mcp.Error](err); !ok || e.Code != mcp.CodeHeaderMismatch || !strings.Contains(e.Text, tt.text) {
				t.Errorf("got %v, want -32020 and a text with %q", err, tt.text)
			}
		})
	}
}

func TestS71_CheckContent(t *testing.T) {
	const kind, encoding = "Content-Type", "Content-Encoding"
	for _, tt := range []struct {
		name   string
		header http.Header
		ok     bool
	}{
		{"nothing", nil, true},
		{"JSON", headerOf(kind, "application/json"), true},
		{"UTF-8", headerOf(kind, `application/json; charset="UTF-8"`), true},
		{"another spelling", headerOf(kind, "application/json;charset=utf8; profile=x"), true},
		{"as it is", headerOf(encoding, "identity"), true},
		{"UTF-7", headerOf(kind, "application/json; charset=utf-7"), false},
		{"UTF-16", headerOf(kind, "application/json; charset=UTF-16LE"), false},
		{"Latin 1", headerOf(kind, "application/json; Charset=iso-8859-1"), false},
		{"an extended parameter", headerOf(kind, "application/json; charset*=us-ascii''utf-7"), false},
		{"two character sets", headerOf(kind, "application/json; charset=utf-8; charset=utf-7"), false},
		{"two types", headerOf(kind, "application/json", kind, "application/json; charset=utf-7"), false},
		{"no type", headerOf(kind, "application/json; charset"), false},
		{"compressed", headerOf(encoding, "gzip"), false},
		{"compressed after all", headerOf(encoding, "identity", encoding, "br"), false},
		{"a list", headerOf(encoding, "identity, br"), false},
	} {
		if err := mcp.CheckContent(tt.header); (err == nil) != tt.ok {
			t.Errorf("%s: %v, want it to pass: %v", tt.name, err, tt.ok)
		}
	}
}
