package editor

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

// A policies.json with one policy each of two types, in the first of which options stand as given.
func policies(options string) string {
	return `{
  "$schema": "./policies.schema.json",
  "policies": [
    {
      "name": "clerk",
      "policyType": "mcp-clerk-oauth-inbound",
      "handler": {"export": "McpClerkOAuthInboundPolicy", "module": "$import(@durward/runtime)", "options": ` + options + `}
    }
  ]
}`
}

func headers(options string) string {
	return strings.NewReplacer("mcp-clerk-oauth-inbound", "set-headers-inbound", "McpClerkOAuthInboundPolicy", "SetHeadersInboundPolicy").
		Replace(policies(options))
}

// route is a routes.oas.json with one route.
func route(options string) string {
	return `{
  "$schema": "./routes.schema.json",
  "openapi": "3.1.0",
  "info": {"title": "t", "version": "1"},
  "paths": {"/mcp/a": {"post": {
    "operationId": "a",
    "x-zuplo-route": {
      "handler": {"export": "McpProxyHandler", "module": "$import(@durward/runtime)", "options": ` + options + `}
    }
  }}}
}`
}

// cors is a policies.json with a CORS policy.
func cors(members string) string {
	return `{"$schema": "./policies.schema.json", "policies": [], "corsPolicies": [{"name": "app", ` + members + `}]}`
}

const sound = `"frontendApiUrl": "$env(A)", "clientId": "$env(B)", "clientSecret": "$env(C)"`

// What an editor offers where somebody types.
func TestEditorCompletes(t *testing.T) {
	s := open(t)
	tests := []struct {
		name, file, text string
		offers, not      []string
		about            string // of the first that is offered
	}{
		{"the options of a Clerk policy", "policies.json", policies(`{"` + cursor + `"}`),
			[]string{"frontendApiUrl", "clientId", "clientSecret", "scope", "access", "gateway"}, []string{"headers", "value"},
			"The Clerk Frontend API URL origin"},
		{"the options of a Clerk policy, with a first letter", "policies.json", policies(`{"clientId": "x", "f` + cursor + `"}`),
			[]string{"frontendApiUrl"}, []string{"clientId", "headers"}, "The Clerk Frontend API URL origin"},
		{"the options of a policy that sets headers", "policies.json", headers(`{"` + cursor + `"}`),
			[]string{"headers"}, []string{"frontendApiUrl", "clientId", "value"}, "The headers to set"},
		{"options within options", "policies.json", policies(`{` + sound + `, "gateway": {"` + cursor + `"}}`),
			[]string{"accessTokenTtlSeconds", "refreshTokenTtlSeconds"}, []string{"frontendApiUrl"}, "Lifetime in seconds of access tokens"},
		{"options within a list", "policies.json", headers(`{"headers": [{"` + cursor + `"}]}`),
			[]string{"name", "value", "overwrite"}, []string{"headers"}, "The header's name"},
		{"the types there are", "policies.json", strings.Replace(policies(`{}`), `"mcp-clerk-oauth-inbound"`, cursor, 1),
			[]string{`"mcp-clerk-oauth-inbound"`, `"set-headers-inbound"`, `"set-upstream-api-key-inbound"`}, nil, "Sign in with Clerk"},
		{"the export of the type", "policies.json", strings.Replace(policies(`{}`), `"McpClerkOAuthInboundPolicy"`, cursor, 1),
			[]string{`"McpClerkOAuthInboundPolicy"`}, nil, ""},
		{"the module", "policies.json", strings.Replace(policies(`{}`), `"$import(@durward/runtime)"`, cursor, 1),
			[]string{`"$import(@durward/runtime)"`, `"$import(@zuplo/runtime)"`}, nil, ""},
		{"the parts of a policy", "policies.json", `{"$schema": "./policies.schema.json", "policies": [{"` + cursor + `"}]}`,
			[]string{"name", "policyType", "handler"}, []string{"frontendApiUrl"}, "What routes call the policy"},
		{"true or false", "policies.json", headers(`{"headers": [{"name": "A", "value": "b", "overwrite": ` + cursor + `}]}`),
			[]string{"true", "false"}, nil, ""},
		{"among comments, in .jsonc", "policies.jsonc", policies("{\n// ours\n" + sound + `, /* who */ "a` + cursor + `",}`),
			[]string{"access"}, []string{"frontendApiUrl"}, "Who may come in"},
		{"a route", "routes.oas.json", route(`{"rewritePattern": "${env.A}", "` + cursor + `"}`), []string{"forwardSearch"}, []string{"rewritePattern"}, "Whether the query"},
		{"the options of a policy on the way back", "policies.json", strings.NewReplacer("mcp-clerk-oauth-inbound", "set-headers-outbound",
			"McpClerkOAuthInboundPolicy", "SetHeadersOutboundPolicy").Replace(policies(`{"` + cursor + `"}`)), []string{"headers"}, []string{"clientId"}, ""},
		{"a CORS policy", "policies.json", cors(`"` + cursor + `"`), []string{"allowedOrigins", "maxAge"}, []string{"policyType"}, "The origins whose pages"},
		{"an operation", "routes.oas.json", strings.Replace(route(`{}`), `"operationId": "a"`, `"`+cursor+`": 1`, 1),
			[]string{"operationId", "summary"}, []string{"x-zuplo-route"}, "The route's name"},
		{"settings of the gateway", "gateway.json", `{"$schema": "./gateway.schema.json", "` + cursor + `"}`,
			[]string{"listen", "publicUrl", "adminToken"}, []string{"policies"}, "Where clients connect"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.ask(tt.file, tt.text)
			var labels []string
			for _, c := range a.Completions {
				labels = append(labels, c.Label)
				if c.Label == tt.offers[0] && !strings.HasPrefix(c.About, tt.about) {
					t.Errorf("of %s it says %q, want %q", c.Label, c.About, tt.about)
				}
			}
			for _, label := range tt.offers {
				if !slices.Contains(labels, label) {
					t.Errorf("%s is not offered, but %q", label, labels)
				}
			}
			for _, label := range tt.not {
				if slices.Contains(labels, label) {
					t.Errorf("%s is offered", label)
				}
			}
		})
	}
}

// What an editor underlines, and that it underlines nothing else.
func TestEditorFlags(t *testing.T) {
	s := open(t)
	tests := []struct{ name, file, text, marked, message string }{
		{"a misspelt option", "policies.json", policies(`{` + sound + `, "acess": {}}`), `"acess"`, "Property acess is not allowed."},
		{"a misspelt option, at depth", "policies.json", policies(`{` + sound + `, "gateway": {"accesTokenTtlSeconds": 900}}`),
			`"accesTokenTtlSeconds"`, "Property accesTokenTtlSeconds is not allowed."},
		{"the option of another type", "policies.json", headers(`{"headers": [{"name": "A", "value": "b"}], "clientId": "x"}`), `"clientId"`, "Property clientId is not allowed."},
		{"an option that is missing", "policies.json", policies(`{"clientId": "x", "clientSecret": "$env(C)"}`), `"options"`, `Missing property "frontendApiUrl".`},
		{"an option of the wrong type", "policies.json", policies(`{` + sound + `, "gateway": {"accessTokenTtlSeconds": "900"}}`), `"900"`, `Incorrect type. Expected "integer".`},
		{"$env in place of a number", "policies.json", policies(`{` + sound + `, "gateway": {"accessTokenTtlSeconds": "$env(TTL)"}}`), `"$env(TTL)"`, `Incorrect type. Expected "integer".`},
		{"a number out of bounds", "policies.json", policies(`{` + sound + `, "gateway": {"accessTokenTtlSeconds": 5}}`), `5`, "Value is below the minimum of 60."},
		{"a text of the wrong form, in our words", "policies.json", policies(`{` + sound + `, "access": {"emails": ["everybody"]}}`), `"everybody"`,
			"must be one email address in ASCII, such as alice@example.com"},
		{"the key of something else, in our words", "policies.json", policies(`{"frontendApiUrl": "$env(A)", "clientId": "sk_live_1", "clientSecret": "$env(C)"}`), `"sk_live_1"`,
			"must be the client id of an OAuth application of yours"},
		{"a policyType that there is not", "policies.json", strings.Replace(policies(`{}`), "mcp-clerk-oauth-inbound", "mcp-clrk-oauth-inbound", 1),
			`"mcp-clrk-oauth-inbound"`, "Value is not accepted. Valid values: "},
		{"the export of another type", "policies.json", strings.Replace(policies(`{`+sound+`}`), "McpClerk", "McpClrk", 1), `"McpClrkOAuthInboundPolicy"`, `Value must be "McpClerkOAuthInboundPolicy".`},
		{"a comment in .json", "policies.json", "// ours\n" + policies(`{`+sound+`}`), "// ours", "Comments are not permitted in JSON."},
		{"a misspelt member of a CORS policy", "policies.json", cors(`"allowedOrigins": "*", "maxAeg": 5`), `"maxAeg"`, "Property maxAeg is not allowed."},
		{"$env in place of a CORS policy's number", "policies.json", cors(`"allowedOrigins": "*", "maxAge": "$env(AGE)"`), `"$env(AGE)"`, `Incorrect type. Expected "integer".`},
		{"what OpenAPI does not have", "routes.oas.json", strings.Replace(route(`{"rewritePattern": "x"}`), `"operationId": "a"`, `"operationId": "a", "sumrnary": "A"`, 1), `"sumrnary"`, "Property sumrnary is not allowed."},
		{"a handler's option", "routes.oas.json", route(`{"rewritePattern": "${env.A}", "forwardSerch": true}`), `"forwardSerch"`, "Property forwardSerch is not allowed."},
		{"a setting", "gateway.json", `{"$schema": "./gateway.schema.json", "listn": "127.0.0.1:0"}`, `"listn"`, "Property listn is not allowed."},
		{"a token that is too short", "gateway.json", `{"$schema": "./gateway.schema.json", "adminToken": "short"}`, `"short"`, "String is shorter than the minimum length of 16."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := s.ask(tt.file, tt.text)
			if len(a.Diagnostics) != 1 || a.Diagnostics[0].Marked != tt.marked || !strings.HasPrefix(a.Diagnostics[0].Message, tt.message) {
				t.Errorf("got %+v, want %s: %s", a.Diagnostics, tt.marked, tt.message)
			}
		})
	}
}

// What the gateway resolves an editor lets stand.
func TestEditorLetsReferencesStand(t *testing.T) {
	s := open(t)
	for name, q := range map[string]struct{ file, text string }{
		"$env":                           {"policies.json", policies(`{` + sound + `, "access": {"emails": ["$env(ALICE)"]}, "pages": {"logo": "$env(LOGO)"}}`)},
		"$import of values":              {"policies.json", policies(`{` + sound + `, "gateway": {"accessTokenTtlSeconds": "$import(./ttl.json)"}, "access": {"emails": "$import(./emails.jsonc)"}, "pages": "$import(./pages.json)"}`)},
		"$import of all options":         {"policies.json", policies(`"$import(./clerk.json)"`)},
		"$import in a list":              {"policies.json", headers(`{"headers": ["$import(./header.json)", {"name": "A", "value": "Bearer $env(KEY)"}]}`)},
		"$env in a CORS policy":          {"policies.json", cors(`"allowedOrigins": "$env(ORIGINS)", "allowedMethods": ["POST"]`)},
		"what OpenAPI has":               {"routes.oas.json", strings.Replace(route(`{"rewritePattern": "x"}`), `"operationId": "a"`, `"operationId": "a", "tags": ["t"], "x-ours": 1`, 1)},
		"comments and a last comma":      {"policies.jsonc", policies("{" + sound + ", // ours\n}")},
		"$env in a secret":               {"gateway.json", `{"$schema": "./gateway.schema.json", "adminToken": "$env(TOKEN)"}`},
		"${env} in a route":              {"routes.oas.json", route(`{"rewritePattern": "${env.UPSTREAM}"}`)},
		"$import of a handler's options": {"routes.oas.jsonc", route(`"$import(./options.json)" /* shared */`)},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.ask(q.file, q.text); len(a.Diagnostics) > 0 {
				t.Errorf("flagged: %+v", a.Diagnostics)
			}
		})
	}
}

// What an editor says of the place that somebody points at.
func TestEditorExplains(t *testing.T) {
	s := open(t)
	for name, q := range map[string]struct{ file, text, want string }{
		"an option":                  {"policies.json", policies(`{"front` + cursor + `endApiUrl": "x"}`), "The Clerk Frontend API URL origin"},
		"an option that is a number": {"policies.json", policies(`{` + sound + `, "gateway": {"access` + cursor + `TokenTtlSeconds": 900}}`), "Lifetime in seconds of access tokens"},
		"an imported value":          {"policies.json", policies(`{` + sound + `, "acc` + cursor + `ess": "$import(./access.json)"}`), "Who may come in"},
		"policyType":                 {"policies.json", strings.Replace(policies(`{}`), "policyType", "policy"+cursor+"Type", 1), "The kind of policy"},
		"a route's option":           {"routes.oas.json", route(`{"rewrite` + cursor + `Pattern": "${env.A}"}`), "The URL of the MCP server"},
		"a setting":                  {"gateway.json", `{"$schema": "./gateway.schema.json", "lis` + cursor + `ten": ""}`, "Where clients connect"},
	} {
		t.Run(name, func(t *testing.T) {
			if a := s.ask(q.file, q.text); !strings.Contains(a.Hover, q.want) {
				t.Errorf("it says %q, want %q", a.Hover, q.want)
			}
		})
	}
}

// Configurations that load have nothing that an editor would flag.
func TestEditorFindsNothingInWhatLoads(t *testing.T) {
	s := open(t)
	schemaOf := regexp.MustCompile(`"\$schema": *"[^"]*"`)
	firstBrace := regexp.MustCompile(`(?m)\A((?:\s*//.*\n)*\s*)\{`)
	seen := 0
	written := t.TempDir()
	if out, err := exec.Command(gateway.Binary(t), "init", filepath.Join(written, "config"), "--email-domain", "example.com",
		"--public-url", "https://mcp.example.com", "--frontend-api-url", "https://clerk.example.com").CombinedOutput(); err != nil {
		t.Fatalf("durward init: %v\n%s", err, out)
	}
	folders := []string{written}
	for _, folder := range []string{"config", "examples", "cmd/durward/testdata/config", "conformance/mutation/testdata"} {
		folders = append(folders, filepath.Join(gateway.Root(), folder))
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			schema := map[string]string{"policies": "policies", "gateway": "gateway"}[strings.Split(entry.Name(), ".")[0]]
			if strings.HasSuffix(entry.Name(), ".oas.json") || strings.HasSuffix(entry.Name(), ".oas.jsonc") {
				schema = "routes"
			}
			if err != nil || schema == "" || !strings.Contains(filepath.Ext(path), ".json") {
				return err
			}
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			// The file is told of the schema as documentation has it, whatever it was told before.
			text := schemaOf.ReplaceAllString(string(raw), `"$$schema": "./`+schema+`.schema.json"`)
			if text == string(raw) {
				text = firstBrace.ReplaceAllString(text, `$1{"$$schema": "./`+schema+`.schema.json",`)
			}
			if a := s.ask(entry.Name(), text); len(a.Diagnostics) > 0 {
				t.Errorf("%s: %+v", path, a.Diagnostics)
			}
			seen++
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if seen < 20 {
		t.Errorf("only %d files were looked at", seen)
	}
}
