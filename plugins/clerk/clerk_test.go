package clerk_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/plugins/clerk"
	"durward/policies"
)

const base = "https://clerk.example.com"

func encode(t *testing.T, change func(map[string]any)) json.RawMessage {
	t.Helper()
	options := map[string]any{"frontendApiUrl": base, "clientId": "id", "clientSecret": "canary-secret"}
	if change != nil {
		change(options)
	}
	raw, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestDerivedURLs(t *testing.T) {
	report := clerk.Provider().Validate(encode(t, nil))
	want := policies.ProviderReport{
		Name: "Clerk",
		Facts: []policies.Fact{
			{Name: "provider issuer", Value: base},
			{Name: "provider authorize URL", Value: base + "/oauth/authorize"},
			{Name: "provider token URL", Value: base + "/oauth/token"},
			{Name: "provider JWKS URL", Value: base + "/.well-known/jwks.json"},
		},
		Address: policies.ProviderAddress{
			URL: base, Option: "/frontendApiUrl", Put: "the Frontend API URL, which Clerk's dashboard shows under API keys",
		},
		Scopes: policies.ProviderScopes{
			Option: "/scope", Asked: []string{"openid", "profile", "email"},
			Organizations: "user:org:read", Offline: "offline_access",
		},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	tests := map[string]struct {
		name    string
		value   any
		pointer string
		text    string
	}{
		"path":                   {"frontendApiUrl", base + "/canary", "/frontendApiUrl", "must have no path"},
		"Clerk's proxy form":     {"frontendApiUrl", "https://app.example/__clerk", "/frontendApiUrl", "__clerk) is not supported"},
		"trailing slash":         {"frontendApiUrl", base + "/", "/frontendApiUrl", "must not end in a slash"},
		"query":                  {"frontendApiUrl", base + "?canary", "/frontendApiUrl", "must have no query"},
		"empty query":            {"frontendApiUrl", base + "?", "/frontendApiUrl", "must have no query"},
		"slash and query":        {"frontendApiUrl", base + "/?canary", "/frontendApiUrl", "must have no query"},
		"fragment":               {"frontendApiUrl", base + "#canary", "/frontendApiUrl", "must have no fragment"},
		"empty fragment":         {"frontendApiUrl", base + "#", "/frontendApiUrl", "must have no fragment"},
		"user":                   {"frontendApiUrl", "https://canary@c.example", "/frontendApiUrl", "no user and no password"},
		"user and password":      {"frontendApiUrl", "https://a:canary@c.example", "/frontendApiUrl", "no user and no password"},
		"plain http":             {"frontendApiUrl", "http://clerk.example.com", "/frontendApiUrl", "must be https"},
		"http, loopback in name": {"frontendApiUrl", "http://127.0.0.1.example.com", "/frontendApiUrl", "must be https"},
		"another scheme":         {"frontendApiUrl", "ftp://clerk.example.com", "/frontendApiUrl", "must be https"},
		"no scheme":              {"frontendApiUrl", "clerk.example.com", "/frontendApiUrl", "must begin with https://"},
		"empty":                  {"frontendApiUrl", "", "/frontendApiUrl", "must begin with https://"},
		"port without host":      {"frontendApiUrl", "https://:8443", "/frontendApiUrl", "must begin with https://"},
		"usual port":             {"frontendApiUrl", base + ":443", "/frontendApiUrl", "must not name the scheme's own port"},
		"empty port":             {"frontendApiUrl", base + ":", "/frontendApiUrl", "must not name the scheme's own port"},
		"capital letters":        {"frontendApiUrl", "https://Clerk.example.com", "/frontendApiUrl", "small letters"},
		"line end":               {"frontendApiUrl", base + "\n", "/frontendApiUrl", "is not a URL"},
		"space before":           {"frontendApiUrl", " " + base, "/frontendApiUrl", "is not a URL"},
		"space within":           {"frontendApiUrl", "https://clerk canary", "/frontendApiUrl", "is not a URL"},
		"no openid":              {"scope", "profile email", "/scope", "must contain openid"},
		"openid within a word":   {"scope", "openid2 xopenid", "/scope", "must contain openid"},
		"scope empty":            {"scope", "", "/scope", "must contain openid"},
		"client id empty":        {"clientId", "", "/clientId", "the value that Clerk shows"},
		"secret with a line end": {"clientSecret", "canary-secret\n", "/clientSecret", "the value that Clerk shows"},
		"secret no text":         {"clientSecret", 1, "", "not as the schema says"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := clerk.Provider().Validate(encode(t, func(o map[string]any) { o[test.name] = test.value }))
			if len(report.Problems) != 1 {
				t.Fatalf("problems %v, want one", report.Problems)
			}
			got := report.Problems[0]
			if got.Pointer != test.pointer || !strings.Contains(got.Text, test.text) {
				t.Errorf("%s: %s\nwant %s: ...%s...", got.Pointer, got.Text, test.pointer, test.text)
			}
			if strings.Contains(got.Text, "canary") || strings.Contains(got.Text, "example.com/") {
				t.Errorf("the text quotes the value: %s", got.Text)
			}
		})
	}
}

// Rules on organizations need the scope with which Clerk says for which one a person acts: without it nobody gets in.
func TestOrganizationsNeedTheirScope(t *testing.T) {
	tests := map[string]struct {
		scope, organizations any
		pointer              string
	}{
		"no scope":                {nil, []string{"org_1"}, "/access/organizations"},
		"scope without":           {"openid email", []string{"org_1"}, "/scope"},
		"scope within a word":     {"openid user:org:reads", []string{"org_1"}, "/scope"},
		"scope with":              {"openid user:org:read", []string{"org_1"}, ""},
		"no rule on them":         {nil, nil, ""},
		"neither scope nor rules": {"openid", nil, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			report := clerk.Type().Validate(policies.Input{Name: "clerk", Options: encode(t, func(o map[string]any) {
				if test.scope != nil {
					o["scope"] = test.scope
				}
				access := map[string]any{"emails": []string{"a@example.com"}}
				if test.organizations != nil {
					access["organizations"] = test.organizations
				}
				o["access"] = access
			})})
			if len(report.Problems) == 0 && test.pointer == "" {
				return
			}
			if len(report.Problems) != 1 || report.Problems[0].Pointer != test.pointer ||
				!strings.Contains(report.Problems[0].Text, "user:org:read") {
				t.Errorf("problems %v, want one at %q", report.Problems, test.pointer)
			}
		})
	}
}

func TestTheGatewayIsNotClerk(t *testing.T) {
	input := policies.Input{Name: "clerk", Options: encode(t, nil), Origins: []string{"https://mcp.example.com"}}
	if problems := clerk.Type().Validate(input).Problems; len(problems) != 0 {
		t.Errorf("another origin: %v", problems)
	}
	input.Origins = append(input.Origins, base)
	problems := clerk.Type().Validate(input).Problems
	if len(problems) != 1 || problems[0].Pointer != "/frontendApiUrl" || !strings.Contains(problems[0].Text, "this gateway") {
		t.Errorf("its own origin: %v", problems)
	}
}

// Without a refresh token of Clerk's nobody can be asked about again: a person is told, unless they do not want that.
func TestOfflineAccessIsNoted(t *testing.T) {
	tests := map[string]struct {
		scope   any
		recheck any
		notes   int
		pointer string
	}{
		"no scope":            {nil, nil, 1, ""},
		"scope without":       {"openid email", nil, 1, "/scope"},
		"within a word":       {"openid offline_accesses", 60, 1, "/scope"},
		"scope with":          {"openid offline_access", nil, 0, ""},
		"nobody is asked for": {nil, 0, 0, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			notes := clerk.Type().Validate(policies.Input{Name: "clerk", Options: encode(t, func(o map[string]any) {
				o["access"] = map[string]any{"emails": []string{"a@example.com"}}
				if test.scope != nil {
					o["scope"] = test.scope
				}
				if test.recheck != nil {
					o["gateway"] = map[string]any{"recheckSeconds": test.recheck}
				}
			})}).Notes
			if len(notes) != test.notes || test.notes > 0 && (notes[0].Pointer != test.pointer ||
				!strings.Contains(notes[0].Text, "offline_access\", or set gateway.recheckSeconds to 0")) {
				t.Errorf("notes %v", notes)
			}
		})
	}
}

func TestAcceptedOrigins(t *testing.T) {
	for _, origin := range []string{
		"https://well-hagfish-71.clerk.accounts.dev", "https://clerk.example.com:8443", "http://127.0.0.1:4100",
		"http://localhost:4100", "http://[::1]:4100",
	} {
		options := encode(t, func(o map[string]any) { o["frontendApiUrl"] = origin })
		if report := clerk.Provider().Validate(options); len(report.Problems) != 0 {
			t.Errorf("%s: %v", origin, report.Problems)
		}
		provider, err := clerk.Provider().Configure(options, policies.ProviderSettings{Timeout: time.Second})
		if err != nil {
			t.Fatalf("%s: %v", origin, err)
		}
		if provider.Issuer() != origin {
			t.Errorf("issuer %s, want %s", provider.Issuer(), origin)
		}
	}
}

func TestScopeAndItsDefault(t *testing.T) {
	for scope, want := range map[string]string{"": "scope=openid+profile+email&", "openid": "scope=openid&"} {
		options := encode(t, func(o map[string]any) {
			if scope != "" {
				o["scope"] = scope
			}
		})
		provider, err := clerk.Provider().Configure(options, policies.ProviderSettings{Timeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		address, err := provider.Begin(t.Context(), policies.Login{
			RedirectURI: "https://gateway.example/oauth/callback", State: "state", Nonce: "nonce",
			Verifier: strings.Repeat("v", 43),
		})
		if err != nil || !strings.HasPrefix(address, base+"/oauth/authorize?") || !strings.Contains(address, want) {
			t.Errorf("scope %q: %s, %v", scope, address, err)
		}
	}
}

// The options of every provider reach the library: a private authority, and the claim that Clerk names organizations in.
func TestSettingsArePassedOn(t *testing.T) {
	_, err := clerk.Provider().Configure(encode(t, nil), policies.ProviderSettings{
		Timeout: time.Second, RootCAs: []byte("no certificate"),
	})
	if err == nil || !strings.Contains(err.Error(), "RootCAs") {
		t.Errorf("certificates that are none: %v", err)
	}
	if _, err := clerk.Provider().Configure(encode(t, nil), policies.ProviderSettings{}); err == nil {
		t.Error("no time-out was taken")
	}
}

func TestTheType(t *testing.T) {
	described := clerk.Type().Describe()
	if described.Type != "mcp-clerk-oauth-inbound" || clerk.Export != "McpClerkOAuthInboundPolicy" {
		t.Errorf("type %q, export %q", described.Type, clerk.Export)
	}
	var schema struct {
		Required   []string
		Properties map[string]struct{ WriteOnly bool }
	}
	if err := json.Unmarshal(described.Options, &schema); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"frontendApiUrl", "clientId", "clientSecret"}, schema.Required); diff != "" {
		t.Errorf("required (-want +got):\n%s", diff)
	}
	for _, name := range []string{
		"frontendApiUrl", "clientId", "clientSecret", "scope", "gateway", "browserLoginOverrides",
	} {
		property, ok := schema.Properties[name]
		if !ok || property.WriteOnly != (name == "clientSecret") {
			t.Errorf("option %s: there %v, write-only %v", name, ok, property.WriteOnly)
		}
	}
}
