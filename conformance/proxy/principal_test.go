package proxy

import (
	"bufio"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
	"durward/runtime"
)

// inHost has two policies inside the host tell the upstream who is calling, and with which key, on the route that ships.
// A second route has the key alone.
func inHost(t *testing.T, g *gateway.Gateway) {
	t.Helper()
	edit := func(name, old, replacement string) {
		path := filepath.Join(g.Config, name)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), old) {
			t.Fatalf("%s does not hold %q", name, old)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(content), old, replacement, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit("policies.json", `"policies": [`, `"policies": [
    {"name": "caller", "policyType": "set-headers-inbound", "handler": {
      "export": "SetHeadersInboundPolicy", "module": "$import(@zuplo/runtime)", "options": {"headers": [
        {"name": "X-User-Id", "value": "${principal.issuer}#${principal.sub}"},
        {"name": "X-Caller-Mail", "value": "${principal.email}"},
        {"name": "X-Toolset", "value": "everything", "overwrite": false}]}}},
    {"name": "key", "policyType": "set-upstream-api-key-inbound", "handler": {
      "export": "SetUpstreamApiKeyInboundPolicy", "module": "$import(@zuplo/runtime)",
      "options": {"value": "Bearer $env(UPSTREAM_KEY)"}}},`)
	edit("routes.oas.json", `["clerk"]`, `["clerk", "caller", "key"]`)
	edit("routes.oas.json", `"paths": {`, `"paths": {
    "/mcp/keyed": {"post": {"operationId": "keyed", "x-zuplo-route": {
      "handler": {"export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {
        "rewritePattern": "${env.DURWARD_DEMO_UPSTREAM}"}},
      "policies": {"inbound": ["key"]}}}},
    "/mcp/plain": {"post": {"operationId": "plain", "x-zuplo-route": {
      "handler": {"export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {
        "rewritePattern": "${env.DURWARD_DEMO_UPSTREAM}"}}}}},`)
	g.Save("gateway.json", `{"publicRoutes": ["keyed", "plain"]}`)
}

// told is what the upstream is told of who is calling, and whatever else arrives that a client made up.
func told(header http.Header) map[string]string {
	names := map[string]string{}
	for name, values := range header {
		value := strings.Join(values, " and ")
		switch name {
		case "Authorization", "X-User-Id", "X-Caller-Mail", "X-Toolset":
			names[name] = value
		default:
			if strings.Contains(value, "made-up") {
				names[name] = value
			}
		}
	}
	return names
}

// S63, S73: through the real gateway the upstream learns from the gateway who is calling, and its key; from the client it
// learns neither, whatever the client sends. No key stands in the log, in the status or in an answer (G10).
func TestS63_S73_TheGatewayTellsWhoIsCalling(t *testing.T) {
	u, upstream := record(t, nil)
	key := gateway.Canary + "-upstream-key"
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream)
		g.Setenv("UPSTREAM_KEY", key)
		inHost(t, g)
	})
	send := func(path, token string, header http.Header) received {
		t.Helper()
		r := request(t, within(t), http.MethodPost, g.URL+path, `{"jsonrpc":"2.0","id":1,"method":"ping"}`)
		maps.Copy(r.Header, header)
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, body, got := u.do(t, r)
		if res.StatusCode != http.StatusOK || strings.Contains(body, gateway.Canary) {
			t.Fatalf("%s is answered %s %q", path, res.Status, body)
		}
		return got
	}
	madeUp := http.Header{"X-Toolset": {"made-up tools"}, "Connection": {"X-User-Id, X-Caller-Mail, Authorization"}}
	for _, name := range []string{"X-User-Id", "x_user_id", "X-Caller-Mail", "x_caller_mail", "X.Caller.Mail", "X-Caller_mail", "Cookie",
		"X-Forwarded-User", "Proxy-Authorization"} {
		madeUp[name] = []string{"made-up"}
	}
	issuer := g.Parts.Env()["CLERK_FRONTEND_API_URL"]

	ada, grace := g.MustLogin(t), login(t, g, "Grace Hopper")
	for name, c := range map[string]*gateway.Client{"ada": ada, "grace": grace} {
		want := map[string]string{
			"Authorization": "Bearer " + key, "X-User-Id": issuer + "#user_dev_" + name,
			"X-Caller-Mail": name + "@example.com", "X-Toolset": "made-up tools",
		}
		if diff := cmp.Diff(want, told(send("/mcp/demo", c.Tokens.AccessToken, madeUp).header)); diff != "" {
			t.Errorf("%s: the upstream is told (-want +got):\n%s", name, diff)
		}
	}
	if got := told(send("/mcp/demo", ada.Tokens.AccessToken, nil).header); got["X-Toolset"] != "everything" {
		t.Errorf("a client that does not name a toolset gets %q", got["X-Toolset"])
	}
	if got := told(send("/mcp/keyed", "made-up-token", nil).header); len(got) != 1 || got["Authorization"] != "Bearer "+key {
		t.Errorf("on the route with the key alone the upstream is told %v", got)
	}
	if got := told(send("/mcp/plain", "made-up-token", nil).header); len(got) != 0 {
		t.Errorf("on the route without policies the upstream is told %v", got)
	}
	status := g.Status() // it looks for the key itself
	for _, p := range status.Policies {
		if inside := p.Name == "caller" || p.Name == "key"; (p.State == runtime.InHost) != inside || (p.PID == 0) != inside {
			t.Errorf("the status says of %s: %+v", p.Name, p)
		}
	}

	// Without the scope email the provider gives no address: the header is not there, and not the client's either.
	g.Edit("policies.json", `"clientSecret": "$env(CLERK_CLIENT_SECRET)"`,
		`"clientSecret": "$env(CLERK_CLIENT_SECRET)", "scope": "openid profile"`, runtime.Applied)
	nameless := login(t, g, "Ada Lovelace")
	want := map[string]string{"Authorization": "Bearer " + key, "X-User-Id": issuer + "#user_dev_ada", "X-Toolset": "made-up tools"}
	if diff := cmp.Diff(want, told(send("/mcp/demo", nameless.Tokens.AccessToken, madeUp).header)); diff != "" {
		t.Errorf("without an address the upstream is told (-want +got):\n%s", diff)
	}
	if refused := g.Edit("policies.json", `Bearer $env(UPSTREAM_KEY)`, `Bearer $env(UPSTREAM_KEY)\n`, runtime.Refused); len(refused.Problems) != 1 ||
		strings.Contains(refused.Problems[0].Text, gateway.Canary) {
		t.Errorf("a line end behind the key: %+v", refused)
	}
}

func login(t *testing.T, g *gateway.Gateway, name string) *gateway.Client {
	t.Helper()
	c, err := g.Login(t.Context(), g.Person(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// G4, G5: another key is used from the next request on; no process is started for it, and a stream on a route without it
// goes on.
func TestG4_G5_AnotherKeyUnderAnOpenStream(t *testing.T) {
	next := make(chan string)
	keys := make(chan string, 2)
	upstream, _ := serve(t, false, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if key := r.Header.Get("Authorization"); key != "" {
			keys <- key
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for {
			_ = http.NewResponseController(w).Flush()
			select {
			case text := <-next:
				_, _ = w.Write([]byte("data: " + text + "\n\n"))
			case <-r.Context().Done():
				return
			}
		}
	}))
	g := gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("DURWARD_DEMO_UPSTREAM", upstream)
		g.Setenv("UPSTREAM_KEY", gateway.Canary+"-1")
		inHost(t, g)
	})
	c := newClient(t)
	key := func() string {
		t.Helper()
		res, err := c.Do(request(t, within(t), http.MethodPost, g.URL+"/mcp/keyed", "{}"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		got, err := await(within(t), keys, "the key at the upstream")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ctx := within(t)
	open, err := c.Do(request(t, ctx, http.MethodPost, g.URL+"/mcp/plain", "{}"))
	if err != nil {
		t.Fatal(err)
	}
	defer open.Body.Close()
	events := bufio.NewReader(open.Body)
	event := func(text string) {
		t.Helper()
		select {
		case next <- text:
		case <-ctx.Done():
			t.Fatalf("the upstream does not send %q: the stream is gone", text)
		}
		line, err := events.ReadString('\n')
		if err != nil || line != "data: "+text+"\n" {
			t.Fatalf("read %q, %v", line, err)
		}
		if _, err := events.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	event("before")
	before := g.Policy("clerk").PID
	if got := key(); got != "Bearer "+gateway.Canary+"-1" {
		t.Errorf("the upstream is given %q", got)
	}
	g.Edit("policies.json", "$env(UPSTREAM_KEY)", gateway.Canary+"-2", runtime.Applied)
	if got := key(); got != "Bearer "+gateway.Canary+"-2" {
		t.Errorf("after the change the upstream is given %q", got)
	}
	event("after")
	if after := g.Policy("clerk").PID; after != before {
		t.Errorf("the policy that signs people in is process %d, and was %d", after, before)
	}
}
