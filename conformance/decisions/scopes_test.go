package decisions

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
	"durward/runtime"
)

// The sample server's tools as a route asks for scopes by them: echo needs what every call needs, count more than that,
// and add more still.
const (
	inbound = `"inbound": ["clerk"]
          }`
	scopes = `,
          "scopes": {"route": ["sums:read"], "tools": {"count": ["sums:count"], "add": ["sums:count", "sums:write"]}}`
)

func declared() map[string]any {
	return map[string]any{"scopes": map[string]any{
		"sums:read":  map[string]any{"description": "See sums"},
		"sums:count": map[string]any{"description": "Count for you"},
		"sums:write": map[string]any{"description": "Add numbers for you"},
		"sums:all":   map[string]any{"includes": []string{"sums:read", "sums:count", "sums:write"}},
	}}
}

// arguments are good ones for the sample's tools.
var arguments = map[string]string{"echo": `{"text":"a"}`, "count": `{"steps":1,"intervalMs":1}`, "add": `{"a":1,"b":2}`}

// use calls a tool and answers what the gateway says.
func use(t *testing.T, c *gateway.Client, token, tool string) *http.Response {
	t.Helper()
	resp, err := c.Send(t.Context(), token, tool, arguments[tool])
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

// challenged answers the scopes that a challenge names.
func challenged(resp *http.Response) []string {
	_, rest, _ := strings.Cut(resp.Header.Get("WWW-Authenticate"), `scope="`)
	list, _, _ := strings.Cut(rest, `"`)
	return strings.Fields(list)
}

// again has the person allow a client once more, with these scopes, and answers what the page says and the new token.
func again(t *testing.T, c *gateway.Client, p *gateway.Person, scopes ...string) (page, token string) {
	t.Helper()
	verifier := oauth2.GenerateVerifier()
	asked, err := p.Open(t.Context(), c.AuthorizeURL(verifier)+"&scope="+url.QueryEscape(strings.Join(scopes, " ")))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Finish(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Redeem(t.Context(), answer.Get("code"), verifier); err != nil {
		t.Fatal(err)
	}
	return asked.Text, c.Tokens.AccessToken
}

// S83, S84: a client that is told what a call needs gets it with one more consent, and loses nothing of what it had.
func TestStepUp(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.SetOption(t, "gateway", declared())
		g.Save("routes.oas.json", strings.Replace(g.Read("routes.oas.json"), inbound, inbound+scopes, 1))
	})
	p := g.Person(t, "Ada Lovelace")
	c, err := g.Register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	baseline := []string{"mcp:tools", "sums:read"}
	if resp := use(t, c, "none", "add"); resp.StatusCode != http.StatusUnauthorized || !slices.Equal(challenged(resp), baseline) {
		t.Fatalf("a stranger: %s, challenge %q", resp.Status, resp.Header.Get("WWW-Authenticate"))
	}
	page, first := again(t, c, p, baseline...)
	if !strings.Contains(page, "See sums") || strings.Contains(page, "more than usual") {
		t.Errorf("the first consent page: %s", page)
	}
	refresh := *c

	// What is decided on is the tool, and each tool once.
	before := countOf(g, "scope.refused")
	wantCounts(t, "calls of two tools", counted(t, g, func() {
		for range 3 {
			if resp := use(t, c, first, "echo"); resp.StatusCode != http.StatusOK {
				t.Errorf("a tool that needs no more: %s", resp.Status)
			}
			resp := use(t, c, first, "add")
			want := []string{"mcp:tools", "sums:read", "sums:count", "sums:write"}
			if resp.StatusCode != http.StatusForbidden || !slices.Equal(challenged(resp), want) ||
				!strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="insufficient_scope"`) {
				t.Errorf("a tool that needs more: %s, challenge %q", resp.Status, resp.Header.Get("WWW-Authenticate"))
			}
		}
	}), counts{"evaluated": 2, "cached": 4})
	if n := countOf(g, "scope.refused") - before; n != 1 {
		t.Errorf("%d entries scope.refused in the audit, want one", n)
	}

	page, second := again(t, c, p, challenged(use(t, c, first, "add"))...)
	for _, part := range []string{"See sums", "more than usual", "Count for you", "Add numbers for you"} {
		if !strings.Contains(page, part) {
			t.Errorf("the second consent page does not say %q: %s", part, page)
		}
	}
	for token, tools := range map[string][]string{first: {"echo"}, second: {"echo", "count", "add"}} {
		for _, tool := range tools {
			if resp := use(t, c, token, tool); resp.StatusCode != http.StatusOK {
				t.Errorf("%s with a token that covers it: %s", tool, resp.Status)
			}
		}
	}
	if err := refresh.Refresh(t.Context()); err != nil {
		t.Errorf("the first grant: %v", err)
	}
	if resp := use(t, c, refresh.Tokens.AccessToken, "count"); resp.StatusCode != http.StatusForbidden {
		t.Errorf("the first grant has become more: %s", resp.Status)
	}
	_, all := again(t, c, p, "sums:all")
	if resp := use(t, c, all, "add"); resp.StatusCode != http.StatusOK {
		t.Errorf("a scope that includes those that are needed: %s", resp.Status)
	}

	// What routes ask for holds at once, for tokens that are there already, too.
	g.Edit("routes.oas.json", `"route": ["sums:read"]`, `"route": ["sums:write"]`, runtime.Applied)
	for token, want := range map[string]int{first: http.StatusForbidden, second: http.StatusOK, all: http.StatusOK} {
		if resp := use(t, c, token, "echo"); resp.StatusCode != want {
			t.Errorf("after the route asks for more: %s, want %d", resp.Status, want)
		}
	}
}

func countOf(g *gateway.Gateway, event string) int {
	return len(g.Log.Lines(func(l gateway.Line) bool { return l.Field("event") == event }))
}

// S71, S72: a token reaches no tool that it does not cover, however the call is dressed up. The MCP server behind this
// gateway believes everything that it is told.
func TestDressedUpCalls(t *testing.T) {
	var reached atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		reached.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{}}`) // the gateway has left: nobody is there to be told
	}))
	t.Cleanup(upstream.Close)
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL)
		g.SetOption(t, "gateway", declared())
		g.Save("routes.oas.json", strings.Replace(g.Read("routes.oas.json"), inbound, inbound+scopes, 1))
	})
	c := g.MustLogin(t)
	send := func(method, body string, header ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, g.MCP(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+c.Tokens.AccessToken)
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		resp, err := g.Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp
	}
	const bare, modern = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"add","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}`
	calling := func(member string) string { return strings.Replace(bare, `"name":"add"`, member, 1) }
	for _, tt := range []struct {
		name, method, body string
		header             []string
		status             int
	}{
		{"as it is", "POST", bare, nil, 403},
		{"in escapes", "POST", calling(`"n\u0061me":"\u0061dd"`), nil, 403},
		{"as a notification", "POST", strings.Replace(bare, `"id":1,`, "", 1), nil, 403},
		{"the name of a harmless tool in the header", "POST", modern, []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "echo"}, 400},
		{"the same, of a legacy client", "POST", bare, []string{"MCP-Protocol-Version", "2025-11-25", "Mcp-Name", "echo"}, 400},
		{"a harmless method in the header", "POST", modern, []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/list", "Mcp-Name", "add"}, 400},
		{"without the headers", "POST", modern, nil, 400},
		{"the header in Base64", "POST", modern, []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "=?base64?YWRk?="}, 403},
		{"a harmless tool with the name in the header", "POST", calling(`"name":"echo"`), []string{"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "add"}, 400},
		{"two names", "POST", calling(`"name":"echo","name":"add"`), nil, 400},
		{"two names, one in odd case", "POST", calling(`"name":"echo","Name":"add"`), nil, 400},
		{"params twice, once with a long s", "POST", strings.Replace(bare, `"params"`, `"params":{"name":"echo"},"paramſ"`, 1), nil, 400},
		{"a name in a list", "POST", calling(`"name":["add"]`), nil, 400},
		{"a batch", "POST", "[" + bare + "]", nil, 400},
		{"after another message", "POST", `{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n" + bare, nil, 400},
		{"in another character set", "POST", calling(`"name":"+AGEAZABk-"`), []string{"Content-Type", "application/json; charset=utf-7"}, 415},
		{"with a method that brings no message", "DELETE", bare, nil, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := reached.Load()
			if resp := send(tt.method, tt.body, tt.header...); resp.StatusCode != tt.status || reached.Load() != before {
				t.Errorf("%s, want %d; %d calls reached the MCP server", resp.Status, tt.status, reached.Load()-before)
			}
		})
	}
	for name, body := range map[string]string{
		"another tool":              calling(`"name":"echo"`),
		"a prompt of the name":      strings.Replace(bare, "tools/call", "prompts/get", 1),
		"an answer to the server":   `{"jsonrpc":"2.0","id":1,"result":{"name":"add"}}`,
		"the name as an argument":   calling(`"name":"echo","arguments":{"name":"add","Name":"add"}`),
		"the end of a call, legacy": `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`,
	} {
		before := reached.Load()
		if resp := send("POST", body); resp.StatusCode != http.StatusOK || reached.Load() == before {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	for _, method := range []string{"GET", "DELETE"} {
		if resp := send(method, ""); resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusBadRequest {
			t.Errorf("%s: %s", method, resp.Status)
		}
	}
}
