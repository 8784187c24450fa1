package runtime_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

const toolCall = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"NAME","arguments":{}}}`

// A policy is asked about what it said its decisions depend on, and learns nothing else.
func TestVaryIsAllThatAPolicyLearns(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").Vary = map[string]policies.Vary{
			"one":  {Headers: []string{"Authorization"}},
			"none": {},
			"all": {Headers: []string{"Authorization", "X-Team", "X-Absent"}, Origin: true, ClientAddress: true,
				Methods: []string{"tools/call"}, Names: []string{"listed"}},
		}
		for _, id := range []string{"none", "all"} {
			r := w.setup.route(id)
			r.upstream, r.policies = w.upstream.URL+"/"+id, []string{"a"}
		}
	})
	named := func(name string) string { return strings.Replace(toolCall, "NAME", name, 1) }
	all := func(method, name string) policies.Request {
		return policies.Request{
			Route: "all", Origin: w.public, ClientAddress: "127.0.0.1", Method: method, Name: name,
			Header: http.Header{"Authorization": {"Bearer good"}, "X-Team": {"red", "blue"}},
		}
	}
	for _, tt := range []struct {
		name, route, body string
		want              policies.Request
	}{
		{"one header", "one", named("listed"), policies.Request{
			Route: "one", Header: http.Header{"Authorization": {"Bearer good"}},
		}},
		{"nothing", "none", named("listed"), policies.Request{Route: "none"}},
		{"everything, a method and a name that are listed", "all", named("listed"), all("tools/call", "listed")},
		{"a name that is not listed is sent as none", "all", named("other"), all("tools/call", "")},
		{"a method that is not listed is sent as none", "all", ping, all("", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.send(http.MethodPost, "/mcp/"+tt.route, tt.body, "Authorization", "Bearer good", "Cookie", "session=1",
				"X-Team", "red", "X-Team", "blue", "X-Other", "not told")
			a := w.arrived(r)
			var got policies.Request
			if err := json.Unmarshal([]byte(a.Header.Get("X-Seen")), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("the policy was asked (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("GET has no message", func(t *testing.T) {
		r := w.send(http.MethodGet, "/mcp/all", "", "Authorization", "Bearer good", "X-Team", "red", "X-Team", "blue")
		var got policies.Request
		if err := json.Unmarshal([]byte(w.arrived(r).Header.Get("X-Seen")), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all("", ""), got); diff != "" {
			t.Errorf("the policy was asked (-want +got):\n%s", diff)
		}
	})
}

// A method that Vary lists is read from the body and decides, also when another method's decision is in memory.
func TestListedMethodDecides(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		o := w.setup.policy("a")
		o.TTL, o.Deny = 60, "tools/call"
		o.Vary = map[string]policies.Vary{"one": {Headers: []string{"Authorization"}, Methods: []string{"tools/call"}}}
	})
	for range 2 { // decided, then remembered
		w.call("one")
		r := w.send(http.MethodPost, "/mcp/one", toolCall, "Authorization", "Bearer good")
		if r.status != http.StatusForbidden || r.body != "not this method" || r.header.Get("X-Refused-By") != "guard" {
			t.Errorf("the denied method was answered %d %s", r.status, r.body)
		}
	}
	if n := w.upstream.requests.Load(); n != 2 {
		t.Errorf("%d requests reached the upstream, want 2", n)
	}
	// A body that two readers could understand differently reaches neither policy nor upstream.
	for name, body := range map[string]string{
		"not JSON": `{`, "batch": `[` + ping + `]`,
		"method twice": `{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}`,
	} {
		if r := w.send(http.MethodPost, "/mcp/one", body, "Authorization", "Bearer good"); r.status != http.StatusBadRequest {
			t.Errorf("%s: answered %d %s", name, r.status, r.body)
		}
	}
	if n := w.upstream.requests.Load(); n != 2 {
		t.Errorf("%d requests reached the upstream, want 2", n)
	}
}

// What a policy sets reaches the upstream; the client's credential and what the client claims in its place do not.
func TestSetHeaderAndTheClientsCredential(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.policy("a").Mark = "mark" })
	a := w.arrived(w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer good", "X-Mark", "forged"))
	if got := a.Header.Values("X-Mark"); !cmp.Equal(got, []string{"mark"}) {
		t.Errorf("X-Mark is %q at the upstream", got)
	}
	if got, has := a.Header["Authorization"]; has {
		t.Errorf("Authorization is %q at the upstream", got)
	}
	a = w.arrived(w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer exchanged"))
	if got := a.Header.Values("Authorization"); !cmp.Equal(got, []string{"Bearer of the upstream"}) {
		t.Errorf("Authorization is %q at the upstream", got)
	}
}

// The policies of a route decide in their order, and all must allow.
func TestChainHoldsEveryPolicy(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) {
		w.setup.policy("a").Mark = "first"
		w.setup.policy("b").Mark = "second"
		w.setup.policy("b").Deny = "tools/call"
		w.setup.policy("b").Vary = map[string]policies.Vary{"one": {Methods: []string{"tools/call"}}}
		w.setup.route("one").policies = []string{"a", "b"}
	})
	if a := w.call("one"); a.Header.Get("X-Policy") != "b" || a.Header.Get("X-Mark") != "second" {
		t.Errorf("the upstream was told %v: the later policy's word counts", a.Header)
	}
	if r := w.send(http.MethodPost, "/mcp/one", toolCall, "Authorization", "Bearer good"); r.status != http.StatusForbidden {
		t.Errorf("what the second policy refuses was answered %d", r.status)
	}
	if r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer refused"); r.status != http.StatusUnauthorized {
		t.Errorf("what the first policy refuses was answered %d", r.status)
	}
	if n := w.upstream.requests.Load(); n != 1 {
		t.Errorf("%d requests reached the upstream, want 1", n)
	}
}

// G7: whatever keeps a policy from deciding closes the door: 503, try again, and the upstream hears nothing.
func TestG7_NoDecisionIs503(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, credential := range []string{"error", "unavailable", "nothing"} {
		t.Run(credential, func(t *testing.T) {
			r := w.send(http.MethodPost, "/mcp/one", ping, "Authorization", "Bearer "+credential)
			if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
				t.Errorf("answered %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
			}
			var answer struct {
				Version string `json:"jsonrpc"`
				Error   struct {
					Message string `json:"message"`
				} `json:"error"`
			}
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || answer.Version != "2.0" || answer.Error.Message == "" {
				t.Errorf("the body is no JSON-RPC error: %v: %s", err, r.body)
			}
			if strings.Contains(r.body, "secret detail") {
				t.Errorf("the client was told the policy's error: %s", r.body)
			}
		})
	}
	t.Run("a path that the policy serves", func(t *testing.T) {
		r := w.send(http.MethodGet, "/a/fail", "")
		if r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("answered %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
		}
	})
	if n := w.upstream.requests.Load(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
	w.call("one")
}

// Of cookies a policy is passed its own, and may set its own.
func TestCookiesAreThePolicysOwn(t *testing.T) {
	t.Parallel()
	w := start(t, func(w *world) { w.setup.gateway["trustedProxies"] = []string{"127.0.0.1"} })
	const sent = "session=1; dw-a-login=2; dw-b-login=3; __Host-dw-a-login=4; __Host-dw-b-login=5; dw-a=6"
	for _, tt := range []struct{ scheme, got, set string }{
		{"http", "dw-a-login=2", "dw-a-mine=1; Path=/"},
		{"https", "__Host-dw-a-login=4", "__Host-dw-a-mine=1; Path=/"},
	} {
		t.Run(tt.scheme, func(t *testing.T) {
			r := w.send(http.MethodPost, "/a/echo", "", "Cookie", sent, "X-Forwarded-Proto", tt.scheme)
			var header http.Header
			if err := json.Unmarshal([]byte(r.body), &header); err != nil {
				t.Fatalf("%v: %d %s", err, r.status, r.body)
			}
			if diff := cmp.Diff([]string{tt.got}, header["Cookie"]); diff != "" {
				t.Errorf("the policy was passed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{tt.set}, r.header["Set-Cookie"]); diff != "" {
				t.Errorf("the browser was given (-want +got):\n%s", diff)
			}
			if claimed := header.Get("X-Forwarded-Proto"); claimed != "" {
				t.Errorf("the policy was passed X-Forwarded-Proto %q", claimed)
			}
		})
	}
	t.Run("none of its own", func(t *testing.T) {
		r := w.send(http.MethodPost, "/a/echo", "", "Cookie", "session=1; dw-b-login=3")
		if strings.Contains(r.body, "Cookie") {
			t.Errorf("the policy was passed %s", r.body)
		}
	})
}

func TestWhatNobodyServes(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, tt := range []struct {
		name, method, path string
		status             int
	}{
		{"unknown path", http.MethodGet, "/nothing", http.StatusNotFound},
		{"root", http.MethodGet, "/", http.StatusNotFound},
		{"a route's path with a slash more", http.MethodPost, "/mcp/one/", http.StatusNotFound},
		{"a route's path in capitals", http.MethodPost, "/MCP/one", http.StatusNotFound},
		{"a route's path, escaped", http.MethodPost, "/mcp%2Fone", http.StatusNotFound},
		{"a policy's path with a slash more", http.MethodGet, "/a/echo/", http.StatusNotFound},
		{"an operator's path of a policy", http.MethodGet, "/a/operator", http.StatusNotFound},
		{"the admin listener's reload", http.MethodPost, "/-/reload", http.StatusNotFound},
		{"the admin listener's way to a policy", http.MethodGet, "/-/policies/a/a/operator", http.StatusNotFound},
		{"wrong method", http.MethodPut, "/mcp/one", http.StatusMethodNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.send(tt.method, tt.path, "", "Authorization", "Bearer good")
			var answer struct {
				Error string `json:"error"`
				Text  string `json:"error_description"`
			}
			if err := json.Unmarshal([]byte(r.body), &answer); err != nil || answer.Error == "" || answer.Text == "" {
				t.Errorf("the body is no error: %v: %s", err, r.body)
			}
			if r.status != tt.status || r.header.Get("Content-Type") != "application/json" {
				t.Errorf("answered %d %s", r.status, r.header.Get("Content-Type"))
			}
			if allow := r.header.Get("Allow"); (allow == "DELETE, GET, POST") != (tt.status == http.StatusMethodNotAllowed) {
				t.Errorf("Allow is %q", allow)
			}
		})
	}
	if n := w.upstream.requests.Load(); n != 0 {
		t.Errorf("%d requests reached the upstream", n)
	}
}

// What a policy serves to operators is on the admin listener, and what it serves to others is not.
func TestAdminPaths(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for _, tt := range []struct {
		name, path string
		status     int
		body       string
	}{
		{"its path for operators", "/-/policies/a/a/operator", http.StatusOK, "for operators"},
		{"its path for everybody", "/-/policies/a/a/echo", http.StatusNotFound, "serves nothing"},
		{"another policy's name", "/-/policies/b/a/operator", http.StatusNotFound, "serves nothing"},
		{"a route", "/mcp/one", http.StatusNotFound, "404"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := w.send(http.MethodGet, w.admin+tt.path, "")
			if r.status != tt.status || !strings.Contains(r.body, tt.body) {
				t.Errorf("answered %d %s", r.status, r.body)
			}
		})
	}
	t.Run("asked by a web page", func(t *testing.T) {
		if r := w.send(http.MethodGet, w.admin+"/-/policies/a/a/operator", "", "Origin", w.public); r.status != http.StatusForbidden {
			t.Errorf("answered %d %s", r.status, r.body)
		}
	})
}

// Q36: the gateway's 404 names the path of a route that was missed by a slash.
func TestMissedByASlash(t *testing.T) {
	t.Parallel()
	w := start(t, nil)
	for path, want := range map[string]string{
		"/mcp/one/":     "nothing is served at this path: there is /mcp/one, without the slash at the end",
		"/mcp/nowhere/": "nothing is served at this path\"",
	} {
		if r := w.send(http.MethodPost, w.public+path, "{}"); r.status != http.StatusNotFound || !strings.Contains(r.body, want) {
			t.Errorf("%s: answered %d %s", path, r.status, r.body)
		}
	}
}
