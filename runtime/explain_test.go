package runtime_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// explainedRoutes are literal and of both modes, for all methods and for some, guarded and open.
const explainedRoutes = `{
  "openapi": "3.1.0",
  "paths": {
    "/mcp/one": { "post": { "operationId": "one", "x-zuplo-route": {
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/one" } },
      "policies": { "inbound": ["a", "key"] } } } },
    "/mcp/two": {
      "post": { "operationId": "two", "x-zuplo-route": {
        "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)",
          "options": { "rewritePattern": "$env(UPSTREAM)/two", "forwardSearch": false } } } },
      "get": { "operationId": "two-get", "x-zuplo-route": {
        "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/get" } } } } },
    "/files/special": { "post": { "operationId": "special", "x-zuplo-route": {
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/s" } } } } },
    "/files/{name}": { "post": { "operationId": "files", "x-zuplo-route": {
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/f" } } } } },
    "/n/:id(\\d+)": { "x-zuplo-path": { "pathMode": "url-pattern" }, "post": { "operationId": "numbers", "x-zuplo-route": {
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/n" } } } } },
    "/mcp/app": { "post": { "operationId": "app", "x-zuplo-route": { "corsPolicy": "app",
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/app" } },
      "policies": { "inbound": ["a"], "outbound": ["stamp"] } } } },
    "/mcp/slash/": { "post": { "operationId": "slash", "x-zuplo-route": {
      "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": { "rewritePattern": "UPSTREAM/slash" } } } } }
  }
}`

// explainedWorld runs a gateway with these routes, and answers what it was made of.
func explainedWorld(t *testing.T, gateway map[string]any) (*world, runtime.Options) {
	var options runtime.Options
	w := start(t, func(w *world) {
		w.setup.gateway["publicRoutes"] = []string{"two", "two-get", "special", "files", "numbers", "slash"}
		maps.Copy(w.setup.gateway, gateway)
		w.setup.policy("a").Secret = "canary-secret"
		w.setup.inHost("key", setKey, map[string]any{"value": "Bearer $env(KEY)"})
	}, func(o *runtime.Options) {
		files := o.Fallback.(fstest.MapFS)
		o.LookupEnv = func(name string) (string, bool) {
			switch name {
			case "UPSTREAM":
				return "http://127.0.0.1:1/canary-upstream", true
			case "KEY":
				return "canary-key", true
			}
			return "", false
		}
		files["policies.json"] = withCORS(t, files["policies.json"].Data)
		files["routes.oas.json"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(explainedRoutes, "UPSTREAM/", "http://127.0.0.1:1/"))}
		options = *o
	})
	return w, options
}

// withCORS adds the entries that other tests do not have.
func withCORS(t *testing.T, data []byte) *fstest.MapFile {
	var policies map[string]any
	if err := json.Unmarshal(data, &policies); err != nil {
		t.Fatal(err)
	}
	policies["corsPolicies"] = []any{map[string]any{"name": "app", "allowedOrigins": "https://app.example.com", "allowCredentials": true}}
	policies["policies"] = append(policies["policies"].([]any), map[string]any{
		"name": "stamp", "policyType": "set-headers-outbound", "handler": map[string]any{
			"export": "SetHeadersOutboundPolicy", "module": "$import(@durward/runtime)",
			"options": map[string]any{"headers": []any{map[string]any{"name": "X-Stamp", "value": "one"}}},
		},
	})
	data, err := json.Marshal(policies)
	if err != nil {
		t.Fatal(err)
	}
	return &fstest.MapFile{Data: data}
}

// What Explain says is what the gateway does: who answers, the status where it is the gateway's own, the route in the log.
func TestExplainIsWhatTheGatewayDoes(t *testing.T) {
	type row struct {
		method, url, origin string
		want                string
	}
	for _, world := range []struct {
		name    string
		gateway map[string]any
		rows    []row
	}{
		{"loopback", nil, []row{
			{"POST", "/mcp/one", "", "route one"},
			{"GET", "/mcp/one", "", "route one"},
			{"DELETE", "/mcp/one", "", "route one"},
			{"PUT", "/mcp/one", "", "gateway 405"},
			{"HEAD", "/mcp/one", "", "gateway 405"},
			{"OPTIONS", "/mcp/one", "", "gateway 204"},
			{"OPTIONS", "/mcp/one", "http://localhost:1234", "gateway 204"},
			{"POST", "/mcp/one", "http://localhost:1234", "route one"},
			{"POST", "/mcp/one", "https://app.example.com", "gateway 403"},
			{"OPTIONS", "/mcp/one", "https://app.example.com", "gateway 403"},
			{"POST", "/mcp/one", "null", "gateway 403"},
			{"POST", "/mcp/one?a=b", "", "route one"},
			{"POST", "/mcp/one/", "", "gateway 404"},
			{"POST", "/mcp/One", "", "gateway 404"},
			{"POST", "/mcp/%6fne", "", "gateway 404"},
			{"POST", "//mcp/one", "", "gateway 404"},
			{"POST", "/mcp//one", "", "gateway 404"},
			{"POST", "/mcp/../mcp/one", "", "gateway 404"},
			{"POST", "/mcp", "", "gateway 404"},
			{"POST", "/", "", "gateway 404"},
			{"OPTIONS", "/", "", "gateway 404"},
			{"POST", "/mcp/one/more", "", "gateway 404"},
			{"POST", "/mcp/two", "", "route two"},
			{"GET", "/mcp/two", "", "route two-get"},
			{"DELETE", "/mcp/two", "", "route two"},
			{"PATCH", "/mcp/two", "", "gateway 405"},
			{"POST", "/files/special", "", "route special"},
			{"POST", "/files/other", "", "route files"},
			{"POST", "/files/o%2Fther", "", "route files"},
			{"POST", "/files/", "", "gateway 404"},
			{"POST", "/files/a/b", "", "gateway 404"},
			{"POST", "/files/..", "", "gateway 404"},
			{"POST", "/files/%2e%2E", "", "gateway 404"},
			{"POST", "/n/12", "", "route numbers"},
			{"POST", "/n/12a", "", "gateway 404"},
			{"PUT", "/n/12", "", "gateway 405"},
			{"POST", "/mcp/slash/", "", "route slash"},
			{"POST", "/mcp/slash", "", "gateway 404"},
			{"GET", "/a/echo", "", "policy a"},
			{"POST", "/a/echo", "", "policy a"},
			{"OPTIONS", "/a/echo", "", "policy a"},
			{"GET", "/a/echo/", "", "gateway 404"},
			{"GET", "/a/operator", "", "gateway 404"},
			{"POST", "http://localhost:9000/mcp/one", "", "route one"},
			{"POST", "http://[::1]/mcp/one", "", "route one"},
			{"POST", "http://gateway.example/mcp/one", "", "gateway 421"},
			{"POST", "http://gateway.example/nothing", "", "gateway 421"},
			{"POST", "http://bad_host!/mcp/one", "", "gateway 400"},
		}},
		{"public", map[string]any{
			"publicUrl": []string{"https://mcp.example.com", "http://localhost:9000"}, "trustedProxies": []string{"127.0.0.1"},
		}, []row{
			{"POST", "/mcp/one", "", "route one"},
			{"POST", "https://mcp.example.com/mcp/one", "https://app.example.com", "route one"},
			{"POST", "https://MCP.example.com:443/mcp/one", "", "route one"},
			{"POST", "https://mcp.example.com:8443/mcp/one", "", "gateway 421"},
			{"POST", "http://localhost:9000/mcp/two", "", "route two"},
			{"POST", "http://localhost/mcp/two", "", "gateway 421"},
			{"POST", "http://127.0.0.1:9000/mcp/two", "", "gateway 421"},
			{"GET", "https://mcp.example.com/a/echo", "", "policy a"},
			{"OPTIONS", "https://mcp.example.com/mcp/two", "https://app.example.com", "gateway 204"},
			{"POST", "/mcp/app", "", "route app"},
			{"POST", "/mcp/app", "https://app.example.com", "route app"},
			{"POST", "/mcp/app", "https://mcp.example.com", "route app"},
			{"POST", "/mcp/app", "https://other.example.com", "gateway 403"},
			{"POST", "/mcp/app", "null", "gateway 403"},
			{"OPTIONS", "/mcp/app", "https://app.example.com", "gateway 204"},
			{"OPTIONS", "/mcp/app", "https://other.example.com", "gateway 403"},
			{"PUT", "/mcp/app", "https://app.example.com", "gateway 405"},
			{"PUT", "/mcp/app", "https://other.example.com", "gateway 403"},
		}},
	} {
		t.Run(world.name, func(t *testing.T) {
			w, options := explainedWorld(t, world.gateway)
			for _, row := range world.rows {
				t.Run(row.method+" "+row.url+" "+row.origin, func(t *testing.T) {
					x, err := runtime.Explain(options, runtime.Question{Method: row.method, URL: row.url, Origin: row.origin})
					if err != nil || len(x.Problems) > 0 {
						t.Fatalf("%v, problems %v", err, x.Problems)
					}
					if got := said(x); got != row.want {
						t.Errorf("explain says %q, want %q: %s", got, row.want, x.Reason)
					}
					if got := w.does(t, row.method, x.URL, row.origin); got != row.want {
						t.Errorf("the gateway does %q, want %q", got, row.want)
					}
				})
			}
		})
	}
}

// said is who answers, as an explanation has it.
func said(x runtime.Explanation) string {
	switch x.By {
	case runtime.ByRoute:
		return "route " + x.Route.ID
	case runtime.ByPolicy:
		return "policy " + x.Policy.Name
	}
	return fmt.Sprintf("gateway %d", x.Status)
}

// does asks the gateway, and answers who has answered, as the access log has it.
func (w *world) does(t *testing.T, method, asked, origin string) string {
	t.Helper()
	u, err := url.Parse(asked)
	if err != nil {
		t.Fatal(err)
	}
	r := w.request(method, "/", "")
	r.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery = u.Host, u.Path, u.RawPath, u.RawQuery
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	r.Header.Set("Authorization", "Bearer good")
	answer, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	var line map[string]any
	w.within("a line in the access log", func() bool {
		line = w.log.find(func(line map[string]any) bool {
			return line["msg"] == "request" && line["request_id"] == answer.Header.Get("X-Request-Id")
		})
		return line != nil
	})
	switch {
	case answer.StatusCode == http.StatusNoContent, answer.StatusCode == http.StatusForbidden,
		answer.StatusCode == http.StatusMethodNotAllowed: // of these no policy and no upstream of this test is the author
	case line["route"] != nil:
		return fmt.Sprint("route ", line["route"])
	case line["policy"] != nil:
		return fmt.Sprint("policy ", line["policy"])
	}
	return fmt.Sprintf("gateway %d", answer.StatusCode)
}

// An explanation tells the way of a request, and neither a secret nor what a variable holds (G10).
func TestExplainTellsTheWay(t *testing.T) {
	_, options := explainedWorld(t, nil)
	ask := func(method, url string) runtime.Explanation {
		x, err := runtime.Explain(options, runtime.Question{Method: method, URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprintf("%+v", x); strings.Contains(text, "canary") {
			t.Errorf("G10: %s", text)
		}
		return x
	}
	x := ask("post", "/mcp/one")
	if x.Method != "POST" || !x.Answered || x.Route == nil {
		t.Fatalf("%+v", x)
	}
	var options1, options2 string
	names := []string{}
	for i, p := range x.Route.Inbound {
		names = append(names, fmt.Sprintf("%s %s inside:%v authenticates:%v", p.Name, p.Type, p.InHost, p.Authenticates))
		if i == 0 {
			options1 = string(p.Options)
		} else {
			options2 = string(p.Options)
		}
	}
	want := []string{"a test-guard-inbound inside:false authenticates:true", "key set-upstream-api-key-inbound inside:true authenticates:false"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if !strings.Contains(options1, `"secret":"(secret)"`) || options2 != `{"value":"(secret)"}` {
		t.Errorf("options %s and %s", options1, options2)
	}
	if at := x.Route.At.String(); at != "built-in config/routes.oas.json:4:19" {
		t.Errorf("the route stands at %s", at)
	}
	if x = ask("POST", "/mcp/app"); x.Route.CORSPolicy != "app" || len(x.Route.Outbound) != 1 || x.Route.Outbound[0].Name != "stamp" || x.Route.Public {
		t.Errorf("route %+v", x.Route)
	}
	if x = ask("POST", "/mcp/two"); !x.Route.Public || x.Route.Upstream != "$env(UPSTREAM)/two" || x.Route.ForwardSearch {
		t.Errorf("route %+v", x.Route)
	}
}

// Where nothing answers a person is told what is near.
func TestExplainTellsWhatIsNear(t *testing.T) {
	_, options := explainedWorld(t, map[string]any{"publicUrl": "https://mcp.example.com"})
	for _, tt := range []struct {
		method, url string
		want        []string
	}{
		{"POST", "/mcp/one/", []string{"there is /mcp/one (without the slash at the end)"}},
		{"POST", "/mcp/slash", []string{"there is /mcp/slash/ (with a slash at the end)"}},
		{"POST", "/MCP/one", []string{"there is /mcp/one (with other capitals: paths are compared letter by letter)"}},
		{"POST", "/mcp//one", []string{"there is /mcp/one (without empty segments and dots)"}},
		{"POST", "/mcp/%6fne", []string{"there is /mcp/one (without escapes: paths are compared as they are sent)"}},
		{"POST", "/mcp/one/sse", []string{"there is /mcp/one (this path goes on from there: a route is for one path, and not for what is below it)"}},
		{"POST", "/one", []string{"there is /mcp/one (it ends like this path)"}},
		{"POST", "/mcp/noe", []string{"there is /mcp/one (nearly the same)"}},
		{"POST", "/mcp", []string{"there is /mcp/one (below this path)", "there is /mcp/two (below this path)", "there is /mcp/app (below this path)"}},
		{"POST", "/quite/another/thing", []string{"there are 8 routes, and none is near"}},
		{"PUT", "/mcp/two", []string{"route two at built-in config/routes.oas.json:8:7 is for DELETE, POST", "route two-get at built-in config/routes.oas.json:11:7 is for GET"}},
		{"POST", "https://other.example/mcp/one", []string{"the gateway's origins are https://mcp.example.com"}},
		{"POST", "http://mcp.example.com/mcp/one", []string{"the gateway takes https://mcp.example.com for its origin here: that is what clients are told, and what tokens are for"}},
	} {
		t.Run(tt.method+" "+tt.url, func(t *testing.T) {
			x, err := runtime.Explain(options, runtime.Question{Method: tt.method, URL: tt.url})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, x.Hints); diff != "" {
				t.Errorf("hints (-want +got):\n%s", diff)
			}
		})
	}
	for _, q := range []runtime.Question{{"POST", "mcp/one", ""}, {"POST", "ftp://x/", ""}, {"PO ST", "/mcp/one", ""}, {"POST", "http://", ""}} {
		if x, err := runtime.Explain(options, q); err == nil {
			t.Errorf("%+v: %+v", q, x)
		}
	}
}
