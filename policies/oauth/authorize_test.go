package oauth_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestA31_S1_S2_S3_NoRedirectToTheUnknown(t *testing.T) {
	w := newWorld(t)
	client := w.client("https://app.example/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb?a=1")
	refused := []string{
		"https://app.example/cb/extra", "https://app.example/cb/../cb", "https://app.example/..;/cb",
		"https://app.example/cb?x=1", "https://app.example/CB", "https://APP.example/cb", "https://app.example/cb/",
		"https://app.example/c%62", "https://app.example@evil.example/cb", "https://app.example/cb#x",
		"https://app.example\\@evil.example/cb", "https://app.example.evil.example/cb", "https://app.example:443/cb",
		"http://app.example/cb", "javascript:alert(1)", "https://evil.example/",
		"http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/cb?a=1", "http://2130706433/cb",
		"https://127.0.0.1/cb", "http://127.0.0.1/other", "http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1:0/cb",
		"http://127.0.0.1:65536/cb", "http://127.0.0.1:/cb", "http://localhost/cb", "http://localhost:1/cb?a=2",
	}
	for _, bad := range refused {
		w.wantPage("S3 "+bad, w.authorize(ask(client, "redirect_uri", bad)), http.StatusBadRequest)
	}
	w.wantPage("S2 unknown client", w.authorize(ask("dw-unknown")), http.StatusBadRequest)
	w.wantPage("no client", w.authorize(ask("")), http.StatusBadRequest)
	w.wantPage("A34 which of several", w.authorize(ask(client, "redirect_uri", "")), http.StatusBadRequest)

	for _, good := range []string{ // A29, S6
		"https://app.example/cb", "http://127.0.0.1/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb",
		"http://[::1]:5000/cb", "http://localhost:33418/cb?a=1",
	} {
		w.formOf(w.authorize(ask(client, "redirect_uri", good)))
	}
	single := w.client()
	w.formOf(w.authorize(ask(single, "redirect_uri", "")))
}

// badRequests are wrong in ways that may be told the client, if it may be redirected to at all.
func badRequests() map[string]struct{ name, value, code string } {
	return map[string]struct{ name, value, code string }{
		"A35 S11 no challenge":  {"code_challenge", "", "invalid_request"},
		"S11 short challenge":   {"code_challenge", "abc", "invalid_request"},
		"S11 odd challenge":     {"code_challenge", strings.Repeat("=", 43), "invalid_request"},
		"S11 plain method":      {"code_challenge_method", "plain", "invalid_request"},
		"S11 method missing":    {"code_challenge_method", "", "invalid_request"},
		"S11 unknown method":    {"code_challenge_method", "S512", "invalid_request"},
		"S13 token":             {"response_type", "token", "unsupported_response_type"},
		"S13 id_token":          {"response_type", "id_token", "unsupported_response_type"},
		"S13 code token":        {"response_type", "code token", "unsupported_response_type"},
		"response type missing": {"response_type", "", "invalid_request"},
		"response mode":         {"response_mode", "fragment", "invalid_request"},
		"prompt none":           {"prompt", "none", "interaction_required"},
		"A53 unknown resource":  {"resource", origin + "/other", "invalid_target"},
		"A53 fragment":          {"resource", origin + "/mcp/demo#x", "invalid_target"},
		"A53 another origin":    {"resource", "https://evil.example/mcp/demo", "invalid_target"},
		"A53 relative":          {"resource", "/mcp/demo", "invalid_target"},
		"Q36 two slashes":       {"resource", origin + "/mcp/demo//", "invalid_target"},
		"request object":        {"request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"},
		"request URI":           {"request_uri", "https://app.example/request", "request_uri_not_supported"},
	}
}

func TestA32_S8_NoRedirectBeforeSignIn(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	for name, bad := range badRequests() {
		got := w.authorize(ask(client, bad.name, bad.value))
		w.wantPage(name, got, http.StatusBadRequest)
		if !strings.Contains(got.body, bad.code) {
			t.Errorf("%s: the page does not say %s", name, bad.code)
		}
	}
	if w.provider.Begun() > 0 {
		t.Error("something went to the identity provider")
	}
}

func TestA5_A37_S18_ErrorsToASignedInBrowser(t *testing.T) {
	w := newWorld(t)
	client := w.client("https://app.example/cb?keep=%7E&iss=evil&%73tate=evil")
	w.code(client, "alice", "redirect_uri", "") // a session
	for name, bad := range badRequests() {
		back := w.authorize(ask(client, "redirect_uri", "", bad.name, bad.value)).location(t)
		if !strings.HasPrefix(back.String(), "https://app.example/cb?keep=%7E&error=") {
			t.Errorf("%s: redirected to %s", name, back)
		}
		want := url.Values{"keep": {"~"}, "error": {bad.code}, "state": {"st/+ &=é"}, "iss": {origin}}
		for param, values := range want {
			if got := back.Query()[param]; len(got) != 1 || got[0] != values[0] {
				t.Errorf("%s: %s is %q, want %q once", name, param, got, values[0])
			}
		}
	}
}

func TestS14_RepeatedParameters(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	w.code(client, "alice") // even a signed-in browser is sent nowhere
	for _, name := range []string{"client_id", "redirect_uri", "state", "scope", "code_challenge"} {
		query := ask(client, "scope", "mcp:tools")
		query.Add(name, query.Get(name))
		w.wantPage(name+" twice", w.authorize(query), http.StatusBadRequest)
	}
	query := ask(client)
	query["resource"] = []string{origin + "/mcp/demo", origin + "/mcp/demo"}
	if got := w.authorize(query).location(t).Query().Get("error"); got != "invalid_target" {
		t.Errorf("resource twice: %q", got)
	}
	w.wantPage("malformed query", w.get("/oauth/authorize?a=%zz;b"), http.StatusBadRequest)
}

func TestA53_A54_Q4_Q18_Resource(t *testing.T) {
	one, two := newWorld(t), newWorld(t, "/mcp/a", "/mcp/b")
	for _, resource := range []string{
		"", origin + "/mcp/demo", "HTTPS://MCP.Example.COM/mcp/demo", origin + ":443/mcp/demo", origin + "/mcp/demo?x=1",
		origin, origin + "/",
	} {
		held := one.signIn("alice", "resource", resource)
		one.wantCall("resource "+resource, "/mcp/demo", held.access, http.StatusOK)
	}
	client := two.client()
	for _, resource := range []string{"", origin, origin + "/", origin + "/mcp", origin + "/MCP/a"} {
		got := two.authorize(ask(client, "resource", resource))
		two.wantPage("two routes, resource "+resource, got, http.StatusBadRequest)
		if !strings.Contains(got.body, origin+"/mcp/a") || !strings.Contains(got.body, origin+"/mcp/b") {
			t.Errorf("resource %q: the page does not name what is accepted", resource)
		}
	}
}

func TestA41_Q7_Q28_ScopesAndPrompts(t *testing.T) {
	w := newWorld(t)
	for asked, want := range map[string]string{
		"": "mcp:tools", " ": "mcp:tools", "openid profile": "mcp:tools", "offline_access": "mcp:tools offline_access",
		"mcp:tools offline_access": "mcp:tools offline_access",
	} {
		client := w.client()
		query := ask(client, "prompt", "consent")
		query.Set("scope", asked)
		back := w.callback(w.consent(w.authorize(query), "allow").location(t), "alice")
		if back.Header.Get("Location") == "" {
			t.Fatalf("scope %q: %s", asked, back.body)
		}
		got := w.post("/oauth/token", redemption(client, back.location(t).Query().Get("code"))).json(t)
		if got["scope"] != want {
			t.Errorf("scope %q came to %q, want %q", asked, got["scope"], want)
		}
		w.browser = w.gateway.Client()
	}
}

func TestS17_State(t *testing.T) {
	w := newWorld(t)
	client := w.client()
	for _, state := range []string{
		"plain", "a b+c%20", `"'<>`, "x\r\nSet-Cookie: a=b", "é\u202e", strings.Repeat("s", 4096),
	} {
		back := w.callback(w.atProvider(client, "state", state), "alice").location(t)
		if got := back.Query()["state"]; len(got) != 1 || got[0] != state {
			t.Errorf("state %.20q came back as %.20q", state, got)
		}
		if strings.Contains(back.RawQuery, "+") {
			t.Errorf("state %.20q: a space as + is not read by all", state)
		}
		w.browser = w.gateway.Client()
	}
	w.wantPage("8 kB", w.authorize(ask(client, "state", strings.Repeat("s", 8<<10))), http.StatusBadRequest)
	back := w.callback(w.atProvider(client, "state", ""), "alice").location(t) // Q34
	if back.Query().Has("state") || back.Query().Get("iss") != origin {
		t.Errorf("without state: %s", back)
	}
}
