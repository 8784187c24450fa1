package signin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/gateway"
)

// app is an MCP client that somebody registered.
type app struct {
	w                      *world
	id, redirect, verifier string
}

// register registers a client that is answered at the redirect URIs, of which it uses the first.
func (w *world) register(t testing.TB, name string, redirects ...string) *app {
	t.Helper()
	if len(redirects) == 0 {
		redirects = []string{"https://app.example/callback"}
	}
	body, err := json.Marshal(map[string]any{"client_name": name, "redirect_uris": redirects})
	if err != nil {
		t.Fatal(err)
	}
	status, text := w.do(t, http.MethodPost, w.base+"/oauth/register", bytes.NewReader(body), "Content-Type", "application/json")
	var registered struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(text), &registered); err != nil || status != http.StatusCreated {
		t.Fatalf("register: %d %s", status, text)
	}
	return &app{w: w, id: registered.ID, redirect: redirects[0], verifier: oauth2.GenerateVerifier()}
}

// ask is the URL to which the client sends a person. params are names and values in turn, and take the place of what is
// usual; one that is empty is left out.
func (a *app) ask(params ...string) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {a.redirect}, "state": {"state-of-the-app"},
		"code_challenge": {s256(a.verifier)}, "code_challenge_method": {"S256"}, "resource": {a.w.resource()},
		"scope": {"mcp:tools offline_access"},
	}
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
		if params[i+1] == "" {
			query.Del(params[i])
		}
	}
	return a.w.base + "/oauth/authorize?" + query.Encode()
}

// tokens are what a client holds.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Error   string `json:"error"`
	// text is the whole answer.
	text string
}

// redeem exchanges a code for tokens.
func (a *app) redeem(t testing.TB, code string) tokens {
	t.Helper()
	return a.token(t, url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.verifier}, "redirect_uri": {a.redirect},
	})
}

// refresh exchanges a refresh token.
func (a *app) refresh(t testing.TB, token string) tokens {
	t.Helper()
	return a.token(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (a *app) token(t testing.TB, form url.Values) tokens {
	t.Helper()
	form.Set("client_id", a.id)
	_, text := a.w.do(t, http.MethodPost, a.w.base+"/oauth/token", strings.NewReader(form.Encode()),
		"Content-Type", "application/x-www-form-urlencoded")
	got := tokens{text: text}
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("token: %s", text)
	}
	return got
}

// call calls a tool with a token, and answers the status and the headers that reached the MCP server. headers are names
// and values in turn.
func (w *world) call(t testing.TB, token string, headers ...string) (int, http.Header) {
	t.Helper()
	status, text := w.do(t, http.MethodPost, w.path, strings.NewReader(gateway.Echo), append([]string{
		"Authorization", "Bearer " + token, "Content-Type", "application/json",
		"Accept", "application/json, text/event-stream", "MCP-Protocol-Version", "2026-07-28",
		"Mcp-Method", "tools/call", "Mcp-Name", "echo",
	}, headers...)...)
	var told struct {
		Result struct {
			Headers http.Header `json:"structuredContent"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(text), &told); err != nil && status == http.StatusOK {
		t.Fatalf("call: %s", text)
	}
	return status, told.Result.Headers
}

// do sends a request that no browser sends.
func (w *world) do(t testing.TB, method, path string, body io.Reader, headers ...string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.origin+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}
