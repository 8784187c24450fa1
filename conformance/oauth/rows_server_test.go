package oauth

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

func serverRows() []row {
	return []row{
		{
			id: "B1", holds: "each route's metadata names its authorization server, one and its own",
			in: local, play: func(t *testing.T, w *world) {
				for path, issuer := range map[string]string{
					"/mcp/one": w.origin, "/mcp/two": w.origin, "/mcp/closed": w.origin + "/closed", "/mcp/reduced": w.origin + "/reduced",
				} {
					if got := w.get(t, resourceDocument+path).object(t, 200)["authorization_servers"]; !cmp.Equal(got, list(issuer)) {
						t.Errorf("%s: %v, want %s", path, got, issuer)
					}
				}
			},
		},
		{
			id: "B2", holds: "a resource's metadata is found by the challenge, at its path and, if there is one route, at the root",
			play: func(t *testing.T, w *world) {
				said := w.call(t, "").challenge(t, "no token", 401)
				named := w.get(t, w.pathOf(t, said["resource_metadata"])).object(t, 200)
				for _, place := range []string{resourceDocument, resourceDocument + w.path} {
					if got := w.get(t, place).object(t, 200); !cmp.Equal(named, got) {
						t.Errorf("%s (-by the challenge +there):\n%s", place, cmp.Diff(named, got))
					}
				}
			},
		},
		{
			id: "B3", holds: "the resource in a document is the URL that the document's place was made of, and the one that was called",
			in: local, play: func(t *testing.T, w *world) {
				for _, at := range []*world{w, w.on("/mcp/two"), w.at(t, "closed")} {
					said := at.call(t, "").challenge(t, at.path, 401)
					for _, place := range []string{at.pathOf(t, said["resource_metadata"]), resourceDocument + at.path} {
						if got := at.get(t, place).object(t, 200)["resource"]; got != at.resource() {
							t.Errorf("%s: %v, want %s", place, got, at.resource())
						}
					}
				}
			},
		},
		{
			id: "B4", holds: "a resource's metadata holds what clients read: resource, servers, the least scopes, the header as the only way, a name",
			play: func(t *testing.T, w *world) {
				want := map[string]any{
					"resource": w.resource(), "authorization_servers": list(w.issuer()), "scopes_supported": list("mcp:tools"),
					"bearer_methods_supported": list("header"), "resource_name": "Demo tools",
				}
				if diff := cmp.Diff(want, w.get(t, resourceDocument+w.path).object(t, 200)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			},
		},
		{
			id: "B5", holds: "without a token a call is challenged with metadata and scope, and with no error",
			play: func(t *testing.T, w *world) {
				got := w.call(t, "")
				want := map[string]string{"resource_metadata": w.origin + resourceDocument + w.path, "scope": "mcp:tools"}
				if diff := cmp.Diff(want, got.challenge(t, "no token", 401)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			},
		},
		{
			id: "B6", holds: "a token that is unknown, expired, taken back or of another route is 401 invalid_token, with metadata and scope",
			in: moved, play: badTokens,
		},
		{
			id: "B9", holds: "who is not known is 401, what is malformed 400; what is known and not enough 403",
			play: statuses,
			breaks: []edit{{"policies/oauth/challenge.go", `return "", errors.New("malformed bearer credential")`,
				`return "", nil`}},
		},
		{
			id: "B10", holds: "there is one challenge in one line that a simple parser reads, and the scheme is read in any case",
			play: func(t *testing.T, w *world) {
				got := w.browser(t).tokens(t, w.app(t))
				for _, scheme := range []string{"Bearer", "bearer", "BEARER", "bEaReR"} {
					if answer := w.call(t, "", "Authorization", scheme+" "+got.Access); answer.status != 200 {
						t.Errorf("%s: %s", scheme, answer)
					}
				}
				for _, token := range []string{"", "unknown", "dwa_" + strings.Repeat("A", 48)} {
					w.call(t, token).challenge(t, "token "+token, 401) // holds it against the grammar
				}
				w.call(t, "", "Authorization", "Bearer").challenge(t, "malformed", 400)
			},
		},
		{
			id: "B11", holds: "every request brings its token in the header: one in the URL or the body is not looked at",
			play: func(t *testing.T, w *world) {
				got := w.browser(t).tokens(t, w.app(t))
				for range 2 {
					w.alive(t, "in the header", got.Access)
					if said := w.call(t, "").challenge(t, "the next without", 401); said["error"] != "" {
						t.Errorf("%v", said)
					}
				}
				other := w.on(w.path + "?access_token=" + got.Access)
				if said := other.call(t, "").challenge(t, "in the URL", 401); said["error"] != "" {
					t.Errorf("a token in the URL is looked at: %v", said)
				}
				other.dead(t, "in the URL, beside another", "dwa_unknown")
				form := w.do(t, http.MethodPost, w.path, url.Values{"access_token": {got.Access}}.Encode(), "Content-Type", formType)
				if said := form.challenge(t, "in the body", 401); said["error"] != "" {
					t.Errorf("a token in the body is looked at: %v", said)
				}
			},
		},
		{
			id: "B12", holds: "a token is good on its own route, of its own server, until it is taken back, and nowhere else",
			in: local, play: audience,
		},
		{
			id: "B13", holds: "no other token is taken or passed on: the MCP server never sees the client's",
			play: func(t *testing.T, w *world) {
				got := w.browser(t).tokens(t, w.app(t))
				header := w.call(t, got.Access, "Cookie", "session=x", "X-Other", "kept").reached(t).Header
				if header.Get("Authorization") != "" || header.Get("Cookie") != "" || header.Get("X-Other") != "kept" {
					t.Errorf("the MCP server was told %v", header)
				}
				for _, token := range w.provider.gaveOut()[:3] { // of whomever
					w.dead(t, "a token of the provider's", token)
				}
			},
			breaks: []edit{{"runtime/internal/proxy/header.go", `"Authorization", "Cookie", "Cookie2",`,
				`"Authorization", "Cookie2",`}},
		},
		{
			id: "Q2", holds: "a token for just the resource that metadata names is good there",
			play: func(t *testing.T, w *world) {
				named, _ := w.get(t, resourceDocument+w.path).object(t, 200)["resource"].(string)
				a := w.app(t)
				got := a.redeem(t, w.browser(t).code(t, a, "resource", named), "resource", named).tokens(t)
				w.alive(t, "its token", got.Access)
			},
		},
		{
			id: "Q9", holds: "every method is challenged before it is said which are allowed",
			play: func(t *testing.T, w *world) {
				for _, method := range []string{"GET", "POST", "DELETE", "PUT", "PATCH", "HEAD"} {
					got := w.do(t, method, w.path, "")
					if method == "HEAD" {
						got.body = "{}" // an answer to HEAD has none
					}
					if method == "GET" || method == "POST" || method == "DELETE" {
						got.challenge(t, method, 401)
					} else if got.status != 401 && got.status != 405 || got.status == 405 && got.header.Get("Allow") == "" {
						t.Errorf("%s, which MCP does not have: %s", method, got)
					}
				}
			},
		},
		{
			id: "Q10", holds: "resource_metadata is an absolute URL at the origin that was called, with the token missing as with it wrong",
			play: func(t *testing.T, w *world) {
				for _, token := range []string{"", "wrong"} {
					said := w.call(t, token).challenge(t, "token "+token, 401)
					if at, err := url.Parse(said["resource_metadata"]); err != nil || at.Scheme+"://"+at.Host != w.origin {
						t.Errorf("token %q: %v", token, said)
					}
				}
			},
		},
		{
			id: "Q44", holds: "a route serves both eras of the protocol: with sessions, and without",
			in: local, play: bothEras,
		},
		{
			id: "S56", holds: "each kind of token is good for its own use alone",
			play: mixedUp,
		},
		{
			id: "S62", holds: "a token of one route is refused at another, one for the root of the gateway cannot be had, and none is without an audience",
			in: local, play: confinedToOneRoute,
			breaks: []edit{{"policies/oauth/challenge.go", `access.Data.Resource != resourceOf(request.Origin, route.Path) || `,
				`access.Data.Resource == "" || `}},
		},
		{
			id: "S63", holds: "the MCP server is told nothing of the client's credentials, however they are sent",
			play: func(t *testing.T, w *world) {
				got := w.browser(t).tokens(t, w.app(t))
				reached := w.call(t, got.Access, "Cookie", "a=b; "+strings.Join(w.browser(t).cookies(t), "=1; "), "Proxy-Authorization",
					"Basic eDp5", "X-Forwarded-User", "root", "X-Forwarded-For", "1.2.3.4").reached(t)
				for _, name := range []string{"Authorization", "Cookie", "Proxy-Authorization", "X-Forwarded-User"} {
					if value := reached.Header.Get(name); value != "" {
						t.Errorf("it is told %s: %s", name, value)
					}
				}
				for name, values := range reached.Header {
					if strings.Contains(strings.Join(values, " "), got.Access) {
						t.Errorf("the token stands in %s", name)
					}
				}
				if strings.Contains(reached.Target+reached.Body, got.Access) {
					t.Errorf("the token stands in %s %s", reached.Target, reached.Body)
				}
			},
			breaks: []edit{{"runtime/internal/proxy/header.go", `"Authorization", "Cookie", "Cookie2",`,
				`"Cookie", "Cookie2",`}},
		},
		{
			id: "S64", holds: "a token in the URL or in a form is ignored, two headers are 400, and a token that is two words is 400",
			play: tokensElsewhere,
			breaks: []edit{{"policies/oauth/challenge.go", `if len(values) > 1 {`,
				`if len(values) > 2 {`}},
		},
		{
			id: "S65", holds: "a JWT is no token here, whatever it says and whoever signed it",
			play: anyJWT,
		},
	}
}

func badTokens(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	want := map[string]string{"resource_metadata": w.origin + resourceDocument + w.path, "scope": "mcp:tools", "error": "invalid_token"}
	refused := func(what, token string) {
		t.Helper()
		said := w.call(t, token).challenge(t, what, 401)
		delete(said, "error_description")
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	got := b.tokens(t, a)
	refused("noise", "noise")
	refused("cut short", got.Access[:len(got.Access)-1])
	refused("longer", got.Access+"A")
	refused("in other letters", strings.ToUpper(got.Access))
	w.on("/mcp/two").dead(t, "of another route", got.Access)
	w.alive(t, "the right one", got.Access)
	b.press(t, b.get(t, "/oauth/grants"), "revoke-all")
	refused("taken back", got.Access)
	got = b.tokens(t, a)
	w.forward(16 * time.Minute)
	refused("expired", got.Access)
}

func statuses(t *testing.T, w *world) {
	if said := w.call(t, "").challenge(t, "nobody", 401); said["error"] != "" {
		t.Errorf("nobody: %v", said)
	}
	w.dead(t, "an unknown token", "dwa_unknown")
	for _, malformed := range []string{"Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer \"a\"", "Bearer a\tb", "Bearer é"} {
		if said := w.call(t, "", "Authorization", malformed).challenge(t, malformed, 400); said["error"] != "invalid_request" {
			t.Errorf("%q: %v", malformed, said)
		}
	}
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	narrow := a.refresh(t, got.Refresh, "scope", "offline_access").tokens(t)
	if said := w.call(t, narrow.Access).challenge(t, "a token without the scope", 403); said["error"] != "insufficient_scope" {
		t.Errorf("not enough: %v", said)
	}
}

func audience(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	got := b.tokens(t, a)
	closed := w.at(t, "closed")
	foreign := closed.browser(t).tokens(t, closed.app(t))
	for range 2 { // and what one route has decided is no decision of another's
		w.alive(t, "on its own route", got.Access)
		w.on("/mcp/two").dead(t, "on another route", got.Access)
		closed.dead(t, "at another server", got.Access)
		closed.alive(t, "the other server's", foreign.Access)
		w.dead(t, "the other server's, here", foreign.Access)
	}
	b.press(t, b.get(t, "/oauth/grants"), "revoke")
	w.dead(t, "taken back", got.Access)
}

func bothEras(t *testing.T, w *world) {
	at := w.on("/mcp/sample")
	a := at.app(t)
	token := "Bearer " + at.browser(t).tokens(t, a).Access
	usual := []string{"Authorization", token, "Content-Type", "application/json", "Accept", "application/json, text/event-stream"}
	begun := at.do(t, http.MethodPost, at.path, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25",`+
		`"capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`, usual...)
	session := begun.header.Get("Mcp-Session-Id")
	if begun.status != 200 || session == "" {
		t.Fatalf("initialize: %s", begun)
	}
	got := at.do(t, http.MethodPost, at.path, `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`,
		append([]string{"Mcp-Session-Id", session, "MCP-Protocol-Version", "2025-11-25"}, usual...)...)
	if got.status != 200 || !strings.Contains(got.body, `"echo"`) {
		t.Errorf("with a session: %s", got)
	}
	got = at.do(t, http.MethodPost, at.path, gateway.Echo, append([]string{
		"MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "echo"}, usual...)...)
	if got.status != 200 || !strings.Contains(got.body, "hello") {
		t.Errorf("without: %s", got)
	}
}

func mixedUp(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	code := b.code(t, a)
	w.dead(t, "a code as bearer", code)
	got := a.redeem(t, code).tokens(t)
	w.dead(t, "a used code as bearer", code)
	w.dead(t, "a refresh token as bearer", got.Refresh)
	a.refresh(t, got.Access).refused(t, "an access token as refresh token", 400, "invalid_grant")
	a.refresh(t, code).refused(t, "a code as refresh token", 400, "invalid_grant")
	a.redeem(t, got.Refresh).refused(t, "a refresh token as code", 400, "invalid_grant")
	a.redeem(t, got.Access).refused(t, "an access token as code", 400, "invalid_grant")
	for _, token := range w.provider.gaveOut()[:3] {
		w.dead(t, "the provider's as bearer", token)
		a.refresh(t, token).refused(t, "the provider's as refresh token", 400, "invalid_grant")
	}
	w.alive(t, "the access token as it is meant", got.Access)
}

func confinedToOneRoute(t *testing.T, w *world) {
	a, b := w.app(t), w.browser(t)
	one, two := w, w.on("/mcp/two")
	tokenOfOne := b.tokens(t, a).Access
	other := *a
	other.w = two
	tokenOfTwo := b.tokens(t, &other).Access
	for range 2 {
		one.alive(t, "one's at one", tokenOfOne)
		two.dead(t, "one's at two", tokenOfOne)
		two.alive(t, "two's at two", tokenOfTwo)
		one.dead(t, "two's at one", tokenOfTwo)
	}
	for _, resource := range []string{w.origin, w.origin + "/", w.origin + "/mcp", w.origin + "/mcp/", w.origin + "/mcp/*", ""} {
		said := b.get(t, a.ask("resource", resource)).errorTo(t, "resource "+resource, a, "invalid_target")
		if !strings.Contains(said.Get("error_description"), w.origin+"/mcp/one") {
			t.Errorf("resource %q: it is not said what is accepted: %v", resource, said)
		}
	}
}

func tokensElsewhere(t *testing.T, w *world) {
	a := w.app(t)
	got := w.browser(t).tokens(t, a)
	in := w.on(w.path + "?access_token=" + got.Access)
	if said := in.call(t, "").challenge(t, "in the URL", 401); said["error"] != "" {
		t.Errorf("in the URL: %v", said)
	}
	form := w.do(t, http.MethodPost, w.path, url.Values{"access_token": {got.Access}}.Encode(), "Content-Type", formType)
	if said := form.challenge(t, "in a form", 401); said["error"] != "" {
		t.Errorf("in a form: %v", said)
	}
	for what, headers := range map[string][]string{
		"two headers":          {"Authorization", "Bearer " + got.Access, "Authorization", "Bearer " + got.Access},
		"two kinds of headers": {"Authorization", "Bearer " + got.Access, "Authorization", "Basic eDp5"},
		"Bearer twice":         {"Authorization", "Bearer Bearer " + got.Access},
		"two tokens":           {"Authorization", "Bearer " + got.Access + ", Bearer " + got.Access},
		"two words":            {"Authorization", "Bearer " + got.Access + " " + got.Access},
	} {
		if said := w.do(t, http.MethodPost, w.path, "{}", headers...).challenge(t, what, 400); said["error"] != "invalid_request" {
			t.Errorf("%s: %v", what, said)
		}
	}
	w.alive(t, "in the header, once", got.Access)
	// What is in the URL goes where it was sent, and no further than it would without the gateway.
	reached := w.on(w.path+"?access_token=other").call(t, got.Access).reached(t)
	if strings.Contains(reached.Target, got.Access) {
		t.Errorf("the token reaches the MCP server in %s", reached.Target)
	}
}

func anyJWT(t *testing.T, w *world) {
	now := time.Now()
	claims := func(changes map[string]any) map[string]any {
		return clienthost.Claims("dw-client", w.resource(), changes)
	}
	key, ec := clienthost.NewKey(t, "one"), clienthost.NewECKey(t, "../../etc/passwd")
	tokens := map[string]string{
		"in form":              key.Assert(t, claims(map[string]any{"iss": w.issuer(), "aud": w.resource(), "scope": "mcp:tools"})),
		"expired":              key.Assert(t, claims(map[string]any{"iss": w.issuer(), "exp": now.Add(-time.Hour).Unix()})),
		"not yet":              key.Assert(t, claims(map[string]any{"iss": w.issuer(), "nbf": now.Add(time.Hour).Unix()})),
		"a longer issuer":      key.Assert(t, claims(map[string]any{"iss": w.issuer() + ".evil.example"})),
		"a key that is a path": ec.Assert(t, claims(map[string]any{"iss": w.issuer()})),
		"HS256": clienthost.Sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))},
			claims(map[string]any{"iss": w.issuer()})),
	}
	raw := func(header, payload string) string {
		encode := base64.RawURLEncoding.EncodeToString
		return encode([]byte(header)) + "." + encode([]byte(payload)) + "."
	}
	payload := `{"iss":"` + w.issuer() + `","aud":"` + w.resource() + `","sub":"user_ada","scope":"mcp:tools"}`
	tokens["alg none"] = raw(`{"alg":"none","typ":"at+jwt"}`, payload)
	tokens["jku"] = raw(`{"alg":"RS256","jku":"https://evil.example/jwks.json"}`, payload) + "c2ln"
	tokens["x5u"] = raw(`{"alg":"RS256","x5u":"https://evil.example/cert.pem","kid":"https://evil.example/"}`, payload) + "c2ln"
	w.browser(t).signIn(t)
	tokens["the provider's"] = w.provider.gaveOut()[0]
	for what, token := range tokens {
		w.dead(t, what, token)
	}
}
