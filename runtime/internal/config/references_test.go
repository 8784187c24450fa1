package config

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"durward/runtime/internal/reference"
)

// loadBeside loads a folder with what lies outside of it, by path.
func loadBeside(t *testing.T, folder fstest.MapFS, env, disk map[string]string, change func(*Options)) Result {
	t.Helper()
	l := newLoader(t, folder, env)
	l.options.DotEnv = "/project/.env"
	l.options.ReadFile = func(path string, limit int) reference.Content {
		text, there := disk[path]
		if !there {
			return reference.Content{Sum: "missing", Missing: true}
		}
		return reference.Content{Data: []byte(text), Sum: "holds " + text}
	}
	l.options.Content = func(string) string { t.Error("a file is read twice"); return "" }
	if change != nil {
		change(&l.options)
	}
	return l.Load()
}

// .env counts where only this machine can reach the gateway: by what gateway.json says, and by what beats it.
func TestDotEnvCountsInDevelopment(t *testing.T) {
	const public, elsewhere = "publicUrl is no loopback address", "the gateway listens on an address that is no loopback one"
	for _, tt := range []struct {
		gateway, listen string
		why             string // it does not count; "" if it does
	}{
		{gateway: `{}`},
		{gateway: ``},
		{gateway: `{"listen": "127.0.0.1:9000"}`},
		{gateway: `{"listen": "[::1]:9000"}`},
		{gateway: `{"listen": "localhost:9000"}`},
		{gateway: `{"publicUrl": "http://localhost:9000"}`},
		{gateway: `{"publicUrl": ["http://localhost:9000", "https://127.0.0.1:9443"]}`},
		{gateway: `{"listen": "0.0.0.0:9000"}`, listen: "127.0.0.1:9000"},
		{gateway: `{"listen": "0.0.0.0:9000"}`, why: elsewhere},
		{gateway: `{"listen": ":9000"}`, why: elsewhere},
		{gateway: `{"listen": "192.0.2.1:9000"}`, why: elsewhere},
		{gateway: `{"listen": "127.0.0.1:9000"}`, listen: ":9000", why: elsewhere},
		{gateway: `{}`, listen: "/run/durward.sock", why: elsewhere},
		{gateway: `{"publicUrl": "https://mcp.example.com"}`, why: public},
		{gateway: `{"publicUrl": ["http://localhost:9000", "https://mcp.example.com"]}`, why: public},
		{gateway: `{"publicUrl": "https://mcp.example.com"}`, listen: "127.0.0.1:9000", why: public},
	} {
		folder := validFolder(t)
		delete(folder, GatewayFile)
		if tt.gateway != "" {
			folder[GatewayFile] = &fstest.MapFile{Data: []byte(tt.gateway)}
		}
		env := baseEnv()
		delete(env, "CLIENT_ID")
		disk := map[string]string{"/project/.env": "CLIENT_ID=canary-dotenv\n"}
		result := loadBeside(t, folder, env, disk, func(o *Options) { o.Listen = tt.listen })
		counts := result.Config != nil && strings.Contains(string(policyNamed(t, result.Config, "login").Options), "canary-dotenv")
		if counts != (tt.why == "") {
			t.Errorf("%s, listening at %q: counts: %v, %v", tt.gateway, tt.listen, counts, result.Problems)
		}
		if watched := len(result.Outside) == 1 && result.Outside[0].Path == "/project/.env"; watched != counts {
			t.Errorf("%s, listening at %q: outside are %v", tt.gateway, tt.listen, result.Outside)
		}
		env["CLIENT_ID"] = "set"
		notes := fmt.Sprint(loadBeside(t, folder, env, disk, func(o *Options) { o.Listen = tt.listen }).Config.Notes)
		note := ".env:1:1: /: is not read: it counts in development only, and " + tt.why + "]"
		if strings.Contains(notes, ".env") != (tt.why != "") || tt.why != "" && !strings.HasSuffix(notes, note) {
			t.Errorf("%s, listening at %q: the notes are %s", tt.gateway, tt.listen, notes)
		}
		if notes := fmt.Sprint(loadBeside(t, folder, env, nil, nil).Config.Notes); strings.Contains(notes, ".env") {
			t.Errorf("%s: without such a file the notes are %s", tt.gateway, notes)
		}
	}
}

// What is wrong with .env is told by its lines, after all else, and not once more where a broken line is needed.
func TestDotEnvProblems(t *testing.T) {
	folder := validFolder(t)
	delete(folder, GatewayFile)
	env := baseEnv()
	delete(env, "CLIENT_ID")
	disk := map[string]string{"/project/.env": "X=1\nCLIENT_ID='canary\ncanary\n"}
	for name, want := range map[string]string{"config": ".env", "/etc/durward/config": "/etc/durward/.env", ".": "../.env", "": "../.env"} {
		result := loadBeside(t, folder, env, disk, func(o *Options) { o.Name = name })
		var got []string
		for _, p := range result.Problems {
			got = append(got, p.String())
		}
		want := []string{
			want + ":2:1: /: has no closing ': a value ends on its line",
			want + ":3:1: /: is no NAME=VALUE, where NAME is of letters, digits and _",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in %q (-want +got):\n%s", name, diff)
		}
	}
}

// Each variable is told of with where its value comes from and where it is named, also in a configuration with problems.
func TestReferences(t *testing.T) {
	env := baseEnv()
	delete(env, "CLIENT_SECRET")
	env["CLIENT_SECRET_FILE"] = "/run/secret"
	delete(env, "CLIENT_ID")
	folder := replaced(t, validFolder(t), PoliciesFile, `"$env(CLIENT_ID)"`, `"\u0024env(CLIENT_ID)é$env(sk_live_canary)$env(TENANT)", "scope": "openid $env(TENANT)"`)
	folder[GatewayFile] = &fstest.MapFile{Data: []byte(`{"adminToken": "$env(ADMIN_TOKEN)"}`)}
	result := loadBeside(t, folder, env, map[string]string{"/run/secret": "canary\n", "/project/.env": "CLIENT_ID=canary"}, nil)
	if len(result.Problems) != 1 || !strings.Contains(result.Problems[0].Text, "this environment variable is not set") {
		t.Errorf("problems: %v", result.Problems)
	}
	var got []string
	for _, r := range result.References {
		got = append(got, fmt.Sprint(r))
	}
	const options = "/policies/0/handler/options/"
	want := []string{
		"{(not shown) not set [{config/policies.json 12 23 " + options + "clientId}]}",
		"{ADMIN_TOKEN environment [{config/gateway.json 1 17 /adminToken}]}",
		"{CLIENT_ID .env [{config/policies.json 12 24 " + options + "clientId}]}",
		"{CLIENT_SECRET file [{config/policies.json 13 28 " + options + "clientSecret}]}",
		"{FRONTEND_URL environment [{config/policies.json 11 30 " + options + "frontendApiUrl}]}",
		"{TENANT environment [{config/policies.json 12 23 " + options + "clientId} {config/policies.json 12 97 " + options + "scope}]}",
		"{UPSTREAM environment [{config/routes.oas.json 16 45 /paths/~1mcp~1a/post/x-zuplo-route/handler/options/rewritePattern}]}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]File{{"/project/.env", "holds CLIENT_ID=canary"}, {"/run/secret", "holds canary\n"}}, result.Outside); diff != "" {
		t.Errorf("outside (-want +got):\n%s", diff)
	}
}

// G5: other bytes in a file change what names the variable, and nothing else; the line end behind them is none.
func TestG5_FilesOfValues(t *testing.T) {
	env := baseEnv()
	maps.DeleteFunc(env, func(name, _ string) bool { return name == "CLIENT_SECRET" || name == "UPSTREAM" })
	env["CLIENT_SECRET_FILE"], env["UPSTREAM_FILE"] = "/run/secret", "/run/upstream"
	before := loadBeside(t, validFolder(t), env, map[string]string{"/run/secret": "canary", "/run/upstream": "http://canary.example/"}, nil)
	if before.Config == nil {
		t.Fatal(before.Problems)
	}
	for _, tt := range []struct {
		name, secret, upstream string
		want                   string
	}{
		{"the same", "canary", "http://canary.example/", ""},
		{"a line end more", "canary\n", "http://canary.example/\r\n", ""},
		{"another secret", "canary-2", "http://canary.example/", "login"},
		{"another upstream", "canary", "http://canary-2.example/", "a"},
		{"no file", "canary", "", "refused"},
	} {
		disk := map[string]string{"/run/secret": tt.secret, "/run/upstream": tt.upstream}
		if tt.upstream == "" {
			delete(disk, "/run/upstream")
		}
		after := loadBeside(t, validFolder(t), env, disk, nil)
		if len(after.Outside) != 2 {
			t.Errorf("%s: outside are %v", tt.name, after.Outside)
		}
		got := ""
		if after.Config == nil {
			got = "refused"
		} else {
			for i, p := range after.Config.Policies {
				if p.Hash != before.Config.Policies[i].Hash {
					got += p.Name
				}
				if p.DecisionHash != before.Config.Policies[i].DecisionHash {
					t.Errorf("%s: the decisions of %s have changed", tt.name, p.Name)
				}
			}
			for i, r := range after.Config.Routes {
				if r.Hash != before.Config.Routes[i].Hash {
					got += r.ID
				}
			}
		}
		if got != tt.want {
			t.Errorf("%s: changed is %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A file that a policy reads and that holds a value, too, is read once for both.
func TestFileOfAValueAndOfAPolicy(t *testing.T) {
	folder := readers(map[string][]string{"a": {"$env(PATH)"}})
	l, err := New(Options{
		FS: folder, Name: "config", Types: readerTypes(),
		LookupEnv: func(name string) (string, bool) { return "/run/path", name == "PATH_FILE" },
		ReadFile: func(string, int) reference.Content {
			return reference.Content{Data: []byte("/run/path"), Sum: "once"}
		},
		Content: func(path string) string { return "twice" },
	})
	if err != nil {
		t.Fatal(err)
	}
	result := l.Load()
	if diff := cmp.Diff([]File{{"/run/path", "once"}}, result.Outside); diff != "" || result.Config == nil {
		t.Errorf("%v, outside (-want +got):\n%s", result.Problems, diff)
	}
}
