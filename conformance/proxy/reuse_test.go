package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"

	"durward/conformance/gateway"
)

// TestE: a POST that is answered before its body was read leaves the connection in order. What is left of the body is
// read away and the connection used again; if it is more than a server should read away (256 KiB), the answer says that
// the connection ends, and the client does not run into it.
func TestE_AfterARejectedPost(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(upstream.Close)
	g := gateway.Start(t, func(g *gateway.Gateway) { g.Setenv("DURWARD_DEMO_UPSTREAM", upstream.URL) })
	live := "Bearer " + g.MustLogin(t).Tokens.AccessToken

	const small, large, tooLarge = 100 << 10, 1 << 20, 5 << 20
	tests := map[string]struct {
		path, authorization string
		size                int
		chunked             bool
		status              int
		ends                bool // the answer says that the connection ends
	}{
		"401 without a token":                    {"/mcp/demo", "", small, false, 401, false},
		"401 without a token, chunked":           {"/mcp/demo", "", small, true, 401, false},
		"401 with a token that is none":          {"/mcp/demo", "Bearer dwa_none", small, false, 401, false},
		"401 with more than is read away":        {"/mcp/demo", "", large, false, 401, true},
		"400 with a malformed token":             {"/mcp/demo", "Bearer a b", small, false, 400, false},
		"404":                                    {"/nothing", "", small, false, 404, false},
		"413 of a policy's path":                 {"/oauth/register", "", small, false, 413, false},
		"413 of a route, length not announced":   {"/mcp/demo", live, 4<<20 + small, true, 413, false},
		"413 of a route, with more than is read": {"/mcp/demo", live, tooLarge, false, 413, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := newClient(t)
			var body io.Reader = bytes.NewReader(make([]byte, test.size))
			if test.chunked {
				body = io.MultiReader(body)
			}
			first := send(t, within(t), c, g.URL+test.path, test.authorization, body)
			if first.status != test.status || first.ends != test.ends {
				t.Errorf("status %d, the connection ends: %v; want %d, %v", first.status, first.ends, test.status, test.ends)
			}
			second := send(t, within(t), c, g.MCP(), live, bytes.NewReader([]byte(`{"jsonrpc":"2.0","id":1,"method":"ping"}`)))
			if second.status != http.StatusOK || second.body != `{"jsonrpc":"2.0","id":1,"method":"ping"}` {
				t.Errorf("the next request is answered %d %q", second.status, second.body)
			}
			if second.reused == test.ends {
				t.Errorf("the connection was used again: %v", second.reused)
			}
		})
	}
	for _, l := range g.Log.Lines(func(l gateway.Line) bool {
		return l.Fields["aborted"] == true || bytes.Contains([]byte(l.Text), []byte("panic"))
	}) {
		t.Errorf("the log tells of trouble: %s", l.Text)
	}
}

// answer is what came of a request.
type answer struct {
	status       int
	body         string
	ends, reused bool
}

func send(t *testing.T, ctx context.Context, c *http.Client, url, authorization string, body io.Reader) (a answer) {
	t.Helper()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { a.reused = i.Reused }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	a.status, a.body, a.ends = res.StatusCode, string(text), res.Close
	return a
}
