package decisions

import (
	"net/http"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

func TestFirstSightCostsOneCall(t *testing.T) {
	g := gateway.Start(t, nil)
	for name, present := range map[string]func(c *gateway.Client){
		"one by one":  func(c *gateway.Client) { times(t, 32, c, c.Tokens.AccessToken, http.StatusOK) },
		"all at once": func(c *gateway.Client) { atOnce(t, 32, c, c.Tokens.AccessToken, http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			c := g.MustLogin(t)
			first := counted(t, g, func() { present(c) })
			if first["evaluated"] != 1 || first["shared"]+first["cached"] != 31 || len(first) > 3 {
				t.Errorf("32 requests with a new token: decisions %v, want one evaluated and 31 shared or cached", first)
			}
			wantCounts(t, "200 more", counted(t, g, func() { times(t, 200, c, c.Tokens.AccessToken, http.StatusOK) }),
				counts{"cached": 200})
			if err := c.Refresh(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantCounts(t, "the token of a refresh", counted(t, g, func() { times(t, 3, c, c.Tokens.AccessToken, http.StatusOK) }),
				counts{"evaluated": 1, "cached": 2})
		})
	}
}

// A stranger's request has no credential to decide on: what it is told depends on the configuration alone.
func TestStrangersCostOneCall(t *testing.T) {
	g := gateway.Start(t, nil)
	ask := func() {
		for range 20 {
			resp, err := http.Post(g.MCP(), "application/json", strings.NewReader(gateway.Echo))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("a stranger is answered %s", resp.Status)
			}
		}
	}
	wantCounts(t, "20 strangers", counted(t, g, ask), counts{"evaluated": 1, "cached": 19})
}

func TestWhatAChangeCosts(t *testing.T) {
	g := gateway.Start(t, nil)
	secret, upstream := `"$env(CLERK_CLIENT_SECRET)"`, `"${env.DURWARD_DEMO_UPSTREAM}"`
	policies := func(old, replacement string) func() runtime.Reload {
		return func() runtime.Reload { return g.Edit("policies.json", old, replacement, runtime.Applied) }
	}
	routes := func(old, replacement string) func() runtime.Reload {
		return func() runtime.Reload { return g.Edit("routes.oas.json", old, replacement, runtime.Applied) }
	}
	addRoute := func(path, name, inbound string) func() runtime.Reload {
		return routes(`"paths": {`, `"paths": {
    "`+path+`": {"post": {"operationId": "`+name+`", "x-zuplo-route": {
      "handler": {"export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {
        "rewritePattern": "http://127.0.0.1:9/`+name+`"}},
      "policies": {"inbound": [`+inbound+`]}}}},`)
	}
	c := g.MustLogin(t)
	times(t, 1, c, c.Tokens.AccessToken, http.StatusOK)
	for _, change := range []struct {
		name string
		make func() runtime.Reload
		// calls is what the token costs afterwards; restarts whether the policy's process is another one (G5).
		calls    uint64
		restarts bool
	}{
		{"nothing", g.Reload, 0, false},
		{"client secret rotated", policies(secret, `"`+gateway.Canary+`-rotated"`), 0, true},
		{"client secret rotated back", policies(`"`+gateway.Canary+`-rotated"`, secret), 0, true},
		{"token lifetime", policies(secret, secret+`, "gateway": {"accessTokenTtlSeconds": 600}`), 1, true},
		{"a default written down", policies(secret, secret+`, "scope": "openid profile email"`), 1, true},
		{"timeout to the provider", policies(secret, secret+`, "browserLoginOverrides": {"remoteTimeoutMs": 5000}`), 1, true},
		{"the route's title, which the policy is told", routes(`"Demo tools"`, `"Tools"`), 1, true},
		{"the route's handler, which it is not told", routes(upstream, upstream+`, "forwardSearch": false`), 1, false},
		{"another route, open to all", func() runtime.Reload {
			g.SaveAndWait("gateway.json", `{"publicRoutes": ["open"]}`, runtime.Refused) // there is none yet
			return addRoute("/mcp/open", "open", "")()
		}, 0, false},
		{"another route of the policy", addRoute("/mcp/other", "other", `"clerk"`), 0, true},
	} {
		t.Run(change.name, func(t *testing.T) {
			before := g.Policy(policy).PID
			change.make()
			if restarted := g.Policy(policy).PID != before; restarted != change.restarts {
				t.Errorf("another process: %v, want %v", restarted, change.restarts)
			}
			want := counts{"cached": 5 - change.calls}
			if change.calls > 0 {
				want["evaluated"] = change.calls
			}
			wantCounts(t, "five requests", counted(t, g, func() { times(t, 5, c, c.Tokens.AccessToken, http.StatusOK) }), want)
		})
	}
}

// That no decision is lost must not mean that the old secret stays in use.
func TestRotatedSecretIsUsed(t *testing.T) {
	g := gateway.Start(t, nil)
	if _, err := g.Login(t.Context(), g.Person(t, "Ada Lovelace")); err != nil {
		t.Fatal(err)
	}
	g.Edit("policies.json", "$env(CLERK_CLIENT_SECRET)", gateway.Canary+"-wrong", runtime.Applied)
	_, err := g.Login(t.Context(), g.Person(t, "Ada Lovelace"))
	if err == nil || !strings.Contains(err.Error(), "not set up properly") {
		t.Errorf("a login with a secret that the provider does not know: %v", err)
	}
	g.Edit("policies.json", gateway.Canary+"-wrong", gateway.Canary+"-client-secret", runtime.Applied)
	if _, err := g.Login(t.Context(), g.Person(t, "Ada Lovelace")); err != nil {
		t.Errorf("a login with the right secret: %v", err)
	}
}
