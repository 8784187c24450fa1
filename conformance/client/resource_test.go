package client

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

func TestTwoRoutesAreTwoResources(t *testing.T) {
	g, _ := startWatched(t, func(g *gateway.Gateway) { addRoute(t, g, "/mcp/other", "other") })
	person := gateway.NewPerson(t, "Ada Lovelace")
	metadata := g.URL + "/.well-known/oauth-protected-resource"
	login := func(t *testing.T, path string) *gateway.Client {
		t.Helper()
		c, err := g.Register(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		c.Resource = g.URL + path
		if err := c.SignIn(t.Context(), person); err != nil {
			t.Fatal(err)
		}
		return c
	}
	call := func(t *testing.T, path string, c *gateway.Client) reply {
		t.Helper()
		return ask(t, http.MethodPost, g.URL+path, gateway.Echo, "Authorization", "Bearer "+c.Tokens.AccessToken,
			"MCP-Protocol-Version", withoutSessions, "Mcp-Method", "tools/call", "Mcp-Name", "echo")
	}
	paths := []string{"/mcp/demo", "/mcp/other"}
	clients := map[string]*gateway.Client{}
	for _, path := range paths {
		clients[path] = login(t, path)
	}

	for i, own := range paths {
		other := paths[1-i]
		t.Run("S62 the token of "+own, func(t *testing.T) {
			// Refused first, and after it was allowed on its own route: a decision is remembered for its route alone.
			for range 2 {
				refused := call(t, other, clients[own])
				if refused.status != http.StatusUnauthorized {
					t.Errorf("on %s: %d %s", other, refused.status, refused.body)
				}
				challenged(t, refused, metadata+other, "invalid_token")
				if answer := call(t, own, clients[own]); answer.status != http.StatusOK || !strings.Contains(answer.body, "hello") {
					t.Errorf("on its own: %d %s", answer.status, answer.body)
				}
			}
		})
	}
	t.Run("S62 a refresh does not widen it", func(t *testing.T) {
		c := login(t, "/mcp/demo")
		if err := c.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if answer := call(t, "/mcp/other", c); answer.status != http.StatusUnauthorized {
			t.Errorf("on the other route: %d", answer.status)
		}
	})
	for _, resource := range []string{"", "/", "/mcp", "/mcp/demo//", "/mcp/none", "/mcp/demo/../other"} {
		t.Run("S62 no token for "+resource, func(t *testing.T) {
			c, err := g.Register(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			c.Resource = g.URL + resource
			if _, err := person.Open(t.Context(), c.AuthorizeURL(oauth2.GenerateVerifier())); err == nil ||
				!strings.Contains(err.Error(), "invalid_target") {
				t.Errorf("asking for %s: %v, want invalid_target", c.Resource, err)
			}
		})
	}
	t.Run("Q9 each method is challenged", func(t *testing.T) {
		for _, path := range paths {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
				answer := ask(t, method, g.URL+path, "")
				if answer.status != http.StatusUnauthorized {
					t.Errorf("%s %s: %d, want 401", method, path, answer.status)
				}
				challenged(t, answer, metadata+path, "")
			}
		}
	})
	t.Run("B3 each has its own metadata, and the root none", func(t *testing.T) {
		for _, path := range paths {
			document := object(t, ask(t, http.MethodGet, metadata+path, ""), http.StatusOK)
			if document["resource"] != g.URL+path {
				t.Errorf("resource %v", document["resource"])
			}
		}
		object(t, ask(t, http.MethodGet, metadata, ""), http.StatusNotFound)
	})
}
