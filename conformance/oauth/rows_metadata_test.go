package oauth

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Where metadata lies at the origin.
const (
	serverDocument   = "/.well-known/oauth-authorization-server"
	openidDocument   = "/.well-known/openid-configuration"
	resourceDocument = "/.well-known/oauth-protected-resource"
)

func metadataRows() []row {
	return []row{
		{
			id: "A2", holds: "the server's metadata stands wherever a client may look for it, with a base path in three places",
			in: local, play: everyPlace,
		},
		{
			id: "A3", holds: "the issuer is, as a string, what the document's URL was made of, and has no slash at its end",
			in: local, play: issuerAsString,
		},
		{
			id: "A4", holds: "every document says that PKCE is there, by S256 and by nothing else",
			in: local, play: func(t *testing.T, w *world) {
				for _, path := range []string{
					serverDocument, openidDocument, serverDocument + "/closed", openidDocument + "/closed", "/closed" + openidDocument,
				} {
					if got := w.get(t, path).object(t, 200)["code_challenge_methods_supported"]; !cmp.Equal(got, list("S256")) {
						t.Errorf("%s: %v", path, got)
					}
				}
			},
		},
		{
			id: "A7", holds: "the metadata has every field that clients read, and each endpoint that it names is there",
			play: everyField,
		},
		{
			id: "A8", holds: "all that metadata names is https, cookies go over https alone, and no other host name is served",
			play: overTLS,
		},
		{
			id: "A9", holds: "offline_access is the authorization server's alone: no resource and no challenge asks for it",
			play: func(t *testing.T, w *world) {
				if got := texts(w.get(t, serverDocument).object(t, 200)["scopes_supported"]); !slices.Contains(got, "offline_access") {
					t.Errorf("the server's scopes are %v", got)
				}
				if got := texts(w.get(t, resourceDocument+w.path).object(t, 200)["scopes_supported"]); slices.Contains(got, "offline_access") {
					t.Errorf("the resource's scopes are %v", got)
				}
				for _, token := range []string{"", "dwa_unknown"} {
					if said := w.call(t, token).challenge(t, "challenge", 401); strings.Contains(said["scope"], "offline_access") {
						t.Errorf("a challenge asks for %s", said["scope"])
					}
				}
			},
		},
		{
			id: "Q11", holds: "whatever goes wrong below an OAuth or well-known path is told in JSON, and nothing there is a page for people that machines ask",
			play: jsonErrors,
		},
		{
			id: "Q25", holds: "a client that looks at the path, at the root, or for OpenID finds JSON everywhere",
			play: func(t *testing.T, w *world) {
				at, root := w.get(t, resourceDocument+w.path).object(t, 200), w.get(t, resourceDocument).object(t, 200)
				if !cmp.Equal(at, root) {
					t.Errorf("the resource at the root (-at its path +at the root):\n%s", cmp.Diff(at, root))
				}
				for _, path := range []string{serverDocument, openidDocument} {
					if got := w.get(t, path).object(t, 200)["issuer"]; got != w.issuer() {
						t.Errorf("%s: issuer %v", path, got)
					}
				}
			},
		},
		{
			id: "Q39", holds: "a client in a browser may read every document and challenge, after a preflight that needs no token",
			play: browserClients,
		},
		{
			id: "Q46", holds: "a challenge points to where the resource's metadata stands by the rule, and to no place of our own making",
			in: local,
			play: func(t *testing.T, w *world) {
				for _, at := range []*world{w, w.on("/mcp/two"), w.at(t, "closed")} {
					said := at.call(t, "").challenge(t, at.path, 401)
					if said["resource_metadata"] != w.origin+resourceDocument+at.path {
						t.Errorf("%s: %v", at.path, said)
					}
				}
			},
		},
		{
			id: "Q50", holds: "nothing that a client may probe for answers 200 with a page, at the origin as at the MCP path",
			in: local, play: probes,
		},
		{
			id: "S85", holds: "the metadata of a route that is not there is a 404 in JSON, the same for every name",
			in: local, play: unknownRoutes,
		},
	}
}

// list is a JSON list of texts.
func list(all ...string) []any {
	values := make([]any, len(all))
	for i, one := range all {
		values[i] = one
	}
	return values
}

// texts reads a JSON list of texts.
func texts(value any) []string {
	values, _ := value.([]any)
	all := make([]string, 0, len(values))
	for _, one := range values {
		text, _ := one.(string)
		all = append(all, text)
	}
	return all
}

func everyPlace(t *testing.T, w *world) {
	for _, at := range []struct {
		w      *world
		places []string
	}{
		{w, []string{serverDocument, openidDocument}},
		{w.at(t, "closed"), []string{serverDocument + "/closed", openidDocument + "/closed", "/closed" + openidDocument}},
	} {
		first := w.get(t, at.places[0]).object(t, 200)
		for _, place := range at.places {
			got := w.get(t, place)
			document := got.object(t, 200)
			for name, want := range first {
				if !cmp.Equal(want, document[name]) {
					t.Errorf("%s says another %s: %v, not %v", place, name, document[name], want)
				}
			}
			if strings.Contains(place, "openid") {
				for _, name := range []string{"jwks_uri", "subject_types_supported", "id_token_signing_alg_values_supported"} {
					if document[name] == nil {
						t.Errorf("%s has no %s, which OpenID Connect Discovery demands", place, name)
					}
				}
			}
			if head := w.do(t, http.MethodHead, place, ""); head.status != 200 || head.body != "" {
				t.Errorf("HEAD %s: %s", place, head)
			}
		}
	}
	// The other way round is no issuer of ours.
	w.get(t, "/closed"+serverDocument).object(t, 404)
}

func issuerAsString(t *testing.T, w *world) {
	for issuer, places := range map[string][]string{
		w.origin:             {serverDocument, openidDocument},
		w.origin + "/closed": {serverDocument + "/closed", openidDocument + "/closed", "/closed" + openidDocument},
	} {
		for _, place := range places {
			if got := w.get(t, place).object(t, 200)["issuer"]; got != issuer {
				t.Errorf("%s: issuer %v, want %s", place, got, issuer)
			}
			for _, other := range []string{place + "/", strings.ToUpper(place), place + "/mcp/one"} {
				w.get(t, other).object(t, 404)
			}
		}
		if got := w.get(t, resourceDocument+"/mcp/one").object(t, 200)["authorization_servers"]; !cmp.Equal(got, list(w.origin)) {
			t.Errorf("the resource names %v", got)
		}
	}
}

func everyField(t *testing.T, w *world) {
	methods := list("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
	for name, want := range map[string]any{
		"issuer": w.issuer(), "authorization_endpoint": w.issuer() + "/oauth/authorize",
		"token_endpoint": w.issuer() + "/oauth/token", "registration_endpoint": w.issuer() + "/oauth/register",
		"revocation_endpoint": w.issuer() + "/oauth/revoke", "introspection_endpoint": w.issuer() + "/oauth/introspect",
		"scopes_supported": list("mcp:tools", "offline_access"), "response_types_supported": list("code"),
		"response_modes_supported": list("query"), "grant_types_supported": list("authorization_code", "refresh_token"),
		"token_endpoint_auth_methods_supported": methods, "revocation_endpoint_auth_methods_supported": methods,
		"introspection_endpoint_auth_methods_supported": methods[1:], "code_challenge_methods_supported": list("S256"),
		"authorization_response_iss_parameter_supported": true, "client_id_metadata_document_supported": true,
	} {
		if got := w.get(t, serverDocument).object(t, 200)[name]; !cmp.Equal(want, got) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for name, value := range w.get(t, serverDocument).object(t, 200) {
		if strings.HasSuffix(name, "_endpoint") {
			if got := w.do(t, http.MethodPost, w.pathOf(t, value.(string)), ""); got.status == 404 || got.status >= 500 {
				t.Errorf("%s: %s", name, got)
			}
		}
		if strings.HasSuffix(name, "_auth_methods_supported") && slices.Contains(texts(value), "private_key_jwt") {
			algorithms := texts(w.get(t, serverDocument).object(t, 200)[strings.Replace(name, "methods", "signing_alg_values", 1)])
			if !slices.Contains(algorithms, "RS256") || slices.Contains(algorithms, "none") || slices.Contains(algorithms, "HS256") {
				t.Errorf("assertions at %s may be signed by %v", name, algorithms)
			}
		}
	}
}

func overTLS(t *testing.T, w *world) {
	for _, path := range []string{serverDocument, openidDocument, resourceDocument} {
		for _, origin := range []string{w.origin, strings.Replace(w.origin, "https", "http", 1)} { // by whatever it is asked
			for name, value := range send(t, w.http, http.MethodGet, origin+path, "").object(t, 200) {
				at, _ := value.(string)
				url := name == "resource" || name == "issuer" || strings.HasSuffix(name, "_endpoint") || strings.HasSuffix(name, "_uri")
				if url && !strings.HasPrefix(at, "https://") {
					t.Errorf("%s%s: %s is %s", origin, path, name, at)
				}
			}
		}
	}
	a, b := w.app(t), w.browser(t)
	page := b.asked(t, a)
	got := b.press(t, page, "allow")
	if back := got.to().Query().Get("redirect_uri"); back != w.issuer()+"/oauth/callback" {
		t.Errorf("the provider is to send the browser back to %s", back)
	}
	for _, cookie := range slices.Concat(page.header.Values("Set-Cookie"), got.header.Values("Set-Cookie")) {
		if !strings.HasPrefix(cookie, "__Host-") || !strings.Contains(cookie, "; Secure") {
			t.Errorf("the cookie %s", cookie)
		}
	}
	for _, path := range []string{serverDocument, "/oauth/authorize", "/oauth/token", w.path} {
		if got := w.do(t, http.MethodGet, path, "", "Host", "other.example"); got.status != http.StatusMisdirectedRequest {
			t.Errorf("%s at another name: %s", path, got)
		}
	}
}

func jsonErrors(t *testing.T, w *world) {
	for _, path := range []string{
		"/.well-known/", "/.well-known/none", serverDocument + "/none", openidDocument + "/none", resourceDocument + "/none",
		"/oauth", "/oauth/", "/oauth/none", "/oauth/token/", "/authorize", "/token", "/register", "/.well-known/jwks.json",
	} {
		w.get(t, path).object(t, 404)
	}
	for path, method := range map[string]string{
		"/oauth/token": http.MethodGet, "/oauth/register": http.MethodGet, serverDocument: http.MethodPost,
		resourceDocument: http.MethodDelete, "/oauth/jwks": http.MethodPut,
	} {
		got := w.do(t, method, path, "")
		got.refused(t, method+" "+path, http.StatusMethodNotAllowed, "invalid_request")
		if got.header.Get("Allow") == "" {
			t.Errorf("%s %s: no Allow", method, path)
		}
	}
	w.do(t, http.MethodPost, "/oauth/token", "").refused(t, "an empty token request", 400, "invalid_request")
	w.do(t, http.MethodPost, "/oauth/register", "").refused(t, "an empty registration", 400, "invalid_client_metadata")
	w.do(t, http.MethodPost, "/oauth/token", strings.Repeat("x", 1<<20)).object(t, http.StatusRequestEntityTooLarge)
}

func browserClients(t *testing.T, w *world) {
	const page = "http://localhost:6274" // MCP Inspector's
	readable := func(what string, got *answer) {
		t.Helper()
		if all := got.header.Values("Access-Control-Allow-Origin"); !slices.Equal(all, []string{"*"}) ||
			got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: Access-Control-Allow-Origin %q", what, all)
		}
	}
	for path, method := range map[string]string{
		serverDocument: "GET", openidDocument: "GET", resourceDocument: "GET", resourceDocument + w.path: "GET",
		"/oauth/register": "POST", "/oauth/token": "POST", "/oauth/revoke": "POST", w.path: "POST",
	} {
		got := w.do(t, http.MethodOptions, path, "", "Origin", page, "Access-Control-Request-Method", method,
			"Access-Control-Request-Headers", "authorization,content-type,mcp-protocol-version")
		readable("preflight of "+path, got)
		allowed := strings.ToLower(got.header.Get("Access-Control-Allow-Headers"))
		for _, name := range []string{"authorization", "content-type", "mcp-protocol-version"} {
			if !strings.Contains(allowed, name) {
				t.Errorf("preflight of %s: %s is not allowed by %q", path, name, allowed)
			}
		}
		if got.status != http.StatusNoContent || !strings.Contains(got.header.Get("Access-Control-Allow-Methods"), method) {
			t.Errorf("preflight of %s: %s %v", path, got, got.header)
		}
		answered := w.do(t, method, path, "", "Origin", page, "MCP-Protocol-Version", "2025-11-25")
		readable(method+" "+path, answered)
	}
	got := w.do(t, http.MethodPost, w.path, "{}", "Origin", page)
	got.challenge(t, "a call", 401)
	if !strings.Contains(strings.ToLower(got.header.Get("Access-Control-Expose-Headers")), "www-authenticate") {
		t.Error("a page cannot read the challenge")
	}
}

func probes(t *testing.T, w *world) {
	for _, path := range []string{
		"/", "/index.html", "/favicon.ico", "/mcp", "/mcp/", "/mcp/one", "/mcp/one/", "/sse", "/.well-known/mcp.json",
		"/mcp/one" + openidDocument, "/mcp/one" + serverDocument, serverDocument + "/mcp/one", openidDocument + "/mcp/one",
	} {
		for _, accept := range []string{"application/json", "text/html", "text/event-stream"} {
			got := w.do(t, http.MethodGet, path, "", "Accept", accept)
			if got.status < 400 || got.header.Get("Content-Type") != "application/json" {
				t.Errorf("GET %s: %s %s", path, got.header.Get("Content-Type"), got)
			}
		}
	}
}

func unknownRoutes(t *testing.T, w *world) {
	first := ""
	for _, name := range []string{"none", "admin", "crm", "internal/billing", "closed"} {
		got := w.get(t, resourceDocument+"/mcp/unknown-"+name)
		got.object(t, 404)
		if first == "" {
			first = got.body
		}
		if got.body != first {
			t.Errorf("%s is answered otherwise: %s", name, got.body)
		}
	}
	w.get(t, resourceDocument).object(t, 404) // with several routes there is no telling which is meant
}
