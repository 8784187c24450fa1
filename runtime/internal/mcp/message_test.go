package mcp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"durward/runtime/internal/mcp"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       mcp.Message
	}{
		{"request", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/list"}},
		{"id as text, members in any order, white space", "\r\n{ \"method\" : \"ping\" ,\t\"id\":\"a\\u0062\", \"jsonrpc\":\"2.0\" }\n",
			mcp.Message{ID: json.RawMessage(`"a\u0062"`), Method: "ping"}},
		{"negative id", `{"jsonrpc":"2.0","id":-7,"method":"ping"}`,
			mcp.Message{ID: json.RawMessage("-7"), Method: "ping"}},
		{"notification", `{"jsonrpc":"2.0","method":"notifications/initialized","params":null}`,
			mcp.Message{Method: "notifications/initialized", Notification: true}},
		{"result", `{"jsonrpc":"2.0","id":3,"result":{"action":"accept"}}`,
			mcp.Message{ID: json.RawMessage("3")}},
		{"error", `{"jsonrpc":"2.0","id":3,"error":{"code":-1,"message":"no"}}`,
			mcp.Message{ID: json.RawMessage("3")}},
		{"error about nothing known", `{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}`,
			mcp.Message{}},
		{"tool, params before method", `{"jsonrpc":"2.0","params":{"arguments":{"name":"x","name":"y"},"name":"echo"},"method":"tools/call","id":1}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/call", Name: "echo"}},
		{"prompt", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"p","uri":"u"}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "prompts/get", Name: "p"}},
		{"resource", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"name":"p","uri":"file:///a"}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "resources/read", Name: "file:///a"}},
		{"a name that is none", `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"name":"p","uri":"u"}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/list"}},
		{"S71 escapes mean what they stand for", `{"jsonrpc":"2.0","id":1,"m\u0065thod":"tools\/call","params":{"n\u0061me":"d\u00e9j\u00e0"}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/call", Name: "déjà"}},
		{"odd case deeper down is nobody's business", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"Name":1,"name":2}}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/call", Name: "n"}},
		{"every kind of value", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":[true,false,null,0,-0.5e+3,1E9,"\"\\\/\b\f\n\r\t",{},[]]}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "m"}},
		{"half a surrogate in an argument", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"n","arguments":{"text":"\ud83d"}}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/call", Name: "n"}},
		{"a revision", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":1,"io.modelcontextprotocol\/protocolVersion":"2026-07-28"}}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "m", Version: "2026-07-28"}},
		{"a revision elsewhere is none", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","_meta":null}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "m"}},
		{"odd case in what is said of others", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"X":1,"x":2,"x":3}}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "m"}},
		{"null for a name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":null,"uri":7}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "tools/call"}},
		{"a name of another kind where none is meant", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"name":{"first":"a"},"uri":[1]}}`,
			mcp.Message{ID: json.RawMessage("1"), Method: "m"}},
		{"as deep as allowed", nested(mcp.MaxDepth - 2),
			mcp.Message{ID: json.RawMessage("1"), Method: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := mcp.Read([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestS71_ReadRefuses(t *testing.T) {
	const parse, invalid = mcp.CodeParse, mcp.CodeInvalidRequest
	for _, tt := range []struct {
		name, body string
		code       int
		text       string
	}{
		{"nothing", "", parse, "not a JSON object"},
		{"text", `"ping"`, parse, "not a JSON object"},
		{"byte order mark", "\ufeff" + `{"jsonrpc":"2.0","method":"m"}`, parse, "not a JSON object"},
		{"not UTF-8", "{\"jsonrpc\":\"2.0\",\"method\":\"m\xff\"}", parse, "not UTF-8"},
		{"cut", `{"jsonrpc":"2.0","method":"m"`, parse, "ends too early"},
		{"two messages", `{"jsonrpc":"2.0","method":"m"} {"jsonrpc":"2.0","method":"m"}`, parse, "goes on"},
		{"rest behind the message", `{"jsonrpc":"2.0","method":"m"}}`, parse, "goes on"},
		{"batch", `[{"jsonrpc":"2.0","id":1,"method":"m"}]`, invalid, "batches"},
		{"trailing comma", `{"jsonrpc":"2.0","method":"m",}`, parse, "not valid"},
		{"leading zero", `{"jsonrpc":"2.0","method":"m","params":{"a":01}}`, parse, "not valid"},
		{"no digit", `{"jsonrpc":"2.0","method":"m","params":{"a":1.}}`, parse, "not valid"},
		{"odd word", `{"jsonrpc":"2.0","method":"m","params":{"a":nul}}`, parse, "not valid"},
		{"control character", "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":\"\n\"}}", parse, "not valid"},
		{"unknown escape", `{"jsonrpc":"2.0","method":"m","params":{"a":"\x41"}}`, parse, "not valid"},
		{"short escape", `{"jsonrpc":"2.0","method":"m","params":{"a":"\u00g0"}}`, parse, "not valid"},
		{"comment", `{"jsonrpc":"2.0",/**/"method":"m"}`, parse, "not valid"},
		{"version missing", `{"id":1,"method":"m"}`, invalid, "jsonrpc"},
		{"version 1.0", `{"jsonrpc":"1.0","id":1,"method":"m"}`, invalid, "jsonrpc"},
		{"version as a number", `{"jsonrpc":2.0,"id":1,"method":"m"}`, invalid, "must be a string"},
		{"method as a number", `{"jsonrpc":"2.0","id":1,"method":1}`, invalid, "must be a string"},
		{"method empty", `{"jsonrpc":"2.0","id":1,"method":""}`, invalid, "method is empty"},
		{"neither request nor response", `{"jsonrpc":"2.0","id":1}`, invalid, "has a method"},
		{"result without an id", `{"jsonrpc":"2.0","result":{}}`, invalid, "has a method"},
		{"request and response at once", `{"jsonrpc":"2.0","id":1,"method":"m","result":{}}`, invalid, "not both"},
		{"result and error", `{"jsonrpc":"2.0","id":1,"result":{},"error":{}}`, invalid, "not both"},
		{"request with id null", `{"jsonrpc":"2.0","id":null,"method":"m"}`, invalid, "id of a request"},
		{"id with a fraction", `{"jsonrpc":"2.0","id":1.0,"method":"m"}`, invalid, "id must be"},
		{"id as an object", `{"jsonrpc":"2.0","id":{},"method":"m"}`, invalid, "id must be"},
		{"params as an array", `{"jsonrpc":"2.0","id":1,"method":"m","params":[1]}`, invalid, "params must be"},
		{"method twice", `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`, invalid, "twice"},
		{"method twice, once escaped", `{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}`, invalid, "twice"},
		{"name twice", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","name":"dangerous"}}`, invalid, "twice"},
		{"unknown key twice", `{"jsonrpc":"2.0","id":1,"method":"m","x":1,"x":2}`, invalid, "twice"},
		{"Method", `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, invalid, "odd case"},
		{"PARAMS", `{"jsonrpc":"2.0","id":1,"method":"m","PARAMS":{}}`, invalid, "odd case"},
		{"long s in params", `{"jsonrpc":"2.0","id":1,"method":"m","paramſ":{}}`, invalid, "odd case"},
		{"long s, escaped", `{"jsonrpc":"2.0","id":1,"method":"m","param\u017f":{}}`, invalid, "odd case"},
		{"Name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","Name":"dangerous"}}`, invalid, "odd case"},
		{"Arguments", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","Arguments":{}}}`, invalid, "odd case"},
		{"half a surrogate in the name", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\ud83d"}}`, invalid, "not text"},
		{"half a surrogate in a key", `{"jsonrpc":"2.0","id":1,"method":"m","\udc00":1}`, invalid, "not text"},
		{"a name that ends early for some", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"dangerous\u0000"}}`, invalid, "not text"},
		{"a key that ends early for some", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"safe","name\u0000":"dangerous"}}`, invalid, "not text"},
		{"a key of the message that ends early for some", `{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000x":"tools/call"}`, invalid, "not text"},
		{"a revision that ends early for some", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion\u0000":"2026-07-28"}}}`, invalid, "not text"},
		{"a method that ends early for some", `{"jsonrpc":"2.0","id":1,"method":"tools/call\u0000","params":{"name":"dangerous"}}`, invalid, "not text"},
		{"a name in a list", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["dangerous"]}}`, mcp.CodeInvalidParams, "must be a string"},
		{"a name in an object", `{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":{"toString":"dangerous"}}}`, mcp.CodeInvalidParams, "must be a string"},
		{"a number for a URI", `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":1}}`, mcp.CodeInvalidParams, "must be a string"},
		{"revision twice", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2025-11-25","io.modelcontextprotocol\/protocolVersion":"2026-07-28"}}}`, invalid, "twice"},
		{"revision in odd case", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolversion":"2026-07-28"}}}`, invalid, "odd case"},
		{"revision as a number", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":2026}}}`, invalid, "must be a string"},
		{"Kelvin sign", `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"io.modelcontextprotocol/protoco\u212aVersion":""},"\u212a":1}, "\u017fx": 1, "re\u017fult": {}}`, invalid, "odd case"},
		{"one too deep", nested(mcp.MaxDepth - 1), invalid, "too deeply"},
		{"deep and never closed", strings.Repeat(`{"a":`, 1<<16), invalid, "too deeply"},
		{"too many members", `{` + members(mcp.MaxMembers) + `,"jsonrpc":"2.0","method":"m"}`, invalid, "too many"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := mcp.Read([]byte(tt.body))
			e, ok := errors.AsType[*mcp.Error](err)
			if !ok {
				t.Fatalf("got %+v, %v; want an *Error", m, err)
			}
			if e.Code != tt.code || !strings.Contains(e.Text, tt.text) {
				t.Errorf("got %d %q, want %d and a text with %q", e.Code, e.Text, tt.code, tt.text)
			}
			if diff := cmp.Diff(mcp.Message{}, m); diff != "" {
				t.Error("something was read:", diff)
			}
		})
	}
}

func TestReadKeepsTheBytes(t *testing.T) {
	body := []byte(`{"jsonrpc":"2.0","id":"x\u0041","method":"tools/call","params":{"n\u0061me":"a"}}`)
	before := string(body)
	if _, err := mcp.Read(body); err != nil {
		t.Fatal(err)
	}
	if string(body) != before {
		t.Errorf("the body became %s", body)
	}
}

// nested answers a request with depth objects inside its params.
func nested(depth int) string {
	return `{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":` +
		strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) + `}}`
}

func members(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	return strings.Join(list, ",")
}

func TestListens(t *testing.T) {
	for body, want := range map[string]bool{
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen"}`:  true,
		`{"jsonrpc":"2.0","id":1,"method":"subscriptions\/listen"}`: true,
		`{"jsonrpc":"2.0","method":"subscriptions/listen"}`:         false,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call"}`:            false,
		`{"jsonrpc":"2.0","id":1,"result":{}}`:                      false,
	} {
		m, err := mcp.Read([]byte(body))
		if err != nil || m.Listens() != want {
			t.Errorf("%s: listens %v, %v, want %v", body, m.Listens(), err, want)
		}
	}
}
