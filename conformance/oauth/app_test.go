package oauth

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"durward/conformance/clienthost"
)

// metadata is what a client says of itself when it registers.
type metadata map[string]any

// app is a client.
type app struct {
	w                                      *world
	id, secret, method, redirect, verifier string
	// said is the registration's answer, nil if the client did not register.
	said map[string]any
	// key signs the assertions of a client whose method is private_key_jwt.
	key *clienthost.Key
}

// registration sends a registration. body is JSON text, or a value that becomes it.
func (w *world) registration(t testing.TB, body any) *answer {
	t.Helper()
	text, ok := body.(string)
	if !ok {
		made, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(made)
	}
	return w.do(t, http.MethodPost, w.base+"/oauth/register", text, "Content-Type", "application/json")
}

// usualRedirect is where the rows' clients are answered, unless the row is about where.
const usualRedirect = "https://app.example/callback"

// app registers a public client that is answered at the redirect URIs, of which it uses the first.
func (w *world) app(t testing.TB, redirects ...string) *app {
	t.Helper()
	if len(redirects) == 0 {
		redirects = []string{usualRedirect}
	}
	return w.register(t, metadata{"redirect_uris": redirects})
}

// register registers a client of this metadata.
func (w *world) register(t testing.TB, m metadata) *app {
	t.Helper()
	all := metadata{"client_name": "Conformance", "redirect_uris": []string{usualRedirect}}
	maps.Copy(all, m)
	said := w.registration(t, all).object(t, http.StatusCreated)
	a := &app{w: w, said: said, verifier: oauth2.GenerateVerifier()}
	a.id, _ = said["client_id"].(string)
	a.secret, _ = said["client_secret"].(string)
	a.method, _ = said["token_endpoint_auth_method"].(string)
	if list, ok := said["redirect_uris"].([]any); ok {
		a.redirect, _ = list[0].(string)
	}
	return a
}

// ask is the URL to which the client sends a person. params are names and values in turn, and take the place of what is
// usual; one that is empty is left out.
func (a *app) ask(params ...string) string {
	query := url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {a.redirect}, "state": {"state-of-the-app"},
		"code_challenge": {s256(a.verifier)}, "code_challenge_method": {"S256"}, "resource": {a.w.resource()},
		"scope": {"mcp:tools offline_access"},
	}
	change(query, params)
	return a.w.issuer() + "/oauth/authorize?" + query.Encode()
}

// change sets parameters, names and values in turn; one that is empty is taken out.
func change(of url.Values, params []string) {
	for i := 0; i < len(params); i += 2 {
		of.Set(params[i], params[i+1])
		if params[i+1] == "" {
			of.Del(params[i])
		}
	}
}

// redeem exchanges a code for tokens. params are as in ask.
func (a *app) redeem(t testing.TB, code string, params ...string) *answer {
	t.Helper()
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {a.verifier}, "redirect_uri": {a.redirect},
	}
	change(form, params)
	return a.post(t, "/oauth/token", form)
}

// refresh exchanges a refresh token. params are as in ask.
func (a *app) refresh(t testing.TB, token string, params ...string) *answer {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	change(form, params)
	return a.post(t, "/oauth/token", form)
}

// post sends a form as the client, which says who it is by the method that it registered.
func (a *app) post(t testing.TB, path string, form url.Values) *answer {
	t.Helper()
	headers := []string{"Content-Type", "application/x-www-form-urlencoded"}
	switch a.method {
	case "none", "":
		setAbsent(form, "client_id", a.id)
	case "client_secret_post":
		setAbsent(form, "client_id", a.id)
		setAbsent(form, "client_secret", a.secret)
	case "client_secret_basic":
		headers = append(headers, "Authorization", basic(a.id, a.secret))
	case "private_key_jwt":
		setAbsent(form, "client_assertion_type", clienthost.AssertionType)
		setAbsent(form, "client_assertion", a.key.Assert(t, clienthost.Claims(a.id, a.w.issuer(), nil)))
	default:
		t.Fatalf("a client of the method %s", a.method)
	}
	return a.w.do(t, http.MethodPost, a.w.base+path, form.Encode(), headers...)
}

func setAbsent(form url.Values, name, value string) {
	if !form.Has(name) {
		form.Set(name, value)
	}
}

// basic is the credential of HTTP Basic, in which id and secret are form-encoded first (RFC 6749 section 2.3.1).
func basic(id, secret string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return r.Header.Get("Authorization")
}

// tokens are what a client is given.
type tokens struct {
	Access, Refresh, Scope string
	ExpiresIn              float64
}

// tokens wants an answer of tokens, whole and well-formed.
func (a *answer) tokens(t testing.TB) tokens {
	t.Helper()
	o := a.object(t, http.StatusOK)
	if a.header.Get("Cache-Control") != "no-store" || o["token_type"] != "Bearer" {
		t.Errorf("tokens: %s, Cache-Control %q", a.body, a.header.Get("Cache-Control"))
	}
	text := func(name string) string { s, _ := o[name].(string); return s }
	got := tokens{Access: text("access_token"), Refresh: text("refresh_token"), Scope: text("scope")}
	got.ExpiresIn, _ = o["expires_in"].(float64)
	if got.Access == "" || got.Refresh == "" || got.ExpiresIn <= 0 || len(o) != 5 {
		t.Fatalf("tokens: %s", a.body)
	}
	return got
}

// message is a call of a tool in the later era of the protocol.
func message(method, name, more string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":{"name":%q,%s"_meta":{`+
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}`,
		method, name, more)
}

// call calls the tool echo with a token. headers come on top, or in place of what is usual.
func (w *world) call(t testing.TB, token string, headers ...string) *answer {
	t.Helper()
	return w.tool(t, token, "echo", headers...)
}

// tool calls a tool with a token.
func (w *world) tool(t testing.TB, token, name string, headers ...string) *answer {
	t.Helper()
	all := map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": "application/json",
		"Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28",
		"Mcp-Method": "tools/call", "Mcp-Name": name,
	}
	if token == "" {
		delete(all, "Authorization")
	}
	for i := 0; i < len(headers); i += 2 {
		all[headers[i]] = headers[i+1]
	}
	var flat []string
	for name, value := range all {
		flat = append(flat, name, value)
	}
	return w.do(t, http.MethodPost, w.path, message("tools/call", name, ""), flat...)
}

// reached answers what the MCP server was told, of an answer that must be its own.
func (a *answer) reached(t testing.TB) told {
	t.Helper()
	var o struct {
		Result struct {
			Told *told `json:"structuredContent"`
		} `json:"result"`
	}
	if err := json.Unmarshal([]byte(a.body), &o); err != nil || a.status != http.StatusOK || o.Result.Told == nil {
		t.Fatalf("the MCP server was not reached: %s", a)
	}
	return *o.Result.Told
}

// alive wants a token to be good on the route.
func (w *world) alive(t testing.TB, what, token string) {
	t.Helper()
	if got := w.call(t, token); got.status != http.StatusOK {
		t.Errorf("%s: a call is answered %s, want 200", what, got)
	}
}

// dead wants a token to be refused on the route as no token of it, and its holder to be told where to get one (B6).
func (w *world) dead(t testing.TB, what, token string) {
	t.Helper()
	said := w.call(t, token).challenge(t, what, http.StatusUnauthorized)
	path, _, _ := strings.Cut(w.path, "?")
	if said["error"] != "invalid_token" || said["resource_metadata"] != w.origin+resourceDocument+path || !scopesOf(said["scope"])["mcp:tools"] {
		t.Errorf("%s: the challenge is %v", what, said)
	}
}

// words of a scope, as a set.
func scopesOf(scope string) map[string]bool {
	set := map[string]bool{}
	for one := range strings.FieldsSeq(scope) {
		set[one] = true
	}
	return set
}
