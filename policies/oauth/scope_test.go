package oauth_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// scopedOptions declare scopes in three steps, with and without words for people.
const scopedOptions = `{"clientId":"c","gateway":{"scopes":{
	"crm:read": {"description": "See contacts in the CRM"},
	"crm:write": {"description": "Change <contacts> in the CRM", "includes": ["crm:read"]},
	"crm:admin": {"includes": ["crm:write"]},
	"crm:prompts": {"description": "Read prompts"},
	"elsewhere": {"description": "Not of this route"}
}}}`

// scopedInput has one route that asks for scopes in every way, and one that asks for none.
func scopedInput() policies.Input {
	input := inputOf(scopedOptions, "/mcp/crm", "/mcp/plain")
	input.Routes[0].Scopes = policies.RouteScopes{
		Route:   []string{"crm:read"},
		Methods: map[string][]string{"prompts/get": {"crm:prompts"}},
		Tools:   map[string][]string{"delete_contact": {"crm:write"}, "merge": {"crm:write", "crm:prompts"}},
	}
	return input
}

func newScopedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	gateway, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), scopedInput())
	if err != nil {
		t.Fatal(err)
	}
	w.gateway, w.browser = gateway, gateway.Client()
	return w
}

func toolCall(name string) string {
	return `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"` + name + `"}}`
}

// send posts a message with a token.
func (w *world) send(path, token, message string) answer {
	w.Helper()
	return w.do(&http.Client{Transport: w.gateway},
		w.request(http.MethodPost, path, message, "Authorization", "Bearer "+token))
}

// scopeOf reads the scope of a challenge.
func scopeOf(got answer) string {
	_, rest, _ := strings.Cut(got.Header.Get("WWW-Authenticate"), `scope="`)
	scope, _, _ := strings.Cut(rest, `"`)
	return scope
}

func TestB4_B5_Q8_Q47_Baseline(t *testing.T) {
	w := newScopedWorld(t)
	for path, want := range map[string]string{"/mcp/crm": "mcp:tools crm:read", "/mcp/plain": "mcp:tools"} {
		got := w.do(&http.Client{Transport: w.gateway}, w.request(http.MethodPost, path, toolCall("delete_contact")))
		if got.StatusCode != http.StatusUnauthorized || scopeOf(got) != want {
			t.Errorf("%s: %d, challenge %q", path, got.StatusCode, got.Header.Get("WWW-Authenticate"))
		}
		metadata := w.get("/.well-known/oauth-protected-resource" + path).json(t)
		if diff := cmp.Diff(toAny(strings.Fields(want)), metadata["scopes_supported"]); diff != "" {
			t.Errorf("%s: scopes_supported (-want +got):\n%s", path, diff)
		}
	}
	server := w.get("/.well-known/oauth-authorization-server").json(t)
	if diff := cmp.Diff(toAny([]string{"mcp:tools", "crm:read", "offline_access"}), server["scopes_supported"]); diff != "" {
		t.Errorf("the server's scopes_supported (-want +got):\n%s", diff)
	}
}

func toAny(texts []string) (list []any) {
	for _, text := range texts {
		list = append(list, text)
	}
	return list
}

// What a request comes to at a resource: the baseline and what means something there, however it was asked for.
func TestQ7_Q28_WhatARequestComesTo(t *testing.T) {
	w := newScopedWorld(t)
	for _, tt := range []struct{ path, asked, want string }{
		{"/mcp/crm", "", "mcp:tools crm:read"},
		{"/mcp/crm", "mcp:tools", "mcp:tools crm:read"},
		{"/mcp/crm", "crm:write offline_access crm:write", "mcp:tools crm:read crm:write offline_access"},
		{"/mcp/crm", "crm:admin", "mcp:tools crm:read crm:admin"}, // includes one that the route names
		{"/mcp/crm", "elsewhere unknown openid", "mcp:tools crm:read"},
		{"/mcp/plain", "crm:write crm:read", "mcp:tools"},
	} {
		w.browser = w.gateway.Client()
		client := w.client()
		code := w.code(client, "alice", "scope", tt.asked, "resource", origin+tt.path)
		got := w.post("/oauth/token", redemption(client, code)).json(t)["scope"]
		if got != tt.want {
			t.Errorf("%s, %q: %q, want %q", tt.path, tt.asked, got, tt.want)
		}
	}
}

func TestB7_B8_S83_S84_StepUp(t *testing.T) {
	w := newScopedWorld(t)
	plain := w.signIn("alice", "resource", origin+"/mcp/crm")
	writer := w.signIn("alice", "resource", origin+"/mcp/crm", "scope", "crm:write offline_access")
	admin := w.signIn("alice", "resource", origin+"/mcp/crm", "scope", "crm:admin crm:prompts")
	const list, prompt = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`,
		`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"delete_contact"}}`
	for _, tt := range []struct {
		name, token, message string
		missing, challenged  string // empty: it passes
	}{
		{"what is not listed", plain.access, list, "", ""},
		{"another tool", plain.access, toolCall("search"), "", ""},
		{"a tool that needs more", plain.access, toolCall("delete_contact"), "crm:write", "mcp:tools crm:read crm:write"},
		{"S83: all of it at once", plain.access, toolCall("merge"), "crm:write crm:prompts", "mcp:tools crm:read crm:write crm:prompts"},
		{"a method that needs more, by the name of a tool", plain.access, prompt, "crm:prompts", "mcp:tools crm:read crm:prompts"},
		{"the tool's scope", writer.access, toolCall("delete_contact"), "", ""},
		{"what is held is named, offline_access is not", writer.access, prompt, "crm:prompts", "mcp:tools crm:read crm:prompts crm:write"},
		{"S84: a broader scope", admin.access, toolCall("delete_contact"), "", ""},
		{"S84: a broader scope and another", admin.access, toolCall("merge"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.send("/mcp/crm", tt.token, tt.message)
			if tt.missing == "" {
				if got.StatusCode != http.StatusOK {
					t.Errorf("status %d: %s", got.StatusCode, got.body)
				}
				return
			}
			want := `Bearer resource_metadata="` + origin + `/.well-known/oauth-protected-resource/mcp/crm", scope="` + tt.challenged +
				`", error="insufficient_scope", error_description="the token does not cover ` + tt.missing + `"`
			if lines := got.Header.Values("WWW-Authenticate"); got.StatusCode != http.StatusForbidden || !slices.Equal(lines, []string{want}) {
				t.Errorf("status %d, challenge\n%q, want\n%q", got.StatusCode, lines, want)
			}
			if body := got.json(t); body["error"] != "insufficient_scope" || body["scope"] != tt.challenged {
				t.Errorf("body %v", body)
			}
		})
	}
	// What the client asks for as the challenge says works, and nothing of the old grant is lost.
	more := w.signIn("alice", "resource", origin+"/mcp/crm", "scope", scopeOf(w.send("/mcp/crm", plain.access, toolCall("merge"))))
	for what, got := range map[string]answer{
		"the new token, the tool":     w.send("/mcp/crm", more.access, toolCall("merge")),
		"the new token, another tool": w.send("/mcp/crm", more.access, toolCall("search")),
		"the old token, another tool": w.send("/mcp/crm", plain.access, toolCall("search")),
		"the old grant":               w.post("/oauth/token", renewal(plain.client, plain.refresh)),
	} {
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", what, got.StatusCode, got.body)
		}
	}
}

// B15: elevations, and calls that would have needed one, are in the audit.
func TestB15_AuditOfScopes(t *testing.T) {
	w := newScopedWorld(t)
	held := w.signIn("alice", "resource", origin+"/mcp/crm", "scope", "crm:prompts")
	created := w.host.Audit.Named("grant.created")
	if len(created) != 1 || created[0].Scope != "mcp:tools crm:read crm:prompts" {
		t.Errorf("grant.created: %+v", created)
	}
	w.send("/mcp/crm", held.access, toolCall("merge"))
	refused := w.host.Audit.Named("scope.refused")
	if len(refused) != 1 {
		t.Fatalf("%d events scope.refused", len(refused))
	}
	got := refused[0]
	got.Address = ""
	want := policies.Event{
		Name: "scope.refused", Outcome: "refused", Issuer: policytest.ProviderIssuer, Subject: "alice", Client: held.client,
		ClientHost: "app.example", Grant: created[0].Grant, Resource: origin + "/mcp/crm", Scope: "crm:write", Reason: "insufficient_scope",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A refresh may ask for what a scope of the grant includes, and keeps the grant as it is.
func TestA58_RefreshToAnIncludedScope(t *testing.T) {
	w := newScopedWorld(t)
	held := w.signIn("alice", "resource", origin+"/mcp/crm", "scope", "crm:admin")
	w.wantError("wider", w.refresh(held, "scope", "mcp:tools crm:prompts"), http.StatusBadRequest, "invalid_scope")
	narrow := w.tokensOf(held.client, w.refresh(held, "scope", "mcp:tools crm:read"))
	if got := w.send("/mcp/crm", narrow.access, toolCall("delete_contact")); got.StatusCode != http.StatusForbidden {
		t.Errorf("the narrowed token: %d", got.StatusCode)
	}
	if got := w.send("/mcp/crm", narrow.access, toolCall("search")); got.StatusCode != http.StatusOK {
		t.Errorf("the narrowed token, another tool: %d %s", got.StatusCode, got.body)
	}
	again := w.refresh(tokens{held.client, "", narrow.refresh})
	if got := again.json(t)["scope"]; got != "mcp:tools crm:read crm:admin" {
		t.Errorf("a refresh without scope gives %q", got)
	}
}

// A43: the person reads what each scope means, with what goes beyond the usual apart from the rest.
func TestA43_ConsentNamesScopes(t *testing.T) {
	w := newScopedWorld(t)
	client := w.client()
	page := w.authorize(ask(client, "resource", origin+"/mcp/crm", "scope", "crm:admin crm:write offline_access"))
	usual, more, found := strings.Cut(page.body, `class="more"`)
	if !found || !strings.Contains(usual, "<li><bdi>See contacts in the CRM</bdi></li>") || !strings.Contains(usual, "while you are away") {
		t.Errorf("the usual: %s", usual)
	}
	for _, part := range []string{
		"It asks for more than usual", "<li>use what the server calls <strong><bdi>crm:admin</bdi></strong></li>",
		"<li><bdi>Change &lt;contacts&gt; in the CRM</bdi></li>",
	} {
		if !strings.Contains(more, part) {
			t.Errorf("the page does not show %q beyond the usual: %s", part, more)
		}
	}
	if strings.Contains(page.body, "Read prompts") || strings.Contains(page.body, "Not of this route") {
		t.Error("the page names what was not asked for")
	}
	if page = w.authorize(ask(client, "resource", origin+"/mcp/crm")); strings.Contains(page.body, `class="more"`) {
		t.Error("a request for the usual is shown as more")
	}
	if page = w.authorize(ask(client, "resource", origin+"/mcp/plain", "scope", "crm:write")); strings.Contains(page.body, "CRM") {
		t.Error("the page names scopes of another route")
	}
}

// S26: "you last allowed this" is about the same or less, never about more.
func TestS26_LastAllowedCountsScopes(t *testing.T) {
	w := newScopedWorld(t)
	client := w.client()
	at := []string{"resource", origin + "/mcp/crm", "scope"}
	w.tokensOf(client, w.post("/oauth/token", redemption(client, w.code(client, "alice", append(at, "crm:write")...))))
	for asked, want := range map[string]bool{"": true, "crm:write": true, "crm:admin": false, "crm:write crm:prompts": false} {
		page := w.authorize(ask(client, append(at, asked)...))
		if got := strings.Contains(page.body, "You last allowed this"); got != want {
			t.Errorf("%q: said %v, want %v", asked, got, want)
		}
	}
}

func TestA40_GrantsNameScopes(t *testing.T) {
	w := newScopedWorld(t)
	w.signIn("alice", "resource", origin+"/mcp/crm", "scope", "crm:write offline_access")
	page := w.get("/oauth/grants")
	for _, part := range []string{"Also while you are away", "See contacts in the CRM", "Change &lt;contacts&gt; in the CRM"} {
		if !strings.Contains(page.body, part) {
			t.Errorf("the page does not show %q: %s", part, page.body)
		}
	}
}

// What the policy says of such an input before it runs.
func TestScopedReport(t *testing.T) {
	report := oauth.Policy(policytest.NewProvider()).Validate(scopedInput())
	if len(report.Problems) > 0 {
		t.Fatal(report.Problems)
	}
	wantVary := map[string]policies.Vary{
		"r-mcp-crm": {
			Headers: []string{"Authorization"}, Origin: true,
			Methods: []string{"prompts/get", "tools/call"}, Names: []string{"delete_contact", "merge"},
		},
		"r-mcp-plain": {Headers: []string{"Authorization"}, Origin: true},
	}
	if diff := cmp.Diff(wantVary, report.Vary); diff != "" {
		t.Error(diff)
	}
	wantScopes := []string{"crm:admin", "crm:prompts", "crm:read", "crm:write", "elsewhere", "mcp:tools", "offline_access"}
	if diff := cmp.Diff(wantScopes, report.Scopes); diff != "" {
		t.Error(diff)
	}
	fact := policies.Fact{Name: "first scopes of r-mcp-crm", Value: "mcp:tools crm:read"}
	if !slices.Contains(report.Facts, fact) {
		t.Errorf("facts %v lack %v", report.Facts, fact)
	}
}

func TestScopedInputWithProblems(t *testing.T) {
	input := scopedInput()
	input.Options = json.RawMessage(`{"clientId":"c","gateway":{"scopes":{"mcp:tools":{},"a":{"includes":["a"]}}}}`)
	input.Routes[1].Scopes.Route = []string{"offline_access"}
	var got []string
	for _, p := range oauth.Policy(policytest.NewProvider()).Validate(input).Problems {
		got = append(got, p.Route+p.Pointer)
	}
	want := []string{"/gateway/scopes/a/includes/0", "/gateway/scopes/mcp:tools", "r-mcp-plain/scopes/route/0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
