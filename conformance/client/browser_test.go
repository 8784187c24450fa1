package client

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// page is the origin of a client that runs in a browser, as MCP Inspector does.
const page = "http://localhost:6274"

// names splits a list of header names, as browsers compare them.
func names(list string) []string {
	var all []string
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		all = append(all, strings.TrimSpace(name))
	}
	return all
}

// readable says that a page may read an answer, and that no cookie played a part in it.
func readable(t *testing.T, answer reply) {
	t.Helper()
	if got := answer.header.Values("Access-Control-Allow-Origin"); !slices.Equal(got, []string{"*"}) {
		t.Errorf("Access-Control-Allow-Origin %q, want *", got)
	}
	if got := answer.header.Get("Access-Control-Allow-Credentials"); got != "" {
		t.Errorf("Access-Control-Allow-Credentials %q", got)
	}
}

func TestD7_BrowserClients(t *testing.T) {
	g, _ := startWatched(t, nil)

	mcpHeaders := []string{
		"authorization", "content-type", "accept", "mcp-protocol-version", "mcp-session-id", "last-event-id", "mcp-method",
		"mcp-name", "mcp-param-region", "x-of-my-own",
	}
	for _, test := range []struct {
		method, path string
		headers      []string
	}{
		{"POST", "/mcp/demo", mcpHeaders}, {"GET", "/mcp/demo", mcpHeaders}, {"DELETE", "/mcp/demo", mcpHeaders},
		{"GET", "/.well-known/oauth-protected-resource/mcp/demo", []string{"mcp-protocol-version"}},
		{"GET", "/.well-known/oauth-protected-resource", []string{"mcp-protocol-version"}},
		{"GET", "/.well-known/oauth-authorization-server", []string{"mcp-protocol-version"}},
		{"GET", "/.well-known/openid-configuration", []string{"mcp-protocol-version"}},
		{"POST", "/oauth/register", []string{"content-type", "mcp-protocol-version"}},
		{"POST", "/oauth/token", []string{"content-type", "authorization"}},
	} {
		t.Run("preflight "+test.method+" "+test.path, func(t *testing.T) {
			answer := ask(t, http.MethodOptions, g.URL+test.path, "", "Origin", page, "Access-Control-Request-Method", test.method,
				"Access-Control-Request-Headers", strings.Join(test.headers, ","))
			if answer.status != http.StatusNoContent || answer.body != "" {
				t.Errorf("%d %q, want 204", answer.status, answer.body)
			}
			readable(t, answer)
			if got := answer.header.Get("Access-Control-Allow-Methods"); !slices.Contains(names(got), strings.ToLower(test.method)) {
				t.Errorf("Access-Control-Allow-Methods %q", got)
			}
			allowed := names(answer.header.Get("Access-Control-Allow-Headers"))
			for _, name := range test.headers {
				if !slices.Contains(allowed, name) {
					t.Errorf("%s is not allowed by %q", name, allowed)
				}
			}
			if answer.header.Get("WWW-Authenticate") != "" {
				t.Error("a preflight is challenged")
			}
		})
	}

	for _, path := range []string{
		"/.well-known/oauth-protected-resource/mcp/demo", "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
	} {
		t.Run("document "+path, func(t *testing.T) {
			answer := ask(t, http.MethodGet, g.URL+path, "", "Origin", page, "MCP-Protocol-Version", withSessions)
			if answer.status != http.StatusOK {
				t.Errorf("%d %s", answer.status, answer.body)
			}
			readable(t, answer)
		})
	}

	t.Run("the challenge can be read", func(t *testing.T) {
		answer := ask(t, http.MethodPost, g.MCP(), "{}", "Origin", page)
		if answer.status != http.StatusUnauthorized {
			t.Fatalf("%d %s", answer.status, answer.body)
		}
		readable(t, answer)
		exposed := names(answer.header.Get("Access-Control-Expose-Headers"))
		for _, name := range []string{"www-authenticate", "mcp-session-id", "mcp-protocol-version"} {
			if !slices.Contains(exposed, name) {
				t.Errorf("%s is not exposed by %q", name, exposed)
			}
		}
		challenged(t, answer, g.URL+"/.well-known/oauth-protected-resource/mcp/demo", "")
	})
	t.Run("an answer can be read", func(t *testing.T) {
		bearer := "Bearer " + g.MustLogin(t).Tokens.AccessToken
		answer := ask(t, http.MethodPost, g.MCP(), initialize, "Authorization", bearer, "Origin", page)
		if answer.status != http.StatusOK || answer.header.Get("Mcp-Session-Id") == "" {
			t.Errorf("%d %s", answer.status, answer.body)
		}
		readable(t, answer)
		if !slices.Contains(names(answer.header.Get("Access-Control-Expose-Headers")), "mcp-session-id") {
			t.Error("Mcp-Session-Id is not exposed")
		}
	})
	t.Run("D1 foreign pages are refused on a loopback listener", func(t *testing.T) {
		for _, method := range []string{http.MethodPost, http.MethodOptions, http.MethodGet} {
			answer := ask(t, method, g.MCP(), "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
			if answer.status != http.StatusForbidden || answer.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %d, allowed %q", method, answer.status, answer.header.Get("Access-Control-Allow-Origin"))
			}
		}
	})
	t.Run("pages for people are not for scripts", func(t *testing.T) {
		answer := ask(t, http.MethodGet, g.URL+"/oauth/authorize?client_id=x", "", "Origin", page)
		if answer.header.Get("Access-Control-Allow-Origin") != "" {
			t.Error("a page of another origin may read the sign-in pages")
		}
	})
}

// challenged reads the one Bearer challenge of a 401 and compares what matters to clients (B5, B6, B10, Q8, Q10).
func challenged(t *testing.T, answer reply, metadata, code string) {
	t.Helper()
	values := answer.header.Values("WWW-Authenticate")
	challenges, err := oauthex.ParseWWWAuthenticate(values)
	if err != nil || len(values) != 1 || len(challenges) != 1 || challenges[0].Scheme != "bearer" {
		t.Fatalf("WWW-Authenticate %q: %v", values, err)
	}
	params := challenges[0].Params
	if params["resource_metadata"] != metadata || params["scope"] != "mcp:tools" || params["error"] != code {
		t.Errorf("the challenge says %v, want metadata %s and error %q", params, metadata, code)
	}
}
