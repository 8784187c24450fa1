package config

import (
	"maps"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"durward/policies"
	"durward/runtime/internal/route"
)

// validFolder is the configuration that the gateway table starts from.
func validFolder(t testing.TB) fstest.MapFS { return folderOf(t, "gateway") }

// folderOf is the valid configuration of one of the tables.
func folderOf(t testing.TB, table string) fstest.MapFS {
	t.Helper()
	data, err := os.ReadFile("testdata/" + table + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	folder := fstest.MapFS{}
	for _, m := range parseArchive(data).members {
		if !strings.HasPrefix(m.name, "case ") {
			folder[m.name] = &fstest.MapFile{Data: m.data}
		}
	}
	return folder
}

// replaced answers the folder with every old in the file replaced.
func replaced(t testing.TB, folder fstest.MapFS, name, old, with string) fstest.MapFS {
	t.Helper()
	out := fstest.MapFS{}
	maps.Copy(out, folder)
	before := string(folder[name].Data)
	after := strings.ReplaceAll(before, old, with)
	if after == before {
		t.Fatalf("%s does not hold %s", name, old)
	}
	out[name] = &fstest.MapFile{Data: []byte(after)}
	return out
}

func mustLoad(t testing.TB, folder fstest.MapFS, env map[string]string) *Config {
	t.Helper()
	result := load(t, folder, env)
	for _, p := range result.Problems {
		t.Error(p)
	}
	if result.Config == nil {
		t.FailNow()
	}
	return result.Config
}

// Everything a configuration says arrives.
func TestLoad(t *testing.T) {
	got := mustLoad(t, validFolder(t), baseEnv())
	upstream, err := url.Parse("http://canary-upstream.example/mcp")
	if err != nil {
		t.Fatal(err)
	}
	local, err := url.Parse("http://127.0.0.1:9/mcp")
	if err != nil {
		t.Fatal(err)
	}
	origins := []string{"https://mcp.example.com", "http://localhost:9000"}
	wantGateway := Gateway{
		Listen: "127.0.0.1:9000", Admin: "127.0.0.1:9001", Data: ".durward", PublicURLs: origins,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")},
		AdminToken:     "canary-admin-token-1",
	}
	if diff := cmp.Diff(wantGateway, got.Gateway, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("gateway (-want +got):\n%s", diff)
	}
	all := []string{"POST", "GET", "DELETE"}
	wantRoutes := []Route{
		{At: Place{"config/routes.oas.json", 8, 7, "/paths/~1mcp~1a/post"},
			ID: "a", Title: "Tools A", Path: "/mcp/a", Methods: all, Upstream: upstream, UpstreamWritten: "${env.UPSTREAM}",
			ForwardSearch: true, Inbound: []string{"login", "look"}},
		{At: Place{"config/routes.oas.json", 23, 7, "/paths/~1mcp~1b/post"}, ID: "b", Path: "/mcp/b", Methods: all, Upstream: local, UpstreamWritten: "http://127.0.0.1:9/mcp",
			ForwardSearch: true, Inbound: []string{"login"}},
	}
	for i := range got.Routes {
		if got.Routes[i].Hash == [32]byte{} {
			t.Errorf("route %s has no hash", got.Routes[i].ID)
		}
		if got.Routes[i].CORS.Name != "none" || got.Routes[i].CORS.Policy == nil {
			t.Errorf("route %s has CORS policy %+v", got.Routes[i].ID, got.Routes[i].CORS)
		}
		got.Routes[i].Hash, got.Routes[i].CORS = [32]byte{}, CORS{}
	}
	for i := range wantRoutes {
		wantRoutes[i].Pattern, _ = route.Parse(route.OpenAPI, wantRoutes[i].Path)
	}
	if diff := cmp.Diff(wantRoutes, got.Routes, cmpopts.IgnoreUnexported(CORS{}),
		cmp.Comparer(func(a, b *route.Pattern) bool { return a.Shape() == b.Shape() })); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	login := got.Policies[0]
	if want := (Place{"config/policies.json", 4, 5, "/policies/0"}); login.At != want {
		t.Errorf("the policy stands at %+v, want %+v", login.At, want)
	}
	wantInput := policies.Input{
		Name: "login",
		Options: []byte(`{"clientId":"canary-client-id","clientSecret":"canary-client-secret",` +
			`"frontendApiUrl":"https://canary-login.example","gateway":{"accessTokenTtlSeconds":900,"cimdEnabled":true}}`),
		Routes:  []policies.Route{{ID: "a", Path: "/mcp/a", Title: "Tools A"}, {ID: "b", Path: "/mcp/b"}},
		Origins: origins,
	}
	if diff := cmp.Diff(wantInput, login.Input); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	if !login.Report.Authenticates || login.PolicyType.Export != "LoginInboundPolicy" {
		t.Errorf("policy is %+v", login)
	}
	// Facts show what is not secret, G10 what is.
	wantFacts := []policies.Fact{{Name: "issuer", Value: "https://canary-login.example"}, {Name: "careless", Value: "with (secret)"}}
	if diff := cmp.Diff(wantFacts, login.Report.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if string(got.Policies[1].Options) != "{}" {
		t.Errorf("absent options are %s", got.Policies[1].Options)
	}
}

// An operation of its own takes its method from post.
func TestMethods(t *testing.T) {
	folder := replaced(t, validFolder(t), RoutesFile, `"summary": "free",`, `"get": {
		"operationId": "a-stream",
		"x-zuplo-route": {
			"handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)",
				"options": { "rewritePattern": "http://127.0.0.1:9/stream", "forwardSearch": false } },
			"policies": { "inbound": ["login"] }
		}
	},`)
	type route struct {
		ID, Path, Methods string
		ForwardSearch     bool
	}
	var got []route
	for _, r := range mustLoad(t, folder, baseEnv()).Routes {
		got = append(got, route{r.ID, r.Path, strings.Join(r.Methods, " "), r.ForwardSearch})
	}
	want := []route{{"a-stream", "/mcp/a", "GET", false}, {"a", "/mcp/a", "POST DELETE", true}, {"b", "/mcp/b", "POST GET DELETE", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// A variable that JSON cannot carry is refused rather than changed on the way.
func TestEnvIsNotUTF8(t *testing.T) {
	env := baseEnv()
	env["CLIENT_ID"] = "canary\xff"
	result := load(t, validFolder(t), env)
	want := "config/policies.json:12:24: /policies/0/handler/options/clientId: environment variable CLIENT_ID is not valid UTF-8"
	if len(result.Problems) != 1 || result.Problems[0].String() != want {
		t.Errorf("problems: %v", result.Problems)
	}
}

// A type cannot change what others read.
func TestValidateGetsACopy(t *testing.T) {
	types := testTypes()
	types[0].Validate = func(in policies.Input) policies.Report {
		in.Options[0], in.Routes[0].ID, in.Origins[0] = 'x', "x", "x"
		return policies.Report{Authenticates: true}
	}
	env := baseEnv()
	l, err := New(Options{FS: validFolder(t), Name: "config", Types: types, LookupEnv: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	in := l.Load().Config.Policies[0].Input
	if in.Options[0] != '{' || in.Routes[0].ID != "a" || in.Origins[0] != "https://mcp.example.com" {
		t.Errorf("input was changed: %+v", in)
	}
}

// A faulty catalogue is an error of the program, told at once.
func TestNewRefusesFaultySchemas(t *testing.T) {
	for name, schema := range map[string]string{
		"misspelt keyword":   `{"type": "object", "additionalProperties": false, "requird": ["a"]}`,
		"open to any option": `{"type": "object"}`,
		"no JSON":            `{`,
	} {
		if _, err := New(Options{FS: fstest.MapFS{}, Types: []PolicyType{{Type: "x", Schema: []byte(schema)}}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The rule on names that begin alike follows from how cookies are named. If that changes, the rule can go.
func TestCookiesOfNamesThatBeginAlike(t *testing.T) {
	if !strings.HasPrefix(policies.CookiePrefix("a-b", ""), policies.CookiePrefix("a", "")) {
		t.Error("the cookies of a-b no longer begin like those of a: checkNames refuses more than it must")
	}
}
