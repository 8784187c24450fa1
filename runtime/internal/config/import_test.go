package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// importing is the valid configuration whose options at /policies/0/handler/options hold this instead of clientSecret, with
// other files beside it.
func importing(t testing.TB, with string, files map[string]string) fstest.MapFS {
	t.Helper()
	folder := replaced(t, validFolder(t), PoliciesFile, `"clientSecret": "$env(CLIENT_SECRET)"`, with)
	for name, data := range files {
		folder[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return folder
}

func problemsOf(r Result) (lines []string) {
	for _, p := range r.Problems {
		lines = append(lines, p.String())
	}
	return lines
}

// What is imported is as if it were written in the place of the import.
func TestImportIsAsIfWrittenInItsPlace(t *testing.T) {
	written := mustLoad(t, importing(t, `"clientSecret": "$env(CLIENT_SECRET)", "keys": [{"secret": "canary-two"}], "extra": ["$env(TENANT)", "x"]`, nil), baseEnv())
	folder := importing(t, `"clientSecret": "$import(./secret.json)", "keys": "$import(./keys/all.jsonc)", "extra": ["$import(./keys/tenant.json)", "x"]`,
		map[string]string{
			"secret.json":      `"$env(CLIENT_SECRET)"`,
			"keys/all.jsonc":   "[ // all of them\n \"$import(./one.json)\",\n]",
			"keys/one.json":    `{"secret": "canary-two"}`,
			"keys/tenant.json": `"$import(./../tenant.json)"`,
			"tenant.json":      `"$env(TENANT)"`,
			"unused.json":      `{`,
		})
	result := load(t, folder, baseEnv())
	if result.Config == nil {
		t.Fatal(problemsOf(result))
	}
	was, is := written.Policies[0], result.Config.Policies[0]
	if diff := cmp.Diff(string(was.Options), string(is.Options)); diff != "" {
		t.Errorf("options (-written +imported):\n%s", diff)
	}
	if was.Hash != is.Hash || was.DecisionHash != is.DecisionHash {
		t.Error("G5: the hashes differ")
	}
	if diff := cmp.Diff(was.secrets, is.secrets); diff != "" {
		t.Errorf("secrets (-written +imported):\n%s", diff)
	}
	if diff := cmp.Diff(was.written, is.written); diff != "" {
		t.Errorf("texts that name variables (-written +imported):\n%s", diff)
	}
	if is.Redact("canary-two canary-client-secret") != "(secret) (secret)" {
		t.Errorf("G10: shown is %s", is.Redact("canary-two canary-client-secret"))
	}
	if lines := Compare(written, result.Config).lines(); lines != nil {
		t.Errorf("they differ in %v", lines)
	}
	want := append(baseFiles(), "secret.json", "keys/all.jsonc", "keys/one.json", "keys/tenant.json", "tenant.json")
	if diff := cmp.Diff(want, result.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	for _, name := range want {
		if _, ok := result.Sums[name]; !ok {
			t.Errorf("there is no sum of %s", name)
		}
	}
	var places []string
	for _, r := range result.References {
		for _, p := range r.Places {
			places = append(places, fmt.Sprintf("%s %s:%d:%d %s", r.Name, p.File, p.Line, p.Column, p.Pointer))
		}
	}
	for _, want := range []string{"CLIENT_SECRET config/secret.json:1:2 ", "TENANT config/tenant.json:1:2 "} {
		if !slices.Contains(places, want) {
			t.Errorf("%q is no place of a reference: %q", want, places)
		}
	}
}

// The options as a whole, and those of a route's handler, may come from files.
func TestImportOfOptions(t *testing.T) {
	folder := validFolder(t)
	policies := string(folder[PoliciesFile].Data)
	from := strings.Index(policies, `"options": {`) + len(`"options": `)
	to := from + strings.Index(policies[from:], "\n        }") + len("\n        }")
	folder[PoliciesFile] = &fstest.MapFile{Data: []byte(policies[:from] + `"$import(./login.json)"` + policies[to:])}
	folder["login.json"] = &fstest.MapFile{Data: []byte(policies[from:to])}
	folder = replaced(t, folder, RoutesFile, `{ "rewritePattern": "http://127.0.0.1:9/mcp" }`, `"$import(./b.json)"`)
	folder = replaced(t, folder, RoutesFile, `"${env.UPSTREAM}"`, `"$import(./a.jsonc)"`)
	folder["b.json"] = &fstest.MapFile{Data: []byte(`{ "rewritePattern": "http://127.0.0.1:9/mcp" }`)}
	folder["a.jsonc"] = &fstest.MapFile{Data: []byte(`/* where it is */ "${env.UPSTREAM}"`)}
	result := load(t, folder, baseEnv())
	if result.Config == nil {
		t.Fatal(problemsOf(result))
	}
	if diff := Compare(mustLoad(t, validFolder(t), baseEnv()), result.Config).lines(); diff != nil {
		t.Errorf("they differ in %v", diff)
	}
	if got := result.Config.Routes[0].UpstreamWritten; got != "${env.UPSTREAM}" {
		t.Errorf("written is %s", got)
	}
}

// What is wrong in a file that is imported is told there, once, with the pointer within it; and what is wrong with the
// import, where it stands.
func TestImportProblems(t *testing.T) {
	chain := map[string]string{}
	for i := range maxImports + 1 {
		chain[fmt.Sprintf("c%d.json", i)] = fmt.Sprintf(`"$import(./c%d.json)"`, i+1)
	}
	const at = "config/policies.json:13:"
	extra := func(name string) string { return `"clientSecret": "s", "extra": "$import(` + name + `)"` }
	tests := []struct {
		name, with string
		files      map[string]string
		want       []string
	}{
		{"a type", extra("./e.json"), map[string]string{"e.json": "\n  {}"}, []string{"config/e.json:2:3: /: must be an array"}},
		{"an item", extra("./e.json"), map[string]string{"e.json": "[\n  1]"}, []string{"config/e.json:2:3: /0: must be a string"}},
		{"an item in a file that another imports", `"clientSecret": "s", "keys": "$import(./d/k.json)"`,
			map[string]string{"d/k.json": `[{"secret": "$import(./s.json)"}]`, "d/s.json": ` 7`}, []string{"config/d/s.json:1:2: /: must be a string"}},
		{"what the type notes", `"clientSecret": "s", "scope": "$import(./s.json)"`, map[string]string{"s.json": `"email"`},
			[]string{`config/s.json:1:1: /: must be a list of scopes that has openid in it`}},
		{"a variable", extra("./e.json"), map[string]string{"e.json": `["$env(NOBODY)"]`},
			[]string{"config/e.json:1:3: /0: environment variable NOBODY is not set"}},
		{"a variable in a name", `"clientSecret": "s", "keys": "$import(./k.json)"`, map[string]string{"k.json": `[{"$env(A)": "x"}]`},
			[]string{"config/k.json:1:3: /0/$env(A): $env(...) is not resolved in a name"}},
		{"imported twice", `"clientSecret": "s", "extra": ["$import(./e.json)", "$import(./e.json)"]`, map[string]string{"e.json": `1`},
			[]string{"config/e.json:1:1: /: must be a string"}},
		{"no JSON", extra("./e.json"), map[string]string{"e.json": "[\n1 2]"}, []string{"config/e.json:2:2: /0: a comma is missing after this value"}},
		{"comments", extra("./e.json"), map[string]string{"e.json": "[] // none"},
			[]string{"config/e.json:1:4: /: JSON has no comments: remove it, or rename the file to e.jsonc, which may have it"}},
		{"a name twice", `"clientSecret": "s", "keys": ["$import(./g.json)"]`, map[string]string{"g.json": `{"secret": "x", "secret": "y"}`},
			[]string{`config/g.json:1:17: /secret: duplicate property "secret", first on line 1`}},
		{"too large", extra("./e.json"), map[string]string{"e.json": strings.Repeat(" ", maxBytes+1)}, []string{"config/e.json:1:1: /: is larger than 4 MiB"}},
		{"in what must not be there", `"clientSecret": "s", "extr": "$import(./e.json)"`, map[string]string{"e.json": `["$env(NOBODY)"]`},
			[]string{at + `32: /policies/0/handler/options/extr: unknown property "extr": did you mean "extra"?`}},

		{"missing", extra("./no.json"), nil, []string{"there is no file no.json in the configuration folder"}},
		{"missing below", extra("./a/../b/no.json"), nil, []string{"there is no file b/no.json in the configuration folder"}},
		{"a folder", extra("./d.json"), map[string]string{"d.json/x": ""}, []string{"d.json cannot be read: it is no file"}},
		{"itself", extra("./e.json"), map[string]string{"e.json": `"$import(./e.json)"`},
			[]string{"config/e.json:1:2: /: files import each other in a circle: e.json -> e.json"}},
		{"a circle", extra("./d/a.json"), map[string]string{"d/a.json": `["$import(./b.json)"]`, "d/b.json": `"$import(./../d/a.json)"`},
			[]string{"config/d/b.json:1:2: /: files import each other in a circle: d/a.json -> d/b.json -> d/a.json"}},
		{"too many in a row", extra("./c0.json"), chain, []string{"config/c15.json:1:2: /: more than 16 files import each other in a row"}},
		{"a main file", extra("./gateway.json"), nil, []string{"gateway.json is a part of the configuration by itself and cannot be imported"}},
		{"out of the folder", extra("./../e.json"), nil, []string{"an imported file must lie in the configuration folder, and this leads out of it"}},
		{"out of the folder at once", extra("../e.json"), nil, []string{"an imported file must lie in the configuration folder: write ./FILE"}},
		{"absolute", extra("/etc/e.json"), nil, []string{"an imported file is named from the file that imports it, as in ./FILE: its name is not absolute"}},
		{"absolute in Windows", extra("C:/e.json"), nil, []string{"an imported file is named from the file that imports it, as in ./FILE: its name is not absolute"}},
		{"backslashes", extra(`.\\e.json`), nil, []string{`the folders in a file's name are parted by /, not by \`}},
		{"a URL", extra("https://x.example/e.json"), nil, []string{"files are imported from the configuration folder only, not from a URL"}},
		{"no ./", extra("e.json"), nil, []string{"the name of an imported file begins with ./"}},
		{"a module", extra("@zuplo/runtime"), nil, []string{"modules are imported in handler.module only: write $import(./FILE) for a file"}},
		{"a plugin", extra("./plugins/mine"), nil,
			[]string{"$import(./plugins/NAME) comes with outside providers, in a later version: import one of the modules that ship"}},
		{"nothing", extra(""), nil, []string{"$import() names no file: write $import(./FILE)"}},
		{"no name", extra("./"), nil, []string{"$import() names no file: write $import(./FILE)"}},
		{"percent", extra("./e%2ejson"), nil, []string{"the name of an imported file has no % in it: it is taken as it is written"}},
		{"space", extra("./e.json "), nil, []string{"the name of an imported file has no space around it and no control characters in it"}},
		{"no JSON by its name", extra("./e.txt"), nil, []string{"the name of an imported file ends in .json or .jsonc"}},
		{"not closed", `"clientSecret": "s", "extra": "$import(./e.json"`, nil, []string{"$import( has no closing )"}},
		{"text behind", `"clientSecret": "s", "extra": "$import(./e.json)x"`, nil,
			[]string{`an import is a whole value: "$import(./FILE)" with nothing before or behind it`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result := load(t, importing(t, tt.with, tt.files), baseEnv())
			want := slices.Clone(tt.want)
			for i, w := range want {
				if !strings.HasPrefix(w, "config/") {
					want[i] = at + "42: /policies/0/handler/options/extra: " + w
				}
			}
			if diff := cmp.Diff(want, problemsOf(result)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A name that must not be there is told where it is written, and what it imports is not.
func TestImportedNames(t *testing.T) {
	folder := replaced(t, validFolder(t), PoliciesFile, `{ "accessTokenTtlSeconds": 900, "cimdEnabled": true }`, `"$import(./g.json)"`)
	folder["g.json"] = &fstest.MapFile{Data: []byte("{\n\"cimdEnabld\": \"$import(./h.json)\", \"accessTokenTtlSeconds\": 1}")}
	folder["h.json"] = &fstest.MapFile{Data: []byte(`["$env(NOBODY)"]`)}
	want := []string{
		`config/g.json:2:1: /cimdEnabld: unknown property "cimdEnabld": did you mean "cimdEnabled"?`,
		`config/g.json:2:61: /accessTokenTtlSeconds: must be at least 60`,
	}
	if diff := cmp.Diff(want, problemsOf(load(t, folder, baseEnv()))); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Outside of options nothing is imported, and a plugin of somebody else's nowhere yet.
func TestImportWhereThereIsNone(t *testing.T) {
	const only, later = "a file can be imported within options only, as a whole value",
		"$import(./plugins/NAME) comes with outside providers, in a later version: import one of the modules that ship"
	for _, tt := range []struct{ file, old, with, want string }{
		{PoliciesFile, `"name": "look"`, `"name": "$import(./x.json)"`, "config/policies.json:19:16: /policies/1/name: " + only},
		{PoliciesFile, `"module": "$import(@durward/runtime)"`, `"module": "$import(./plugins/mine)"`,
			"config/policies.json:21:62: /policies/1/handler/module: " + later},
		{RoutesFile, `"operationId": "b"`, `"operationId": "$import(./x.json)"`, "config/routes.oas.json:24:25: /paths/~1mcp~1b/post/operationId: " + only},
		{GatewayFile, `"data": ".durward"`, `"data": "$import(./x.json)"`, "config/gateway.json:5:12: /data: " + only},
		{GatewayFile, `"$env(ADMIN_TOKEN)"`, `"$import(./x.json)"`, "config/gateway.json:8:18: /adminToken: " + only},
	} {
		folder := replaced(t, validFolder(t), tt.file, tt.old, tt.with)
		if diff := cmp.Diff([]string{tt.want}, problemsOf(load(t, folder, baseEnv()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.with, diff)
		}
	}
}

// Files that import each other many times over do not grow without bound.
func TestImportsAreBounded(t *testing.T) {
	files := map[string]string{"j.json": `["` + strings.Repeat(`", "`, 50) + `"]`}
	for c := 'a'; c < 'j'; c++ {
		one := fmt.Sprintf(`"$import(./%c.json)"`, c+1)
		files[string(c)+".json"] = `[` + strings.Repeat(one+",", 50) + one + `]`
	}
	result := load(t, importing(t, `"clientSecret": "s", "extra": "$import(./a.json)"`, files), baseEnv())
	if want := "config/policies.json:1:1: /: has more than 10000 values, with those that it imports"; !slices.Contains(problemsOf(result), want) {
		t.Errorf("problems: %v", problemsOf(result))
	}
	result = load(t, replaced(t, importing(t, `"clientSecret": "s"`, files), RoutesFile, `"forwardSearch": true`, `"forwardSearch": "$import(./a.json)"`), baseEnv())
	if want := "config/routes.oas.json:1:1: /: has more than 10000 values, with those that it imports"; !slices.Contains(problemsOf(result), want) {
		t.Errorf("problems: %v", problemsOf(result))
	}
}

// One file may be imported in many places, and each has what it holds.
func TestBytesImportedAgainAreBounded(t *testing.T) {
	files := map[string]string{"e.json": `"` + strings.Repeat("x", 1<<19) + `"`}
	again := `"$import(./e.json)"`
	got := problemsOf(load(t, importing(t, `"clientSecret": "s", "extra": [`+strings.Join([]string{again, again, again}, ", ")+`]`, files), baseEnv()))
	const want = "config/policies.json:13:85: /policies/0/handler/options/extra/2: files that are imported more than once hold " +
		"more than 1 MiB together, each further time counted"
	if diff := cmp.Diff([]string{want}, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// A folder that is held (os.Root) lets no link lead out of it, and main files may still lie anywhere.
func TestImportStaysInTheFolder(t *testing.T) {
	top := t.TempDir()
	folder := filepath.Join(top, "config")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(path, data string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := importing(t, `"clientSecret": "s", "extra": "$import(./link.json)"`, nil)
	for name, file := range files {
		put(filepath.Join(top, name), string(file.Data))
		if err := os.Symlink(filepath.Join("..", name), filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	put(filepath.Join(top, "out.json"), `["canary"]`)
	put(filepath.Join(folder, "in.json"), `["x"]`)
	link := filepath.Join(folder, "link.json")
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	loader := newLoader(t, nil, baseEnv())
	loader.options.FS, loader.options.Imports = os.DirFS(folder), root.FS()
	for target, want := range map[string][]string{
		"in.json": nil,
		"../out.json": {"config/policies.json:13:42: /policies/0/handler/options/extra: " +
			"an imported file must lie in the configuration folder, and this is a link that leads out of it"},
	} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, problemsOf(loader.Load())); diff != "" {
			t.Errorf("a link to %s (-want +got):\n%s", target, diff)
		}
		if err := os.Remove(link); err != nil {
			t.Fatal(err)
		}
	}
}

// X.jsonc may stand in place of X.json, and not beside it.
func TestJSONC(t *testing.T) {
	folder := validFolder(t)
	plain := mustLoad(t, folder, baseEnv())
	for _, name := range []string{PoliciesFile, RoutesFile, GatewayFile} {
		data := strings.Replace(string(folder[name].Data), "{", "{ // "+name+"\n/* and\nmore */", 1)
		delete(folder, name)
		folder[name+"c"] = &fstest.MapFile{Data: []byte(data)}
	}
	result := load(t, folder, baseEnv())
	if result.Config == nil {
		t.Fatal(problemsOf(result))
	}
	if diff := Compare(plain, result.Config).lines(); diff != nil {
		t.Errorf("they differ in %v", diff)
	}
	both := maps.Clone(folder)
	maps.Copy(both, validFolder(t))
	want := []string{
		"config/policies.jsonc:1:1: /: policies.json is there, too: keep one of them",
		"config/routes.oas.jsonc:1:1: /: routes.oas.json is there, too: keep one of them",
		"config/gateway.jsonc:1:1: /: gateway.json is there, too: keep one of them",
	}
	result = load(t, both, baseEnv())
	if diff := cmp.Diff(want, problemsOf(result)); diff != "" {
		t.Errorf("both (-want +got):\n%s", diff)
	}
	// Which of the two has the names nobody can say: nothing is said of those that one of them does not have.
	both[PoliciesFile] = &fstest.MapFile{Data: []byte(`{"policies": []}`)}
	if diff := cmp.Diff(want, problemsOf(load(t, both, baseEnv()))); diff != "" {
		t.Errorf("both, one of them empty (-want +got):\n%s", diff)
	}
	for _, name := range baseFiles() {
		if result.Sums[name] == "" {
			t.Errorf("there is no sum of %s", name)
		}
	}
}
