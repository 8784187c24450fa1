package mcp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"durward/runtime/internal/mcp"
)

// FuzzRead holds Read against encoding/json: what Read accepts is valid JSON, one value, and says the same there.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,-2.5e3,"\u00e9",null]}}}`,
		`{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"file:\/\/\/a","_meta":{}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"x"}}`,
		`{"jsonrpc":"2.0","id":1,"result":{}} `,
		`{"jsonrpc":"2.0","id":1,"method":"m","paramſ":{},"params":null}`,
		`{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","x":{}}}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["echo"]}}`,
		`[{}]`, `{"a":{"a":{"a":[[[]]]}}}`, "{\"\\ud800\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		got, err := mcp.Read(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(body))
		var members map[string]json.RawMessage
		if err := dec.Decode(&members); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			t.Fatalf("accepted more than one value: %v", err)
		}
		if want := text(t, members["method"]); got.Method != want {
			t.Errorf("method %q, want %q", got.Method, want)
		}
		if id := members["id"]; string(id) != "null" && !bytes.Equal(got.ID, id) {
			t.Errorf("id %s, want %s", got.ID, id)
		}
		var params map[string]json.RawMessage
		if p := members["params"]; p != nil {
			if err := json.Unmarshal(p, &params); err != nil {
				t.Fatalf("params: %v", err)
			}
		}
		want := ""
		switch got.Method {
		case "tools/call", "prompts/get":
			want = text(t, params["name"])
		case "resources/read":
			want = text(t, params["uri"])
		}
		if got.Name != want {
			t.Errorf("name %q, want %q", got.Name, want)
		}
		var meta map[string]json.RawMessage
		if p := params["_meta"]; strings.HasPrefix(string(p), "{") {
			if err := json.Unmarshal(p, &meta); err != nil {
				t.Fatalf("_meta: %v", err)
			}
		}
		if want := text(t, meta["io.modelcontextprotocol/protocolVersion"]); got.Version != want {
			t.Errorf("version %q, want %q", got.Version, want)
		}
	})
}

// text answers a JSON string's text, and "" for any other value.
func text(t *testing.T, raw json.RawMessage) (s string) {
	if strings.HasPrefix(string(raw), `"`) {
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// FuzzHeader holds CheckHeader against the rules the other way round: what headers would have to say is made of the
// message, where CheckHeader makes of the headers what the message would have to say.
func FuzzHeader(f *testing.F) {
	for _, seed := range []struct{ body, version, method, name string }{
		{modernCall, "2026-07-28", "tools/call", "echo"},
		{modernCall, "2026-07-28", "tools/call", "=?base64?ZWNobw==?="},
		{modernCall, "2026-07-28", "Tools/Call", "safe"},
		{legacyCall, "2025-11-25", "", ""},
		{legacyCall, "", "tools/call", " echo\t"},
		{named(`=?base64?ZWNobw==?=`), "2026-07-28", "tools/call", "=?base64?ZWNobw==?="},
		{named(`\u00e9`), "2026-07-28", "tools/call", "=?base64?w6k=?="},
		{`{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"file:///a"}}`, "2026-07-28", "resources/read", "file:///a"},
		{`{"jsonrpc":"2.0","method":"notifications/cancelled"}`, "2026-07-28", "\xff", "\n"},
		{`{"jsonrpc":"2.0","id":1,"result":{}}`, "DRAFT", "", "=?base64?="},
	} {
		f.Add([]byte(seed.body), seed.version, seed.method, seed.name, uint8(0))
		f.Add([]byte(seed.body), seed.version, seed.method, seed.name, uint8(5))
	}
	f.Fuzz(func(t *testing.T, body []byte, version, method, name string, absent uint8) {
		m, err := mcp.Read(body)
		if err != nil {
			return
		}
		given := map[string]string{"Mcp-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name}
		for i, key := range []string{"Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name"} {
			if absent&(1<<i) != 0 {
				delete(given, key)
			}
		}
		h := http.Header{}
		for key, value := range given {
			h[key] = []string{value}
		}
		err = m.CheckHeader(h)
		if want := agree(m, given); (err == nil) != want {
			t.Errorf("%s with %q: %v, want agreement: %v", body, given, err, want)
		}
	})
}

// agree says whether headers say what the message says.
func agree(m mcp.Message, given map[string]string) bool {
	trimmed := map[string]string{}
	for key, value := range given {
		trimmed[key] = strings.Trim(value, " \t")
		for _, b := range []byte(trimmed[key]) {
			if b != '\t' && (b < 0x20 || b > 0x7e) {
				return false
			}
		}
	}
	version, hasVersion := trimmed["Mcp-Protocol-Version"]
	method, hasMethod := trimmed["Mcp-Method"]
	name, hasName := trimmed["Mcp-Name"]
	named := m.Method == "tools/call" || m.Method == "prompts/get" || m.Method == "resources/read"
	plain := name == m.Name && (len(name) < 11 || !strings.HasPrefix(name, "=?base64?") || !strings.HasSuffix(name, "?="))
	switch {
	case hasVersion && m.Version != "" && version != m.Version:
		return false
	case hasMethod && method != m.Method:
		return false
	case named && hasName && !plain && name != encoded(m.Name):
		return false
	case m.Request() && (version >= "2026-07-28" || m.Version >= "2026-07-28"):
		return hasVersion && hasMethod && (hasName || m.Name == "")
	}
	return true
}
