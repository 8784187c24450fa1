package cors

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

const (
	ours    = "http://localhost:3000"
	other   = "http://127.0.0.1:3000"
	foreign = "http://localhost:4000" // of this machine as well: the rule for loopback listeners lets it pass
)

// upstream answers with a stream, if it is asked for one, and with what only the gateway may say.
type upstream struct {
	*httptest.Server
	calls atomic.Int64
	// end ends a stream.
	end chan struct{}
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{end: make(chan struct{})}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.calls.Add(1)
		body, _ := io.ReadAll(r.Body)
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Cache-Control", "max-age=60")
		h.Set("X-Answer", "the upstream's")
		if !strings.Contains(string(body), "stream") {
			h.Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":{}}`))
			return
		}
		h.Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte("data: first\n\n"))
		_ = http.NewResponseController(w).Flush()
		<-u.end
		_, _ = w.Write([]byte("data: last\n\n"))
	}))
	t.Cleanup(u.Close)
	return u
}

// start runs the gateway with a CORS policy on the route, and a policy that sets headers of answers.
func start(t *testing.T, u *upstream, origins string) *gateway.Gateway {
	return gateway.Start(t, func(g *gateway.Gateway) {
		g.Setenv("DURWARD_DEMO_UPSTREAM", u.URL)
		g.Setenv("ORIGINS", origins)
		g.Save("policies.json", strings.Replace(g.Read("policies.json"), `"policies": [`, `"corsPolicies": [
    {"name": "app", "allowedOrigins": "$env(ORIGINS)", "exposeHeaders": ["X-Answer"], "maxAge": 60}],
  "policies": [
    {"name": "answer", "policyType": "set-headers-outbound", "handler": {
      "export": "SetHeadersOutboundPolicy", "module": "$import(@zuplo/runtime)", "options": {"headers": [
        {"name": "X-Answer", "value": "the gateway's"},
        {"name": "Cache-Control", "value": "no-store", "overwrite": false},
        {"name": "X-Frame-Options", "value": "DENY", "overwrite": false}]}}},`, 1))
		routes := strings.Replace(g.Read("routes.oas.json"), `"corsPolicy": "none"`, `"corsPolicy": "app"`, 1)
		g.Save("routes.oas.json", strings.Replace(routes, `"inbound": ["clerk"]`, `"inbound": ["clerk"], "outbound": ["answer"]`, 1))
	})
}

// ask sends a request as a page of the origin does; "" is no page. Nobody but the caller closes the answer.
func ask(t *testing.T, g *gateway.Gateway, method, origin, token, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, g.MCP(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	if method == http.MethodOptions {
		r.Header.Set("Access-Control-Request-Method", "POST")
		r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version,mcp-param-region")
	}
	res, err := (&http.Client{Transport: g.Transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

const call, streamed = `{"jsonrpc":"2.0","id":1,"method":"ping"}`, `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"stream"}}`

// D1, D7, Q39, S70: what pages of each origin are told, whatever the gateway answers.
func TestD1_D7_NamedPolicy(t *testing.T) {
	u := newUpstream(t)
	g := start(t, u, ours+", "+other)
	token := g.MustLogin(t).Tokens.AccessToken
	for _, page := range []string{ours, other} {
		for _, c := range []struct {
			name, method, token string
			status              int
		}{
			{"a preflight, which has no token", http.MethodOptions, "", http.StatusNoContent},
			{"a call without a token", http.MethodPost, "", http.StatusUnauthorized},
			{"a call", http.MethodPost, token, http.StatusOK},
			{"a method that there is not", http.MethodPut, token, http.StatusMethodNotAllowed},
		} {
			res := ask(t, g, c.method, page, c.token, call)
			h := res.Header
			if res.StatusCode != c.status || h.Get("Access-Control-Allow-Origin") != page || !varies(h) ||
				len(h.Values("Access-Control-Allow-Origin")) != 1 || h.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s from %s: %s %v", c.name, page, res.Status, h)
			}
			exposed := h.Get("Access-Control-Expose-Headers")
			switch c.status {
			case http.StatusNoContent:
				for name, want := range map[string]string{
					"Access-Control-Allow-Methods": "DELETE, GET, POST", "Access-Control-Max-Age": "60",
					"Access-Control-Allow-Headers": "authorization,content-type,mcp-protocol-version,mcp-param-region",
				} {
					if got := h.Get(name); got != want {
						t.Errorf("%s of a preflight is %q, want %q", name, got, want)
					}
				}
			case http.StatusUnauthorized:
				if h.Get("WWW-Authenticate") == "" || h.Get("X-Answer") != "" {
					t.Errorf("the refusal has %v", h)
				}
				fallthrough
			default:
				if !strings.Contains(exposed, "WWW-Authenticate") || !strings.HasSuffix(exposed, ", X-Answer") {
					t.Errorf("%s exposes %q", c.name, exposed)
				}
			}
		}
	}
	if res := ask(t, g, http.MethodPost, "", token, call); res.StatusCode != http.StatusOK || !varies(res.Header) ||
		res.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a caller that is no page: %s %v", res.Status, res.Header)
	}

	calls, decided := u.calls.Load(), g.Policy("clerk").Decisions
	for _, page := range []string{foreign, "null", "https://evil.example", "http://a.b.localhost:3000", "http://localhost:3000.evil.example"} {
		for _, method := range []string{http.MethodOptions, http.MethodPost, http.MethodGet, http.MethodDelete, http.MethodPut} {
			res := ask(t, g, method, page, token, call)
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("D1: %s from %s is answered %s", method, page, res.Status)
			}
			for name := range res.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("D1: %s from %s can be read: %v", method, page, res.Header)
				}
			}
		}
	}
	if now := g.Policy("clerk").Decisions; u.calls.Load() != calls || now["cached"] != decided["cached"] || now["evaluated"] != decided["evaluated"] {
		t.Errorf("foreign pages reached the policy (%v, before %v) or the upstream (%d, before %d)", now, decided, u.calls.Load(), calls)
	}
}

func varies(h http.Header) bool {
	return strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin")
}

// Behind a public name: a page of the gateway's own origin is no foreign one, and a wildcard is one label.
func TestD1_PublicName(t *testing.T) {
	const own = "https://mcp.example.com"
	g := start(t, newUpstream(t), "https://*.example.org")
	g.SaveAndWait("gateway.json", `{"publicUrl": "`+own+`"}`, runtime.Applied)
	for origin, want := range map[string]struct {
		status  int
		allowed string
	}{
		"https://app.example.org": {http.StatusUnauthorized, "https://app.example.org"},
		own:                       {http.StatusUnauthorized, ""},
		"http://mcp.example.com":  {http.StatusForbidden, ""},
		"https://example.org":     {http.StatusForbidden, ""},
		"https://a.b.example.org": {http.StatusForbidden, ""},
		"null":                    {http.StatusForbidden, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.MCP(), strings.NewReader(call))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = strings.TrimPrefix(own, "https://")
		r.Header.Set("Origin", origin)
		res, err := (&http.Client{Transport: g.Transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Access-Control-Allow-Origin"); res.StatusCode != want.status || got != want.allowed {
			t.Errorf("%s: %s, allowed %q, want %+v", origin, res.Status, got, want)
		}
	}
}

// The headers of an outbound policy, and who may read them, are there when a stream begins; those of the upstream that it
// may not set are not.
func TestOutboundHeadersOfCallsAndStreams(t *testing.T) {
	u := newUpstream(t)
	g := start(t, u, ours+", "+other)
	token := g.MustLogin(t).Tokens.AccessToken
	for _, body := range []string{call, streamed} {
		res := ask(t, g, http.MethodPost, ours, token, body)
		for name, want := range map[string]string{
			"X-Answer": "the gateway's", "Cache-Control": "max-age=60", "X-Frame-Options": "DENY", "Access-Control-Allow-Origin": ours,
			"Access-Control-Allow-Credentials": "",
		} {
			if got := strings.Join(res.Header.Values(name), " and "); got != want {
				t.Errorf("%s: %s is %q, want %q", body, name, got, want)
			}
		}
		if body == call {
			continue
		}
		events := bufio.NewReader(res.Body)
		if line, err := events.ReadString('\n'); line != "data: first\n" {
			t.Errorf("the first event is %q, %v", line, err)
		}
		close(u.end)
		if rest, err := io.ReadAll(events); !strings.HasSuffix(string(rest), "data: last\n\n") {
			t.Errorf("the stream goes on with %q, %v", rest, err)
		}
	}
}

// A change of the policy holds from the next request on, and is told as what it is.
func TestPoliciesChangeLive(t *testing.T) {
	g := start(t, newUpstream(t), ours)
	if res := ask(t, g, http.MethodPost, foreign, "", call); res.StatusCode != http.StatusForbidden {
		t.Fatalf("before: %s", res.Status)
	}
	before := g.Policy("clerk").PID
	r := g.Edit("policies.json", `"$env(ORIGINS)"`, `["`+foreign+`"]`, runtime.Applied)
	if len(r.Changes.Routes) != 1 || len(r.Changes.Routes[0].Reasons) != 1 || len(r.Changes.Policies) != 0 ||
		!strings.HasPrefix(r.Changes.Routes[0].Reasons[0].String(), "CORS policy app allowedOrigins: ") {
		t.Errorf("the changes are %+v", r.Changes)
	}
	if res := ask(t, g, http.MethodPost, foreign, "", call); res.StatusCode != http.StatusUnauthorized ||
		res.Header.Get("Access-Control-Allow-Origin") != foreign {
		t.Errorf("afterwards: %s %v", res.Status, res.Header)
	}
	if res := ask(t, g, http.MethodPost, ours, "", call); res.StatusCode != http.StatusForbidden {
		t.Errorf("afterwards the page that could call: %s", res.Status)
	}
	if g.Policy("clerk").PID != before {
		t.Error("G5: a process was started for it")
	}
}
