package sample_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"durward/cmd/durward/demo/sample"
)

const (
	withSessions    = "2025-11-25"
	withoutSessions = "2026-07-28"
)

func start(t *testing.T) *httptest.Server {
	t.Helper()
	s := sample.New(sample.Options{})
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		server.Close()
	})
	return server
}

// seen records the requests of a client.
type seen struct {
	mu      sync.Mutex
	methods []string
	session bool
}

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.methods = append(s.methods, r.Method)
	s.session = s.session || r.Header.Get("Mcp-Session-Id") != ""
	s.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

func TestD8_BothErasWithTheSDKsClient(t *testing.T) {
	for _, version := range []string{"2025-03-26", "2025-06-18", withSessions, withoutSessions} {
		t.Run(version, func(t *testing.T) {
			server := start(t)
			var steps []float64
			progressed := make(chan float64, 10)
			client := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, &mcp.ClientOptions{
				ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) {
					progressed <- r.Params.Progress
				},
			})
			record := &seen{}
			session, err := client.Connect(t.Context(), &mcp.StreamableClientTransport{
				Endpoint: server.URL, HTTPClient: &http.Client{Transport: record}, MaxRetries: -1,
			}, &mcp.ClientSessionOptions{ProtocolVersion: version})
			if err != nil {
				t.Fatal(err)
			}
			if got := session.InitializeResult().ProtocolVersion; got != version {
				t.Errorf("speaks %s", got)
			}
			tools, err := session.ListTools(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, tool := range tools.Tools {
				names = append(names, tool.Name)
			}
			if diff := cmp.Diff([]string{"add", "count", "echo"}, names); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
			call := func(name string, arguments map[string]any) string {
				t.Helper()
				params := &mcp.CallToolParams{Name: name, Arguments: arguments, Meta: mcp.Meta{}}
				params.SetProgressToken("token-" + name)
				result, err := session.CallTool(t.Context(), params)
				if err != nil {
					t.Fatal(err)
				}
				return result.Content[0].(*mcp.TextContent).Text
			}
			if got := call("echo", map[string]any{"text": "hello ☎"}); got != "hello ☎" {
				t.Errorf("echo: %q", got)
			}
			if got := call("add", map[string]any{"a": 1.5, "b": 2}); got != "3.5" {
				t.Errorf("add: %q", got)
			}
			if got := call("count", map[string]any{"steps": 3, "intervalMs": 1}); got != "counted to 3" {
				t.Errorf("count: %q", got)
			}
			for range 3 {
				steps = append(steps, <-progressed)
			}
			if diff := cmp.Diff([]float64{1, 2, 3}, steps); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			if got := call("count", map[string]any{"steps": 0}); !strings.Contains(got, "steps must be 1 to") {
				t.Errorf("count to nothing: %q", got)
			}
			if err := session.Close(); err != nil {
				t.Error(err)
			}
			record.mu.Lock()
			defer record.mu.Unlock()
			methods := strings.Join(record.methods, " ")
			if legacy := version != withoutSessions; record.session != legacy ||
				strings.Contains(methods, "DELETE") != legacy || strings.Contains(methods, "GET") != legacy {
				t.Errorf("session id %v, requests %s", record.session, methods)
			}
		})
	}
}

// send posts body with the headers a client must send, and those given.
func send(t *testing.T, url, method, body string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestD8_EraIsChosenByTheRequest(t *testing.T) {
	server := start(t)
	list := func(version string) string {
		return `{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{` +
			`"io.modelcontextprotocol/protocolVersion":"` + version + `",` +
			`"io.modelcontextprotocol/clientCapabilities":{}}}}`
	}
	tests := map[string]struct {
		method, body string
		header       []string
		status, code int
	}{
		"GET without sessions":    {"GET", "", []string{"Mcp-Protocol-Version", withoutSessions}, 405, 0},
		"DELETE without sessions": {"DELETE", "", []string{"Mcp-Protocol-Version", withoutSessions}, 405, 0},
		"GET without a session":   {"GET", "", nil, 400, 0},
		"header and body": {
			"POST", list(withoutSessions), []string{"Mcp-Protocol-Version", withoutSessions, "Mcp-Method", "tools/list"}, 200, 0,
		},
		"D9 body alone":  {"POST", list(withoutSessions), nil, 400, -32020},
		"D9 header else": {"POST", list(withoutSessions), []string{"Mcp-Protocol-Version", withSessions}, 400, -32020},
		"unknown session": {
			"POST", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
			[]string{"Mcp-Protocol-Version", withSessions, "Mcp-Session-Id", "unknown"}, 404, 0,
		},
		"not JSON":  {"POST", `{`, nil, 400, 0},
		"too large": {"POST", strings.Repeat(" ", 5<<20), nil, 413, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			answer, body := send(t, server.URL, test.method, test.body, test.header...)
			if answer.StatusCode != test.status {
				t.Errorf("%s %s, want %d", answer.Status, body, test.status)
			}
			var fault struct{ Error struct{ Code int } }
			if test.code != 0 && (json.Unmarshal([]byte(body), &fault) != nil || fault.Error.Code != test.code) {
				t.Errorf("%s, want code %d", body, test.code)
			}
		})
	}
}

func TestD21_DeletedSessionsAreGone(t *testing.T) {
	server := start(t)
	answer, body := send(t, server.URL, "POST", `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{`+
		`"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`)
	id := answer.Header.Get("Mcp-Session-Id")
	if answer.StatusCode != 200 || id == "" {
		t.Fatalf("initialize: %s %s", answer.Status, body)
	}
	if answer, _ := send(t, server.URL, "DELETE", "", "Mcp-Session-Id", id); answer.StatusCode != 204 {
		t.Errorf("DELETE: %s", answer.Status)
	}
	answer, _ = send(t, server.URL, "POST", `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`, "Mcp-Session-Id", id)
	if answer.StatusCode != 404 {
		t.Errorf("after DELETE: %s", answer.Status)
	}
}
