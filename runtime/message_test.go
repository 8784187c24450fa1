package runtime_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/runtime"
)

// decidesByMessage has the policy of route "one" decide by the calls of a tool.
func decidesByMessage(w *world) {
	w.setup.policy("a").Vary = map[string]policies.Vary{
		"one": {Headers: []string{"Authorization"}, Methods: []string{"tools/call"}, Names: []string{"listed"}},
	}
}

// S71, S72, B9: what the upstream could take for another request than the one that is decided on goes no further. Whoever
// may not come in learns that first.
func TestS71_S72_MessagesThatMayNotPass(t *testing.T) {
	t.Parallel()
	w := start(t, decidesByMessage)
	const modern = `{"jsonrpc":"2.0","id":"a1","method":"tools/call","params":{"name":"listed",` +
		`"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	mirrored := []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "listed"}
	for _, tt := range []struct {
		name, method, body string
		header             []string
		status, code       int
		id                 string
	}{
		{"headers that agree", "POST", modern, mirrored, 200, 0, ""},
		{"another name in the header", "POST", modern, []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "safe"}, 400, -32020, `"a1"`},
		{"headers missing", "POST", modern, nil, 400, -32020, `"a1"`},
		{"modern headers with a legacy version", "POST", toolCall, []string{"MCP-Protocol-Version", "2025-11-25", "Mcp-Name", "safe"}, 400, -32020, "1"},
		{"a notification with another method", "POST", `{"jsonrpc":"2.0","method":"notifications/initialized"}`, []string{"Mcp-Method", "ping"}, 400, -32020, "null"},
		{"a name that is none", "POST", `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["listed"]}}`, nil, 400, -32602, "null"},
		{"no JSON", "POST", `{`, nil, 400, -32700, "null"},
		{"nothing", "POST", ``, nil, 400, -32700, "null"},
		{"odd case", "POST", `{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}`, nil, 400, -32600, "null"},
		{"another character set", "POST", toolCall, []string{"Content-Type", "application/json; charset=utf-7"}, 415, -32600, "null"},
		{"compressed", "POST", toolCall, []string{"Content-Encoding", "gzip"}, 415, -32600, "null"},
		{"a message with DELETE", "DELETE", toolCall, nil, 400, -32600, "null"},
		{"a message with GET", "GET", toolCall, nil, 400, -32600, "null"},
		{"DELETE", "DELETE", "", nil, 200, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := w.upstream.requests.Load()
			r := w.send(tt.method, "/mcp/one", tt.body, append([]string{"Authorization", "Bearer good"}, tt.header...)...)
			if r.status != tt.status {
				t.Fatalf("answered %d %s, want %d", r.status, r.body, tt.status)
			}
			reached := w.upstream.requests.Load() - before
			if tt.status == http.StatusOK {
				if reached != 1 {
					t.Error("it did not reach the upstream")
				}
				return
			}
			var answer struct {
				Version string          `json:"jsonrpc"`
				ID      json.RawMessage `json:"id"`
				Error   struct {
					Code int `json:"code"`
				} `json:"error"`
			}
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || answer.Version != "2.0" ||
				answer.Error.Code != tt.code || string(answer.ID) != tt.id {
				t.Errorf("%v: %s, want %d for %s", err, r.body, tt.code, tt.id)
			}
			if reached != 0 {
				t.Error("it reached the upstream")
			}
			refused := w.send(tt.method, "/mcp/one", tt.body, append([]string{"Authorization", "Bearer refused"}, tt.header...)...)
			if refused.status != http.StatusUnauthorized {
				t.Errorf("with a credential that is refused: answered %d %s", refused.status, refused.body)
			}
		})
	}
}

// S71: messages come to post, and only there can anybody decide by them. Another operation of the path leads to the same
// upstream and takes none, though nobody decides by messages there.
func TestS71_OtherOperationsTakeNoMessage(t *testing.T) {
	t.Parallel()
	w := start(t, decidesByMessage)
	var routes map[string]any
	if err := json.Unmarshal(w.files["routes.oas.json"].Data, &routes); err != nil {
		t.Fatal(err)
	}
	path := routes["paths"].(map[string]any)["/mcp/one"].(map[string]any)
	for _, method := range []string{"get", "delete"} {
		path[method] = map[string]any{
			"operationId": "one-" + method, "x-zuplo-route": path["post"].(map[string]any)["x-zuplo-route"],
		}
	}
	text, err := json.Marshal(routes)
	if err != nil {
		t.Fatal(err)
	}
	w.files["routes.oas.json"] = &fstest.MapFile{Data: text}
	w.reload(runtime.Applied, nil)
	for _, tt := range []struct {
		method, body string
		status       int
	}{
		{"GET", toolCall, 400}, {"DELETE", toolCall, 400}, {"GET", "", 200}, {"DELETE", "", 200}, {"POST", toolCall, 200},
	} {
		before := w.upstream.requests.Load()
		got := w.send(tt.method, "/mcp/one", tt.body, "Authorization", "Bearer good")
		if reached := w.upstream.requests.Load() != before; got.status != tt.status || reached != (tt.status == 200) {
			t.Errorf("%s of %d bytes: answered %d %s, reached the upstream: %v", tt.method, len(tt.body), got.status, got.body, reached)
		}
	}
}

// Where nobody decides by the message, it is the upstream's alone.
func TestMessagesThatNobodyDecidesBy(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for name, r := range map[string]reply{
		"no JSON":                    w.send("POST", "/mcp/one", `{`, "Authorization", "Bearer good"),
		"another name in the header": w.send("POST", "/mcp/one", toolCall, "Authorization", "Bearer good", "Mcp-Name", "safe"),
	} {
		if r.status != http.StatusOK {
			t.Errorf("%s: answered %d %s", name, r.status, r.body)
		}
	}
}

// A name counts with the methods that are listed: a prompt is no tool, whatever it is called.
func TestNamesCountWithListedMethods(t *testing.T) {
	t.Parallel()
	w := start(t, decidesByMessage)
	for _, tt := range []struct{ method, name, wantMethod, wantName string }{
		{"tools/call", "listed", "tools/call", "listed"},
		{"tools/call", "other", "tools/call", ""},
		{"prompts/get", "listed", "", ""},
		{"ping", "listed", "", ""},
	} {
		body := strings.NewReplacer("tools/call", tt.method, "NAME", tt.name).Replace(toolCall)
		a := w.arrived(w.send("POST", "/mcp/one", body, "Authorization", "Bearer good"))
		var got policies.Request
		if err := json.Unmarshal([]byte(a.Header.Get("X-Seen")), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{tt.wantMethod, tt.wantName}, []string{got.Method, got.Name}); diff != "" {
			t.Errorf("%s %s: the policy was asked about (-want +got):\n%s", tt.method, tt.name, diff)
		}
	}
}
