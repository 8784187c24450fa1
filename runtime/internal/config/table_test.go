package config

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
	"durward/runtime/internal/middleware"
)

// The tables in testdata/*.txtar: a comment, the files of a valid configuration, and cases. A case is an archive member
// "case NAME" of these lines, in any order:
//
//	edit FILE: OLD -> NEW    the first OLD in the file becomes NEW; \n, \r, \t and \0 are what they are in Go
//	set NAME=VALUE           an environment variable, with the same
//	unset NAME
//	remove FILE
//	config/...               a problem that is expected, byte for byte
//	note config/...          a note that is expected
//
// Nothing expected means that the configuration is valid and there is nothing to note. `go test -update` writes what
// comes out.
var update = flag.Bool("update", false, "write what comes out into testdata/*.txtar")

// canary is part of every value in the environment of the tables. It may stand in no output (G10).
const canary = "canary"

func baseEnv() map[string]string {
	return map[string]string{
		"FRONTEND_URL":  "https://canary-login.example",
		"CLIENT_ID":     "canary-client-id",
		"CLIENT_SECRET": "canary-client-secret",
		"UPSTREAM":      "http://canary-upstream.example/mcp",
		"ADMIN_TOKEN":   "canary-admin-token-1",
		"KEY":           "canary-key",
		"TENANT":        "canary-tenant",
	}
}

func TestTables(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	total := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		table := parseArchive(data)
		base := fstest.MapFS{}
		for i, member := range table.members {
			name, isCase := strings.CutPrefix(member.name, "case ")
			if !isCase {
				base[member.name] = &fstest.MapFile{Data: member.data}
				continue
			}
			total++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				table.members[i].data = runCase(t, base, member.data)
			})
		}
		if *update {
			if err := os.WriteFile(file, table.format(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if total < 60 {
		t.Errorf("only %d cases were run", total)
	}
}

// runCase answers the case as it would have to be written to pass.
func runCase(t *testing.T, base fstest.MapFS, body []byte) []byte {
	t.Helper()
	folder, env := maps.Clone(base), baseEnv()
	escapes := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\0`, "\x00", `\\`, `\`)
	var script, want []string
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSuffix(line, "\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch verb {
		case "edit":
			name, change, _ := strings.Cut(rest, ": ")
			old, with, ok := strings.Cut(change, " -> ")
			old = escapes.Replace(old)
			if !ok || folder[name] == nil || !bytes.Contains(folder[name].Data, []byte(old)) {
				t.Fatalf("nothing to edit: %s", line)
			}
			with = escapes.Replace(with)
			folder[name] = &fstest.MapFile{Data: bytes.Replace(folder[name].Data, []byte(old), []byte(with), 1)}
		case "set":
			name, value, _ := strings.Cut(rest, "=")
			env[name] = escapes.Replace(value)
		case "unset":
			delete(env, rest)
		case "remove":
			delete(folder, rest)
		case "":
			continue
		default:
			want = append(want, line)
			continue
		}
		script = append(script, line)
	}
	result := load(t, folder, env)
	var got []string
	for _, p := range result.Problems {
		got = append(got, p.String())
	}
	if result.Config != nil {
		for _, n := range result.Config.Notes {
			got = append(got, "note "+n.String())
		}
	}
	if !*update {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	}
	if (result.Config == nil) != (len(result.Problems) > 0) {
		t.Errorf("Config is nil: %v, with %d problems", result.Config == nil, len(result.Problems))
	}
	if out := strings.Join(got, "\n"); strings.Contains(out, canary) {
		t.Errorf("G10: a value of the environment is printed:\n%s", out)
	}
	var out strings.Builder
	for _, line := range append(script, got...) {
		out.WriteString(line + "\n")
	}
	return []byte(out.String())
}

func load(t testing.TB, folder fstest.MapFS, env map[string]string) Result {
	t.Helper()
	return newLoader(t, folder, env).Load()
}

// newLoader is a Loader of the test's types. Its schemas are compiled once for all tests.
func newLoader(t testing.TB, folder fstest.MapFS, env map[string]string) *Loader {
	t.Helper()
	shared, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	l := *shared
	l.options.FS = folder
	l.options.LookupEnv = func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
	return &l
}

var compiled = sync.OnceValues(func() (*Loader, error) {
	return New(Options{Name: "config", Types: testTypes()})
})

// testTypes are a policy type that signs people in, much as the one that ships, one that only looks on, and those that
// run inside the host.
func testTypes() []PolicyType {
	types := []PolicyType{
		{
			Modules:  []string{"@zuplo/runtime", "@zuplo/runtime/mcp-gateway", "@durward/runtime"},
			Export:   "LoginInboundPolicy",
			Type:     "login-inbound",
			Schema:   []byte(loginSchema),
			Validate: validateLogin,
		},
		{
			Modules: []string{"@durward/runtime"},
			Export:  "LookInboundPolicy",
			Type:    "look-inbound",
			Schema: []byte(`{"type": "object", "additionalProperties": false, "properties": {
				"level": {"enum": ["low", "high"]}, "path": {"type": "string"}, "paths": {"type": "array"},
				"below": {"type": "string"}, "movable": {"type": "array"}}}`),
			Validate: func(in policies.Input) (report policies.Report) {
				options := decoded(in.Options)
				if path := text(options, "path"); path != "" {
					report.Paths = []policies.Path{{Path: path}}
				}
				list, _ := get(options, "paths").([]any)
				for _, path := range list {
					report.Paths = append(report.Paths, policies.Path{Path: path.(string)})
				}
				list, _ = get(options, "movable").([]any)
				for _, path := range list {
					report.Paths = append(report.Paths, policies.Path{Path: text(options, "below") + path.(string), Option: "/below"})
				}
				return report
			},
		},
	}
	for _, t := range middleware.Types() {
		types = append(types, PolicyType{Modules: Modules(), Export: t.Export, Type: t.Name, Schema: t.Schema, Compile: t.Compile,
			Outbound: t.Direction == middleware.Outbound})
	}
	return types
}

const loginSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["frontendApiUrl", "clientId", "clientSecret"],
	"additionalProperties": false,
	"properties": {
		"frontendApiUrl": {"type": "string"},
		"clientId": {"type": "string", "minLength": 1},
		"clientSecret": {"type": "string", "minLength": 1, "writeOnly": true},
		"scope": {"type": "string", "pattern": "(^| )openid( |$)", "x-expects": "a list of scopes that has openid in it"},
		"extra": {"type": "array", "items": {"type": "string"}},
		"keys": {"type": "array", "items": {"type": "object", "properties": {"secret": {"type": "string", "writeOnly": true}}}},
		"gateway": {
			"type": "object",
			"additionalProperties": false,
			"properties": {
				"accessTokenTtlSeconds": {"type": "integer", "minimum": 60, "maximum": 86400},
				"cimdEnabled": {"type": "boolean"}
			}
		}
	}
}`

// validateLogin quotes what it complains of, against the rules: the host must blot it out.
func validateLogin(in policies.Input) policies.Report {
	options := decoded(in.Options)
	report := policies.Report{
		Authenticates: true,
		Scopes:        []string{"crm:read", "crm:write", "crm:odd"},
		Paths:         []policies.Path{{Path: "/login/token"}, {Path: "/purge", Admin: true}},
		Facts: []policies.Fact{
			{Name: "issuer", Value: text(options, "frontendApiUrl")},
			{Name: "careless", Value: "with " + text(options, "clientSecret")},
		},
	}
	if at := text(options, "frontendApiUrl"); strings.HasSuffix(at, "/") {
		report.Problems = append(report.Problems, policies.Problem{Pointer: "/frontendApiUrl", Text: fmt.Sprintf("%q ends with a slash", at)})
	}
	if id := text(options, "clientId"); strings.HasPrefix(id, "odd") {
		report.Problems = append(report.Problems, policies.Problem{Pointer: "/clientId/" + id, Text: "is odd:\n" + id})
	}
	if text(options, "clientSecret") == "literal-canary" {
		report.Notes = append(report.Notes, policies.Problem{Pointer: "/clientSecret", Text: "literal-canary should be an $env(...)"})
	}
	if scope := text(options, "scope"); scope == "openid" {
		report.Notes = append(report.Notes, policies.Problem{Pointer: "/scope", Text: "without email nobody is named"})
	}
	for _, r := range in.Routes {
		if slices.Equal(r.Scopes.Route, []string{"crm:odd"}) {
			report.Problems = append(report.Problems, policies.Problem{Route: r.ID, Pointer: "/scopes/route/0", Text: "is odd"})
		}
		if len(r.Scopes.Tools["echo"]) > 1 {
			report.Notes = append(report.Notes, policies.Problem{Route: r.ID, Pointer: "/scopes/tools/echo", Text: "is a lot"})
		}
		switch r.Path {
		case "/odd":
			report.Problems = append(report.Problems, policies.Problem{Route: r.ID, Pointer: "/scope", Text: "is odd, as is " + text(options, "clientId")})
		case "/even":
			report.Notes = append(report.Notes, policies.Problem{Route: r.ID, Text: "is even"})
		case "/lost":
			report.Problems = append(report.Problems, policies.Problem{Route: "lost", Pointer: "/scope", Text: "is of no route"})
		}
	}
	if slices.Contains(in.Origins, "https://wrong.example") {
		report.Problems = append(report.Problems, policies.Problem{Text: "cannot serve wrong.example"})
	}
	return report
}
