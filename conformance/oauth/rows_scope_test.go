package oauth

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
)

// The rows on scopes play at the policy scoped: see local_test.go for its scopes and what its route needs.

func scopeRows() []row {
	return []row{
		{
			id: "B7", holds: "a token that is not enough for a call is 403 insufficient_scope, which names in one challenge all that is needed and all that was granted",
			in: local, play: namesAllThatIsNeeded,
			breaks: []edit{{"policies/oauth/stepup.go", `once(slices.Concat(wanted, held))`,
				`once(missing)`}},
		},
		{
			id: "B8", holds: "a scope that includes another is enough for it, through several steps",
			in: local, play: func(t *testing.T, w *world) {
				w = w.at(t, "scoped")
				a := w.app(t)
				got := w.browser(t).tokens(t, a, "scope", "crm:admin")
				if has := scopesOf(got.Scope); !has["crm:admin"] || !has["mcp:tools"] || has["offline_access"] {
					t.Errorf("the scope is %q", got.Scope)
				}
				// What the route asks of every call is granted besides. A token without it has crm:read by two steps.
				alone := a.refresh(t, got.Refresh, "scope", "mcp:tools crm:admin").tokens(t)
				if alone.Scope != "mcp:tools crm:admin" {
					t.Errorf("narrowed, the scope is %q", alone.Scope)
				}
				for _, tool := range []string{"echo", "change"} { // crm:admin includes crm:write, which includes crm:read
					w.tool(t, got.Access, tool).reached(t)
					w.tool(t, alone.Access, tool).reached(t)
				}
				w.tool(t, alone.Access, "report").challenge(t, "what it does not include", 403)
			},
			breaks: []edit{{"policies/oauth/scope.go", `next = slices.Concat(next, t.declared[other].Includes)`,
				`next = slices.Clone(next)`}},
		},
		{
			id: "B14", holds: "what a request claims to be allowed counts for nothing: the grant decides, at each call",
			in: local, play: claims,
		},
		{
			id: "B15", holds: "there is no scope for everything, a challenge is precise, and who was given more stands in the log",
			in: local, play: noOmnibus,
		},
		{
			id: "Q8", holds: "challenge and metadata name a route's own few scopes, and the server's list is no longer than that",
			in: local, play: fewScopes,
		},
		{
			id: "Q13", holds: "a tool that needs more is refused by HTTP, and not by a result that says so",
			in: local, play: func(t *testing.T, w *world) {
				w = w.at(t, "scoped")
				got := w.browser(t).tokens(t, w.app(t))
				answer := w.tool(t, got.Access, "change")
				answer.challenge(t, "a tool", 403)
				if strings.Contains(answer.body, `"result"`) || strings.Contains(answer.body, "isError") {
					t.Errorf("it is answered as a tool would: %s", answer.body)
				}
				if said := w.tool(t, "", "change").challenge(t, "a tool, without a token", 401); said["error"] != "" {
					t.Errorf("%v", said)
				}
			},
		},
		{
			id: "Q24", holds: "the scopes of a first sign-in are enough for ordinary use: a client that cannot step up loses the rare tools alone",
			in: local, play: ordinaryUse,
		},
		{
			id: "Q47", holds: "a client that asks for every scope of the server's list gets the usual and nothing rare",
			in: local, play: func(t *testing.T, w *world) {
				w = w.at(t, "scoped")
				all := texts(w.get(t, serverDocument+"/scoped").object(t, 200)["scopes_supported"])
				if len(all) > 4 {
					t.Errorf("the server lists %v", all)
				}
				got := w.browser(t).tokens(t, w.app(t), "scope", strings.Join(all, " "))
				if !cmp.Equal(scopesOf(got.Scope), scopesOf(strings.Join(all, " "))) {
					t.Errorf("asked for %v, got %q", all, got.Scope)
				}
				w.alive(t, "with all of the list", got.Access)
				w.tool(t, got.Access, "change").challenge(t, "a rare tool", 403)
			},
		},
		{
			id: "S71", holds: "a message that two readers could understand differently is refused before anybody decides by it",
			in: local, play: ambiguousMessages,
			breaks: []edit{{"runtime/internal/mcp/scanner.go", `if bytes.Equal(key, other) {`,
				`if bytes.Equal(key, other) && len(key) == 0 {`}},
		},
		{
			id: "S72", holds: "the body decides what is called; headers of the protocol that say otherwise, or are missing where they must be there, are 400 with -32020",
			in: local, play: headersAgainstBody,
			breaks: []edit{{"runtime/internal/mcp/header.go", `} else if text != m.Name {`,
				`} else if text == "" {`}},
		},
		{
			id: "S83", holds: "after the step-up that a challenge asks for the tool works, and the person was asked about just that",
			in: local, play: stepUp,
		},
		{
			id: "S84", holds: "a token of the widest scope is good for a tool of the narrowest",
			in: local, play: func(t *testing.T, w *world) {
				w = w.at(t, "scoped")
				a := w.app(t)
				got := w.browser(t).tokens(t, a, "scope", "crm:admin offline_access")
				w.tool(t, got.Access, "echo").reached(t)
				w.tool(t, got.Access, "change").reached(t)
				narrow := a.refresh(t, got.Refresh, "scope", "mcp:tools crm:admin").tokens(t)
				w.tool(t, narrow.Access, "change").reached(t)
			},
			breaks: []edit{{"policies/oauth/scope.go", `func(scope string) bool { return t.includes(scope, want) }`,
				`func(scope string) bool { return scope == want }`}},
		},
	}
}

func namesAllThatIsNeeded(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	got := w.browser(t).tokens(t, w.app(t), "scope", "mcp:tools crm:read offline_access")
	for tool, needed := range map[string]string{
		"change": "mcp:tools crm:read crm:write", "report": "mcp:tools crm:read crm:write crm:prompts",
	} {
		for range 2 { // and the second time what was remembered
			said := w.tool(t, got.Access, tool).challenge(t, tool, 403)
			if said["error"] != "insufficient_scope" || said["resource_metadata"] != w.origin+resourceDocument+w.path {
				t.Errorf("%s: %v", tool, said)
			}
			if list := strings.Fields(said["scope"]); !cmp.Equal(scopesOf(said["scope"]), scopesOf(needed)) || len(list) != len(scopesOf(needed)) {
				t.Errorf("%s: the challenge names %q, want %q", tool, said["scope"], needed)
			}
		}
	}
	get := w.send(t, got.Access, "prompts/get", "greeting", "", "2026-07-28")
	if said := get.challenge(t, "a method", 403); !cmp.Equal(scopesOf(said["scope"]), scopesOf("mcp:tools crm:read crm:prompts")) {
		t.Errorf("prompts/get: %v", said)
	}
	w.tool(t, got.Access, "echo").reached(t)
	w.send(t, got.Access, "prompts/list", "", "", "2026-07-28").reached(t)
}

// send sends a message of a method as the later era does. more stands in its params.
func (w *world) send(t testing.TB, token, method, name, more, version string, headers ...string) *answer {
	t.Helper()
	params := map[string]any{}
	if name != "" {
		params["name"] = name
	}
	if more != "" {
		params["arguments"] = json.RawMessage(more)
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"MCP-Protocol-Version": version, "Mcp-Method": method, "Mcp-Name": name}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	return w.raw(t, token, string(body), all)
}

// raw sends a body with a token and headers, of which those that are empty are left out.
func (w *world) raw(t testing.TB, token, body string, headers map[string]string) *answer {
	t.Helper()
	flat := []string{"Authorization", "Bearer " + token, "Content-Type", "application/json", "Accept", "application/json, text/event-stream"}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		flat = append(flat, name, headers[name])
	}
	return w.do(t, http.MethodPost, w.path, body, flat...)
}

func claims(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	for what, answer := range map[string]*answer{
		"a header":      w.tool(t, got.Access, "change", "X-Scope", "crm:write", "Scope", "crm:write"),
		"the URL":       w.on(w.path+"?scope=crm:write").tool(t, got.Access, "change"),
		"the arguments": w.send(t, got.Access, "tools/call", "change", `{"scope":"crm:write"}`, "2026-07-28"),
	} {
		answer.challenge(t, what, 403)
	}
	a.refresh(t, got.Refresh, "scope", got.Scope+" crm:write").refused(t, "a refresh", 400, "invalid_scope")
	code := w.browser(t).code(t, a)
	more := a.redeem(t, code, "scope", "mcp:tools crm:read crm:write").tokens(t)
	w.tool(t, more.Access, "change").challenge(t, "the redemption", 403)
	narrow := a.refresh(t, more.Refresh, "scope", "mcp:tools").tokens(t)
	w.call(t, narrow.Access).challenge(t, "a token narrowed below the route's own", 403)
}

func noOmnibus(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	a := w.app(t)
	for _, all := range []string{"*", "crm:*", "all", "full_access", "mcp:*", "CRM:WRITE", "crm"} {
		got := w.browser(t).tokens(t, a, "scope", all)
		if !cmp.Equal(scopesOf(got.Scope), scopesOf("mcp:tools crm:read")) {
			t.Errorf("%s comes to %q", all, got.Scope)
		}
		w.tool(t, got.Access, "change").challenge(t, all, 403)
	}
	got := w.browser(t).tokens(t, a, "scope", "crm:write")
	w.tool(t, got.Access, "change").reached(t)
	if said := w.tool(t, got.Access, "report").challenge(t, "what is missing", 403); scopesOf(said["scope"])["crm:admin"] {
		t.Errorf("the challenge asks for more than is needed: %v", said)
	}
	for _, event := range []string{"consent.given", "grant.created"} {
		found := w.Log.Lines(func(l gateway.Line) bool {
			return l.Field("event") == event && l.Field("client_id") == a.id && scopesOf(l.Field("scope"))["crm:write"]
		})
		if len(found) != 1 {
			t.Errorf("%d lines of the log say %s with crm:write", len(found), event)
		}
	}
}

func fewScopes(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	if said := w.call(t, "").challenge(t, "no token", 401); said["scope"] != "mcp:tools crm:read" {
		t.Errorf("the challenge: %v", said)
	}
	if got := texts(w.get(t, resourceDocument+w.path).object(t, 200)["scopes_supported"]); !slices.Equal(got, []string{"mcp:tools", "crm:read"}) {
		t.Errorf("the resource's metadata: %v", got)
	}
	got := texts(w.get(t, serverDocument+"/scoped").object(t, 200)["scopes_supported"])
	if !cmp.Equal(scopesOf(strings.Join(got, " ")), scopesOf("mcp:tools crm:read offline_access")) || len(got) != 3 {
		t.Errorf("the server's metadata: %v", got)
	}
	for scope, want := range map[string]string{"": "mcp:tools crm:read", "mcp:tools": "mcp:tools crm:read"} {
		if got := w.browser(t).tokens(t, w.app(t), "scope", scope); !cmp.Equal(scopesOf(got.Scope), scopesOf(want)) {
			t.Errorf("asked for %q, got %q", scope, got.Scope)
		}
	}
}

func ordinaryUse(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	got := w.browser(t).tokens(t, w.app(t), "scope", "")
	for _, method := range []string{"initialize", "tools/list", "resources/list", "prompts/list", "ping", "server/discover"} {
		for _, version := range []string{"2025-11-25", "2026-07-28"} {
			w.send(t, got.Access, method, "", "", version, "Mcp-Name", "").reached(t)
		}
	}
	for _, tool := range []string{"echo", "other", "a tool that nobody listed"} {
		w.send(t, got.Access, "tools/call", tool, "", "2026-07-28").reached(t)
	}
	w.tool(t, got.Access, "change").challenge(t, "a rare tool", 403)
	w.tool(t, got.Access, "echo").reached(t)
}

func ambiguousMessages(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	got := w.browser(t).tokens(t, w.app(t))
	deep := strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200)
	for _, body := range []string{
		`{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","METHOD":"tools/call","params":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","PARAMS":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"paramſ":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"params":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","NAME":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","\u006eame":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["change"]}`,
		`[{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"change"}}]`,
		`{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"change"}}`,
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":` + deep + `}}`,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"chan\xffge\"}}",
		`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"change"}`, `null`, `"tools/call"`, ``,
	} {
		answer := w.raw(t, got.Access, body, map[string]string{"MCP-Protocol-Version": "2025-11-25"})
		var said struct {
			Error struct{ Code int }
		}
		if err := json.Unmarshal([]byte(answer.body), &said); err != nil || answer.status != 400 || said.Error.Code > -32600 || said.Error.Code < -32700 {
			t.Errorf("%.120s: %s, want 400 and an error of JSON-RPC", body, answer)
		}
	}
	// What is not ambiguous arrives as it was sent, byte for byte.
	sent := "{ \"params\" : {\"arguments\":{\"Name\":\"x\",\"name\":1}, \"name\":\"echo\"},\r\n\"method\":\"tools\\/call\",\"id\":\"a\",\"jsonrpc\":\"2.0\"}"
	reached := w.raw(t, got.Access, sent, map[string]string{"MCP-Protocol-Version": "2025-11-25"}).reached(t)
	if reached.Body != sent {
		t.Errorf("sent %s, arrived %s", sent, reached.Body)
	}
	escaped := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ch\u0061nge"}}`
	w.raw(t, got.Access, escaped, map[string]string{"MCP-Protocol-Version": "2025-11-25"}).challenge(t, "an escaped name", 403)
}

func headersAgainstBody(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	got := w.browser(t).tokens(t, w.app(t))
	coded := func(text string) string { return "=?base64?" + base64.StdEncoding.EncodeToString([]byte(text)) + "?=" }
	for _, test := range []struct {
		tool, version, method, name string
		want                        int // 200 that it arrives, 403 that the scope is missing, 400 that it contradicts itself
	}{
		{"echo", "2026-07-28", "tools/call", "echo", 200}, {"change", "2026-07-28", "tools/call", "change", 403},
		{"change", "2026-07-28", "tools/call", "echo", 400}, {"echo", "2026-07-28", "tools/call", "change", 400},
		{"change", "2026-07-28", "tools/call", "Change", 400}, {"change", "2026-07-28", "tools/list", "change", 400},
		{"change", "2026-07-28", "Tools/Call", "change", 400}, {"change", "2026-07-28", "tools/call", "", 400},
		{"change", "2026-07-28", "", "change", 400}, {"echo", "2026-07-28", "", "", 400}, {"echo", "2026-07-28", "tools/call", "", 400},
		{"echo", "2026-07-28", "tools/call", coded("echo"), 200}, {"change", "2026-07-28", "tools/call", coded("change"), 403},
		{"change", "2026-07-28", "tools/call", coded("echo"), 400}, {"echo", "2026-07-28", "tools/call", "=?base64?!!!?=", 400},
		{"echo", "2026-07-28", "tools/call", "=?base64?" + "ZWNobw", 400}, {"echo", "2099-01-01", "tools/call", "change", 400},
		{"change", "2099-01-01", "", "", 400},
		// The earlier era knows these headers not. Who sends them is held to them.
		{"change", "2025-11-25", "", "", 403}, {"echo", "2025-11-25", "", "", 200}, {"change", "", "", "", 403},
		{"change", "2025-11-25", "tools/call", "echo", 400}, {"change", "2025-11-25", "tools/list", "", 400}, {"change", "", "", "echo", 400},
		{"echo", "2025-11-25", "tools/call", "echo", 200},
	} {
		what := fmt.Sprintf("%s in the body, %s %s in the headers, version %q", test.tool, test.method, test.name, test.version)
		answer := w.send(t, got.Access, "tools/call", test.tool, "", test.version, "Mcp-Method", test.method, "Mcp-Name", test.name)
		switch test.want {
		case 200:
			answer.reached(t)
		case 403:
			answer.challenge(t, what, 403)
		default:
			var said struct {
				Error struct{ Code int }
			}
			if err := json.Unmarshal([]byte(answer.body), &said); err != nil || answer.status != 400 || said.Error.Code != -32020 {
				t.Errorf("%s: %s %v, want 400 and -32020", what, answer, err)
			}
		}
	}
}

func stepUp(t *testing.T, w *world) {
	w = w.at(t, "scoped")
	a, b := w.app(t), w.browser(t)
	first := b.tokens(t, a)
	said := w.tool(t, first.Access, "change").challenge(t, "before", 403)
	page := b.asked(t, a, "scope", said["scope"])
	if !strings.Contains(page.text(), "change customers") || strings.Contains(page.text(), "administer everything") {
		t.Errorf("the page asks: %s", page.text())
	}
	if usual := b.asked(t, a); strings.Contains(usual.text(), "change customers") || !strings.Contains(usual.text(), "read customers") {
		t.Errorf("the page of the usual asks: %s", usual.text())
	}
	second := a.redeem(t, b.answered(t, a, b.allowed(t, page)).Get("code")).tokens(t)
	if !cmp.Equal(scopesOf(second.Scope), scopesOf(said["scope"])) {
		t.Errorf("asked for %q, got %q", said["scope"], second.Scope)
	}
	w.tool(t, second.Access, "change").reached(t)
	w.tool(t, second.Access, "echo").reached(t)
	w.tool(t, first.Access, "change").challenge(t, "the first token, afterwards", 403)
	w.tool(t, first.Access, "echo").reached(t)
	w.tool(t, a.refresh(t, second.Refresh).tokens(t).Access, "change").reached(t)
}
