package main

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"durward/runtime"
)

// The tables in testdata/validate/*.txtar: a comment, whole files to use, and cases. Each case changes the valid
// configuration in testdata/config and runs `durward validate --config config` on it, with the policy types that ship. A
// case is an archive member "case NAME" of these lines:
//
//	edit FILE: OLD -> NEW      the first OLD in the file becomes NEW, in both of which \n, \t, \xff and \ufeff stand for themselves
//	append FILE: TEXT          the same at the end of the file
//	use MEMBER as FILE         the file becomes that member of the archive
//	remove FILE
//	set NAME=VALUE             an environment variable
//	unset NAME
//
// All other lines are what is printed, byte for byte. `go test ./cmd/durward -update` writes what comes out.
var update = flag.Bool("update", false, "write what comes out into testdata/validate/*.txtar")

// canary is part of every value in the tables' environment. It may stand in no output (G10).
const canary = "canary"

func tableEnv() map[string]string {
	return map[string]string{
		"CLERK_FRONTEND_API_URL": "https://canary.clerk.example",
		"CLERK_CLIENT_ID":        "canary-client-id",
		"CLERK_CLIENT_SECRET":    "canary-client-secret",
		"UPSTREAM":               "https://canary.example/mcp",
		"DURWARD_ADMIN_TOKEN":    "canary-admin-token",
		"UPSTREAM_KEY":           "canary-upstream-key",
		"UPSTREAM_TEAM":          "canary-upstream-team",
	}
}

// Each refusal of the configuration, with its exact position and text, and all that must load.
func TestValidate(t *testing.T) {
	tables, err := filepath.Glob("testdata/validate/*.txtar")
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	for _, file := range tables {
		table, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for i, member := range table.Files {
			name, isCase := strings.CutPrefix(member.Name, "case ")
			if !isCase {
				continue
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				table.Files[i].Data = runCase(t, table, member.Data)
			})
		}
		if *update {
			if err := os.WriteFile(file, txtar.Format(table), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// runCase answers the case as it would have to be written to pass.
func runCase(t *testing.T, table *txtar.Archive, body []byte) []byte {
	t.Helper()
	files, env := validFiles(t), tableEnv()
	var script, want bytes.Buffer
	for line := range strings.Lines(string(body)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		isStep, fault := step(strings.TrimSuffix(line, "\n"), table, files, env)
		if fault != "" {
			t.Fatalf("%s: %s", fault, line)
		}
		if isStep {
			script.WriteString(line)
		} else {
			want.WriteString(line)
		}
	}
	status, out := validate(t, files, env)
	if diff := cmp.Diff(want.String(), out); diff != "" && !*update {
		t.Errorf("output (-want +got):\n%s", diff)
	}
	summary := strings.HasPrefix(lastLine(out), "config: no problems: ")
	if summary != (status == 0) || status > 1 {
		t.Errorf("exit status %d after %q", status, lastLine(out))
	}
	if strings.Contains(out, canary) {
		t.Errorf("G10: a value of the environment, or a secret, is printed:\n%s", out)
	}
	return append(script.Bytes(), out...)
}

// step takes a step of a case, if the line is one. A fault is the table's.
func step(line string, table *txtar.Archive, files map[string]string, env map[string]string) (isStep bool, fault string) {
	escapes := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\xff`, "\xff", `\ufeff`, "\ufeff", `\\`, `\`)
	verb, rest, _ := strings.Cut(line, " ")
	name, text, _ := strings.Cut(rest, ": ")
	switch verb {
	case "edit":
		old, with, ok := strings.Cut(text, " -> ")
		old = escapes.Replace(old)
		if !ok || !strings.Contains(files[name], old) {
			return true, "nothing to edit"
		}
		files[name] = strings.Replace(files[name], old, escapes.Replace(with), 1)
	case "append":
		files[name] += escapes.Replace(text)
	case "use":
		member, name, _ := strings.Cut(rest, " as ")
		i := slices.IndexFunc(table.Files, func(f txtar.File) bool { return f.Name == member })
		if i < 0 {
			return true, "no such member"
		}
		files[name] = string(table.Files[i].Data)
	case "remove":
		delete(files, rest)
	case "set":
		name, value, _ := strings.Cut(rest, "=")
		env[name] = escapes.Replace(value)
	case "unset":
		delete(env, rest)
	default:
		return false, ""
	}
	return true, ""
}

// validFiles are those of testdata/config, by name.
func validFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"policies.json", "routes.oas.json", "gateway.json"} {
		data, err := os.ReadFile(filepath.Join("testdata/config", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(data)
	}
	return files
}

// validate writes the files into a folder "config" and answers what the command makes of it.
func validate(t *testing.T, files, env map[string]string) (status int, out string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, data := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join("config", name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("config", name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return validateFolder(t, "config", env)
}

// validateFolder runs `durward validate` in this process with no other variables than env.
func validateFolder(t *testing.T, folder string, env map[string]string) (status int, out string) {
	t.Helper()
	for name := range maps.Keys(tableEnv()) {
		t.Setenv(name, "") // so that it is put back when the test ends
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("DURWARD_CONFIG", "")
	for name, value := range env {
		t.Setenv(name, value)
	}
	var stdout, stderr bytes.Buffer
	status = run([]string{"validate", "--config", folder}, &stdout, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("standard error: %s", &stderr)
	}
	return status, stdout.String()
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[len(lines)-1]
}

// The configuration that ships loads with the four variables that it names. Its identity provider is the demo's, which
// lets anybody in and is not asked about them again, and validate says so.
func TestValidateShippedConfiguration(t *testing.T) {
	env := tableEnv()
	env["DURWARD_DEMO_UPSTREAM"] = "http://127.0.0.1:4000/mcp"
	status, out := validateFolder(t, "../../config", env)
	const at = "../../config/policies.json:10:20: /policies/0/handler/options: note: "
	want := at + "everybody whom the identity provider lets in may come in, and many applications at providers such as Clerk " +
		"let anybody sign up: say who may with access, for example \"access\": {\"emailDomains\": [\"example.com\"]}\n" +
		at + "without offline_access in scope, Clerk may give the gateway nothing with which to ask again whether a person is " +
		"still welcome (gateway.recheckSeconds): whoever is disabled there may then keep their access here for as long as a " +
		"client of theirs goes on. Allow offline_access for the application at the provider and put \"scope\": \"openid " +
		"profile email offline_access\", or set gateway.recheckSeconds to 0\n../../config: no problems: 1 policy, 1 route\n"
	if status != 0 || out != want {
		t.Errorf("exit status %d, output:\n%s\nwant:\n%s", status, out, want)
	}
}

// Whatever a policy type writes into a note or a problem stays on its line, for scripts count lines.
func TestValidatePrintsOneLineEach(t *testing.T) {
	note := runtime.Problem{File: "config/policies.json", Line: 4, Column: 5, Pointer: "/policies/0", Text: "two\nlines"}
	var out bytes.Buffer
	if err := (report{folder: "config"}).print(&out, runtime.Validation{Notes: []runtime.Problem{note}, Policies: 2}); err != nil {
		t.Error(err)
	}
	want := "config/policies.json:4:5: /policies/0: note: two\\u000alines\nconfig: no problems: 2 policies, 0 routes\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("note (-want +got):\n%s", diff)
	}
	out.Reset()
	err := (report{folder: "config"}).print(&out, runtime.Validation{Problems: []runtime.Problem{note, note}})
	if err != exitError(1) {
		t.Errorf("error %v", err)
	}
	line := "config/policies.json:4:5: /policies/0: two\\u000alines\n"
	if diff := cmp.Diff(line+line, out.String()); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
