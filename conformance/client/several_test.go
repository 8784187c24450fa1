package client

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"durward/conformance/gateway"
	"durward/conformance/official"
)

// startTwoTeams starts a gateway with the configuration of examples/two-teams, before its own sign-in and MCP server.
func startTwoTeams(t *testing.T, transport http.RoundTripper) *gateway.Gateway {
	t.Helper()
	g, _ := startWatched(t, func(g *gateway.Gateway) {
		if transport != nil {
			g.Transport = transport
		}
		for _, name := range []string{"policies.json", "routes.oas.json"} {
			text, err := os.ReadFile(filepath.Join(gateway.Root(), "examples", "two-teams", name))
			if err != nil {
				t.Fatal(err)
			}
			g.Save(name, strings.NewReplacer(
				"https://clerk.example.com", "$env(CLERK_FRONTEND_API_URL)",
				"http://tickets.internal:8080/mcp", "${env.DURWARD_DEMO_UPSTREAM}",
				"http://deploys.internal:8080/mcp", "${env.DURWARD_DEMO_UPSTREAM}",
				`["ada@example.com", "grace@example.com"]`, `["grace@example.com"]`,
			).Replace(string(text)))
		}
	})
	return g
}

// Two MCP servers behind one application at Clerk, for different people: the official client finds each server's own
// authorization server by its path, and nobody gets further than their policy lets them.
func TestOfficialClientAtTwoPolicies(t *testing.T) {
	g := startTwoTeams(t, nil)
	eachEra(t, func(t *testing.T, version string) {
		for _, one := range []struct{ path, base, person string }{
			{"/mcp/tickets", "/support", "Ada Lovelace"}, {"/mcp/tickets", "/support", "Grace Hopper"},
			{"/mcp/deploys", "/engineering", "Grace Hopper"},
		} {
			s, err := official.ConnectTo(t, g, g.URL+one.path, one.person, version)
			if err != nil {
				t.Fatalf("%s at %s: %v", one.person, one.path, err)
			}
			if got := s.Call(t, "echo", map[string]any{"text": one.path}); got != one.path {
				t.Errorf("%s at %s: %q", one.person, one.path, got)
			}
			for _, step := range []official.Sent{
				{Method: "GET", Path: "/.well-known/oauth-protected-resource" + one.path, Status: 200},
				{Method: "GET", Path: "/.well-known/oauth-authorization-server" + one.base, Status: 200},
				{Method: "POST", Path: one.base + "/oauth/register", Status: 201},
				{Method: "POST", Path: one.base + "/oauth/token", Status: 200},
			} {
				found := s.Wire.Find(step.Method, step.Path)
				if len(found) != 1 || found[0].Status != step.Status {
					t.Errorf("%s %s: %+v, want one answer %d", step.Method, step.Path, found, step.Status)
				}
			}
			s.Purse.Spoil(func(*oauth2.Token) {})
			if got := s.Call(t, "echo", map[string]any{"text": "again"}); got != "again" {
				t.Errorf("after a refresh: %q", got)
			}
			if got := s.SignIns(); len(got) != 1 || got[0].Get("resource") != g.URL+one.path {
				t.Errorf("the person was sent to the browser for %v", got)
			}
		}
		s, err := official.ConnectTo(t, g, g.URL+"/mcp/deploys", "Ada Lovelace", version)
		if err == nil {
			t.Error("somebody whom the policy keeps out got in")
		}
		if got := s.Wire.Find("POST", "/engineering/oauth/token"); len(got) != 0 {
			t.Errorf("who is kept out gets as far as %+v", got)
		}
	})
}

// hiding is a network in which some addresses answer 404.
type hiding struct{ prefixes []string }

func (h hiding) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, prefix := range h.prefixes {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return &http.Response{
				Status: "404 Not Found", StatusCode: http.StatusNotFound, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader("{}")), Request: r,
			}, nil
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A2: clients look for an issuer with a path in three places, in this order. Each is enough for one that knows no other.
func TestA2_EachPlaceOfMetadataIsEnough(t *testing.T) {
	const inserted, openid = "/.well-known/oauth-authorization-server/support", "/.well-known/openid-configuration/support"
	const appended = "/support/.well-known/openid-configuration"
	for _, test := range []struct {
		used   string
		hidden []string
	}{
		{inserted, nil}, {openid, []string{inserted}}, {appended, []string{inserted, openid}},
	} {
		t.Run(strings.ReplaceAll(strings.Trim(test.used, "/"), "/", " "), func(t *testing.T) {
			g := startTwoTeams(t, hiding{test.hidden})
			s, err := official.ConnectTo(t, g, g.URL+"/mcp/tickets", "Ada Lovelace", withoutSessions)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"add", "count", "echo"}, s.Tools(t)); diff != "" {
				t.Errorf("tools (-want +got):\n%s", diff)
			}
			if found := s.Wire.Find("GET", test.used); len(found) != 1 || found[0].Status != http.StatusOK {
				t.Errorf("GET %s: %+v", test.used, found)
			}
		})
	}
}
