package mcp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
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
