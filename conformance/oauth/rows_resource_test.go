package oauth

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func resourceRows() []row {
	return []row{
		{
			id: "A53", holds: "no token is without an audience: a resource that is left out is the only one there is, one that is not known is invalid_target",
			in: local, play: audienceAlways,
		},
		{
			id: "A54", holds: "scheme and host of a resource may be in capitals; what is published has no slash at its end",
			play: func(t *testing.T, w *world) {
				a, b := w.app(t), w.browser(t)
				for _, form := range []string{"HTTPS://mcp.example.com" + w.path, "https://MCP.Example.COM" + w.path, "https://mcp.example.com:443" + w.path} {
					w.alive(t, form, b.tokens(t, a, "resource", form).Access)
				}
				b.get(t, a.ask("resource", w.origin+strings.ToUpper(w.path))).errorTo(t, "a path in capitals", a, "invalid_target")
				if got := w.get(t, resourceDocument).object(t, 200)["resource"]; got != w.resource() || strings.HasSuffix(w.resource(), "/") {
					t.Errorf("what is published is %v", got)
				}
			},
		},
		{
			id: "Q3", holds: "a resource has a path, and so no client's URL type puts a slash to it; the bare origin, with a slash or not, comes to the only route",
			play: func(t *testing.T, w *world) {
				named, _ := w.get(t, resourceDocument).object(t, 200)["resource"].(string)
				if at, err := url.Parse(named); err != nil || len(at.Path) < 2 || strings.HasSuffix(at.Path, "/") || at.String() != named {
					t.Errorf("the resource is %q", named)
				}
				comesTo(t, w, w.origin, w.origin+"/")
			},
		},
		{
			id: "Q4", holds: "a client that names no resource gets a token for the only route",
			play: func(t *testing.T, w *world) {
				a := w.app(t)
				got := a.redeem(t, w.browser(t).code(t, a, "resource", "")).tokens(t)
				w.alive(t, "without a resource", got.Access)
				w.alive(t, "refreshed", a.refresh(t, got.Refresh).tokens(t).Access)
			},
		},
		{
			id: "Q18", holds: "a resource may be left out, have the configured URL's query, or be the bare origin where there is one route; where there are several the error names what is accepted",
			in: local, play: claudeCode,
		},
		{
			id: "Q29", holds: "the resource of metadata, verbatim in both requests, is taken",
			in: local, play: func(t *testing.T, w *world) {
				for _, at := range []*world{w, w.on("/mcp/two"), w.at(t, "closed")} {
					named, _ := at.get(t, resourceDocument+at.path).object(t, 200)["resource"].(string)
					a := at.app(t)
					at.alive(t, named, a.redeem(t, at.browser(t).code(t, a, "resource", named), "resource", named).tokens(t).Access)
				}
			},
		},
		{
			id: "Q31", holds: "the slash that Codex puts behind an origin changes nothing, in either request",
			play: func(t *testing.T, w *world) { comesTo(t, w, w.origin+"/") },
		},
		{
			id: "Q36", holds: "one slash too many behind a resource comes to the route, whose metadata and URL have none",
			in: local, play: oneSlash,
			breaks: []edit{{"policies/oauth/resource.go", `other, hadSlash := strings.CutSuffix(path, "/")`,
				`other, hadSlash := strings.TrimRight(path, "/"), strings.HasSuffix(path, "/")`}},
		},
		{
			id: "Q45", holds: "a resource is, as a string, scheme, host and path of the URL that was called; the root does not say otherwise",
			in: local, play: func(t *testing.T, w *world) {
				for _, path := range []string{"/mcp/one", "/mcp/two", "/mcp/closed"} {
					if got := w.get(t, resourceDocument+path).object(t, 200)["resource"]; got != w.origin+path {
						t.Errorf("%s: %v", path, got)
					}
				}
				w.get(t, resourceDocument).object(t, http.StatusNotFound)
			},
		},
	}
}

// comesTo wants each form of a resource to come to the only route, in both requests.
func comesTo(t *testing.T, w *world, forms ...string) {
	t.Helper()
	a, b := w.app(t), w.browser(t)
	for _, form := range forms {
		got := a.redeem(t, b.code(t, a, "resource", form), "resource", form).tokens(t)
		w.alive(t, form, got.Access)
		w.alive(t, form+", refreshed", a.refresh(t, got.Refresh, "resource", form).tokens(t).Access)
	}
}

func audienceAlways(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	b.signIn(t)
	for _, bad := range []string{
		"", "/mcp/one", "mcp/one", "//" + strings.TrimPrefix(w.origin, "http://") + "/mcp/one", w.origin + "/mcp/one#x", w.origin + "/mcp/one#",
		w.origin + "/mcp/none", "https://evil.example/mcp/one", "urn:mcp:one", w.origin + "/mcp/one/../two", w.origin + "/mcp/%6fne",
		strings.Replace(w.origin, "://", "://user@", 1) + "/mcp/one", w.origin + "/mcp/one " + w.origin + "/mcp/two", "http:///mcp/one", "%zz",
	} {
		b.get(t, a.ask("resource", bad)).errorTo(t, "resource "+bad, a, "invalid_target")
	}
	code := b.code(t, a)
	for _, bad := range []string{w.origin + "/mcp/two", w.origin + "/mcp/none", "/mcp/one", w.resource() + "#x"} {
		a.redeem(t, code, "resource", bad).refused(t, "redeemed for "+bad, 400, "invalid_target")
	}
	two := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.verifier},
		"resource": {w.resource(), w.origin + "/mcp/two"}}
	a.post(t, "/oauth/token", two).refused(t, "two resources", 400, "invalid_target")
	got := a.redeem(t, code).tokens(t)
	w.alive(t, "its audience", got.Access)
	w.on("/mcp/two").dead(t, "another audience", got.Access)
	closed := w.at(t, "closed")
	one := closed.app(t)
	closed.alive(t, "of one route, unasked", closed.browser(t).tokens(t, one, "resource", "").Access)
}

func claudeCode(t *testing.T, w *world) {
	closed := w.at(t, "closed") // one route
	a, b := closed.app(t), closed.browser(t)
	for _, form := range []string{"", closed.resource() + "?key=value", closed.origin + "/", closed.origin, closed.resource() + "?"} {
		closed.alive(t, "resource "+form, b.tokens(t, a, "resource", form).Access)
	}
	several := w.app(t)
	b = w.browser(t)
	w.alive(t, "with a query", b.tokens(t, several, "resource", w.resource()+"?tenant=1").Access)
	for _, form := range []string{"", w.origin, w.origin + "/", w.origin + "/?x=1", closed.resource()} {
		said := b.get(t, several.ask("resource", form)).errorTo(t, "resource "+form, several, "invalid_target")
		for _, known := range []string{w.origin + "/mcp/one", w.origin + "/mcp/two"} {
			if !strings.Contains(said.Get("error_description"), known) {
				t.Errorf("resource %q: %s is not named: %v", form, known, said)
			}
		}
		if strings.Contains(said.Get("error_description"), "/mcp/closed") {
			t.Errorf("another server's resource is named: %v", said)
		}
	}
}

func oneSlash(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	got := a.redeem(t, b.code(t, a, "resource", w.resource()+"/"), "resource", w.resource()+"/").tokens(t)
	w.alive(t, "asked for with a slash", got.Access)
	w.alive(t, "refreshed with a slash", a.refresh(t, got.Refresh, "resource", w.resource()+"/").tokens(t).Access)
	w.on("/mcp/two").dead(t, "and it is for no other route", got.Access)
	for _, more := range []string{"//", "/x", "/x/", "/./", "/%2f"} {
		b.get(t, a.ask("resource", w.resource()+more)).errorTo(t, "with "+more, a, "invalid_target")
	}
	// Who calls the URL with the slash is told in words where the server is, and by no redirect.
	slashed := w.on(w.path+"/").call(t, got.Access)
	if text := slashed.object(t, 404); !strings.Contains(slashed.body, w.path) || text["error"] == nil {
		t.Errorf("the URL with a slash: %s", slashed.body)
	}
}
