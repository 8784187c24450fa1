package oauth_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/policies/oauth"
	"durward/policies/policytest"
)

// newWorldAt makes a world whose policy lies below a base path.
func newWorldAt(t *testing.T, base string, routes ...string) *world {
	t.Helper()
	w := newWorldWith(t, optionsAt(base), routes...)
	w.base = base
	return w
}

func optionsAt(base string) string {
	return `{"clientId":"c","clientSecret":"canary-secret","gateway":{"basePath":"` + base + `"}}`
}

// TestA2_A3_IssuerWithPath: the metadata of an issuer with a path lies at the three places at which clients look, under
// the issuer's own name, and nowhere else.
func TestA2_A3_IssuerWithPath(t *testing.T) {
	const base = "/sign-in/staff"
	w := newWorldAt(t, base)
	issuer := origin + base
	want := wantedMetadata(issuer)
	if diff := cmp.Diff(want, w.get("/.well-known/oauth-authorization-server"+base).json(t)); diff != "" {
		t.Errorf("RFC 8414, inserted (-want +got):\n%s", diff)
	}
	want["jwks_uri"] = issuer + "/oauth/jwks"
	want["subject_types_supported"] = []any{"public"}
	want["id_token_signing_alg_values_supported"] = []any{"RS256"}
	want["request_uri_parameter_supported"] = false
	for _, path := range []string{"/.well-known/openid-configuration" + base, base + "/.well-known/openid-configuration"} {
		if diff := cmp.Diff(want, w.get(path).json(t)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
	resource := w.get("/.well-known/oauth-protected-resource/mcp/demo").json(t)
	if diff := cmp.Diff([]any{issuer}, resource["authorization_servers"]); diff != "" {
		t.Errorf("authorization_servers (-want +got):\n%s", diff)
	}
	if resource["resource"] != origin+"/mcp/demo" {
		t.Errorf("resource %v: it has nothing to do with where people sign in", resource["resource"])
	}
	served := map[string]bool{}
	for _, path := range w.gateway.Report.Paths {
		served[path.Path] = true
		if !path.Admin && !strings.HasPrefix(path.Path, base+"/") && !strings.HasPrefix(path.Path, "/.well-known/") {
			t.Errorf("%s lies outside of the base path", path.Path)
		}
	}
	for _, path := range []string{
		"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration",
		"/.well-known/oauth-protected-resource", base + "/.well-known/oauth-authorization-server",
	} {
		if served[path] {
			t.Errorf("%s is served: it is another issuer's", path)
		}
	}
	wantFacts := []policies.Fact{
		{Name: "provider", Value: policytest.ProviderIssuer},
		{Name: "issuer", Value: issuer}, {Name: "callback URL", Value: issuer + "/oauth/callback"},
		{Name: "metadata URL", Value: origin + "/.well-known/oauth-authorization-server" + base},
		{Name: "resource of r-mcp-demo", Value: origin + "/mcp/demo"},
	}
	input := w.gateway.Input
	input.Origins = []string{origin}
	if diff := cmp.Diff(wantFacts, oauth.Policy(policytest.NewProvider()).Validate(input).Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// TestFlowBelowABasePath goes all the way with characters in the base path that some software writes anew.
func TestFlowBelowABasePath(t *testing.T) {
	for _, base := range []string{"/staff", "/a/b/c", "/it's!(a)*~b;c=d,e:@f&g+h$", "/.hidden/...", "/mcp/demo"} {
		t.Run(base, func(t *testing.T) {
			w := newWorldAt(t, base)
			challenge := w.get("/mcp/demo").Header.Get("WWW-Authenticate")
			if !strings.Contains(challenge, `resource_metadata="`+origin+`/.well-known/oauth-protected-resource/mcp/demo"`) {
				t.Errorf("challenge: %s", challenge)
			}
			client := w.client()
			page := w.authorize(ask(client))
			if sent := formTarget(t, page); sent != origin+base+"/oauth/consent" {
				t.Errorf("the consent form goes to %s", sent)
			}
			at := w.consent(page, "allow").location(t)
			if got := at.Query().Get("redirect_uri"); got != origin+base+"/oauth/callback" {
				t.Errorf("the provider is told the callback %s", got)
			}
			back := w.callback(at, "alice").location(t)
			if back.Query().Get("iss") != origin+base {
				t.Errorf("RFC 9207: iss %s", back.Query().Get("iss"))
			}
			held := w.tokensOf(client, w.post("/oauth/token", redemption(client, back.Query().Get("code"))))
			w.wantCall("the token", "/mcp/demo", held.access, http.StatusOK)
			held = w.tokensOf(client, w.post("/oauth/token", renewal(client, held.refresh)))
			w.wantCall("the fresh token", "/mcp/demo", held.access, http.StatusOK)

			declined := w.consent(w.authorize(ask(client)), "deny").location(t)
			if declined.Query().Get("iss") != origin+base || declined.Query().Get("error") != "access_denied" {
				t.Errorf("RFC 9207: an error comes as %s", declined)
			}
			grants := w.grants()
			if sent := formTarget(t, grants.answer); sent != origin+base+"/oauth/grants" || len(grants.ids) != 1 {
				t.Errorf("the page of grants sends its form to %s and lists %d", sent, len(grants.ids))
			}
			ended := w.onGrants(w.browser, url.Values{"csrf": {grants.csrf}, "answer": {"revoke-all"}})
			w.wantRedirect("revoke", ended, base+"/oauth/grants")
			w.wantCall("revoked", "/mcp/demo", held.access, http.StatusUnauthorized)
			out := w.onGrants(w.browser, url.Values{"csrf": {w.grants().csrf}, "answer": {"sign-out"}})
			w.wantRedirect("sign out", out, base+"/oauth/signed-out")
			in := w.onGrants(w.browser, url.Values{"answer": {"sign-in"}}).location(t)
			w.wantRedirect("sign in", w.callback(in, "alice"), base+"/oauth/grants")
		})
	}
}

var action = regexp.MustCompile(`action="([^"]+)"`)

// formTarget is where a page's first form leads, as a browser reads it.
func formTarget(t *testing.T, page answer) string {
	t.Helper()
	found := action.FindStringSubmatch(page.body)
	if found == nil {
		t.Fatalf("no form: %s", page.body)
	}
	at, err := page.Request.URL.Parse(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}

// TestB12_MovedServerIsAnother: what was issued under another issuer is not good any more, and nothing that was under way
// there ends here. Only the person's list of what they have allowed still shows it, so that it can be taken back.
func TestB12_MovedServerIsAnother(t *testing.T) {
	w := newWorldAt(t, "/old")
	held := w.signIn("alice")
	code := w.consent(w.authorize(ask(held.client)), "allow").location(t).Query().Get("code")
	page := w.formOf(w.authorize(ask(held.client)))
	underWay := w.atProviderBy(held.client, "switch")
	w.wantCall("before", "/mcp/demo", held.access, http.StatusOK)
	asked := w.provider.Completed()

	moved := w.gateway.Input
	moved.Options = json.RawMessage(optionsAt("/new"))
	after, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), moved)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway.Policy, w.gateway.Input, w.gateway.Report, w.base = after.Policy, after.Input, after.Report, "/new"

	w.wantCall("access token", "/mcp/demo", held.access, http.StatusUnauthorized)
	w.wantError("refresh token", w.post("/oauth/token", renewal(held.client, held.refresh)),
		http.StatusBadRequest, "invalid_grant")
	w.wantError("code", w.post("/oauth/token", redemption(held.client, code)), http.StatusBadRequest, "invalid_grant")
	w.wantMessage("page of consent", w.submit(w.browser, change(page, "answer", "allow")), http.StatusForbidden, "answered")
	w.wantMessage("a login under way", w.callback(underWay, "alice"), http.StatusForbidden, "other_browser")
	if w.provider.Completed() != asked {
		t.Error("the provider was asked about a login of another issuer")
	}
	if got := w.grants(); len(got.ids) != 2 {
		t.Errorf("%d grants are listed: %s", len(got.ids), got.body)
	}
	w.wantCall("a new sign-in", "/mcp/demo", w.signIn("alice").access, http.StatusOK)
}

// TestA53_RouteThatHasGone: no token is made for a resource that another server, or none, now answers for; and the grant
// is kept, for the route may come back.
func TestA53_RouteThatHasGone(t *testing.T) {
	w := newWorld(t, "/mcp/a", "/mcp/b")
	held := w.signIn("alice", "resource", origin+"/mcp/a")
	asked := w.authorize(ask(held.client, "resource", origin+"/mcp/a"))
	code := w.consent(asked, "allow").location(t).Query().Get("code")
	both := w.gateway.Policy
	fewer := w.gateway.Input
	fewer.Routes = fewer.Routes[1:]
	after, err := policytest.NewGateway(w.host, oauth.Policy(w.provider), fewer)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway.Policy = after.Policy
	w.wantError("refresh", w.post("/oauth/token", renewal(held.client, held.refresh)), http.StatusBadRequest, "invalid_target")
	w.wantError("code", w.post("/oauth/token", redemption(held.client, code)), http.StatusBadRequest, "invalid_target")
	w.gateway.Policy = both
	w.wantCall("the route is back", "/mcp/a", held.access, http.StatusOK)
	w.tokensOf(held.client, w.post("/oauth/token", renewal(held.client, held.refresh)))
	w.tokensOf(held.client, w.post("/oauth/token", redemption(held.client, code)))
}

// TestBasePaths: which there may be, by the schema and beyond it.
func TestBasePaths(t *testing.T) {
	var schema struct {
		Properties struct {
			Gateway struct {
				Properties struct {
					BasePath struct{ Pattern string }
				}
			}
		}
	}
	if err := json.Unmarshal(oauth.Policy(policytest.NewProvider()).Describe().Options, &schema); err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(schema.Properties.Gateway.Properties.BasePath.Pattern)
	for path, form := range map[string]bool{
		"": true, "/a": true, "/a/b": true, "/A-z_0.9~": true, "/.a": true, "/..a": true, "/...": true, "/....": true,
		"/a!$&'()*+,;=:@b": true, "/-": true, "/.well-known": true,
		"/": false, "a": false, "/a/": false, "//a": false, "/a//b": false, "/.": false, "/..": false, "/a/.": false,
		"/a/../b": false, "/a b": false, "/%61": false, "/{a}": false, "/a?b": false, "/a#b": false, "/\u00e9": false,
		"/a\n": false, `/a"b`: false, "/a<b": false, `/a\b`: false, "https://a.example": false,
	} {
		if pattern.MatchString(path) != form {
			t.Errorf("the schema takes %q: %v", path, !form)
		}
	}
	for path, taken := range map[string]string{
		"/-": "/-", "/-/x": "/-", "/.well-known": "/.well-known", "/.well-known/x": "/.well-known",
		"/-x": "", "/x/-": "", "/.well-known-x": "", "/x/.well-known": "",
	} {
		problems := oauth.Policy(policytest.NewProvider()).Validate(inputOf(optionsAt(path), "/mcp/demo")).Problems
		want := []policies.Problem(nil)
		if taken != "" {
			want = []policies.Problem{{
				Pointer: "/gateway/basePath",
				Text:    "must not lie below " + taken + ", which is taken: choose a path such as /team-a",
			}}
		}
		if diff := cmp.Diff(want, problems); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}
