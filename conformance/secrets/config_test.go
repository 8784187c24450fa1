package secrets

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

// fault is a configuration with a secret right where a person must mend something.
type fault struct {
	name string
	// file is what is saved, with old replaced by replacement in what ships; without old the replacement is the file.
	file, old, replacement string
	// pointer and text are where and how the problem is told; text is a part of it.
	pointer, text string
}

const (
	policies, routes, settings = "policies.json", "routes.oas.json", "gateway.json"

	secretAt, urlAt = "/policies/0/handler/options/clientSecret", "/policies/0/handler/options/frontendApiUrl"
	upstreamAt      = "/paths/~1mcp~1demo/post/x-zuplo-route/handler/options/rewritePattern"
)

// environment holds a secret of every form that a fault below needs.
func environment() map[string]string {
	return map[string]string{
		"CANARY_PADDED":   canary("env-padded") + " ",
		"CANARY_LINES":    canary("env-first") + "\n" + canary("env-second"),
		"CANARY_PATH":     "https://clerk.example/" + canary("env-path"),
		"CANARY_USER":     "https://user:" + canary("env-password") + "@clerk.example",
		"CANARY_QUERY":    "https://clerk.example?key=" + canary("env-query"),
		"CANARY_FRAGMENT": "https://clerk.example#" + canary("env-fragment"),
		"CANARY_TEXT":     canary("env text with spaces"),
		"CANARY_PLAIN":    "http://" + canary("env-host") + ".example",
		"CANARY_BYTES":    canary("env-bytes") + "\xff",
	}
}

func faults() []fault {
	secret := func(name, value, pointer, text string) fault {
		return fault{"client secret " + name, policies, `"$env(CLERK_CLIENT_SECRET)"`, value, pointer, text}
	}
	quoted := func(name, value, text string) fault { return secret(name, `"`+value+`"`, secretAt, text) }
	frontend := func(name, variable, text string) fault {
		return fault{"provider's URL " + name, policies, "$env(CLERK_FRONTEND_API_URL)", "$env(" + variable + ")", urlAt, text}
	}
	upstream := func(name, value, text string) fault {
		return fault{"upstream " + name, routes, `"${env.DURWARD_DEMO_UPSTREAM}"`, value, upstreamAt, text}
	}
	admin := func(name, value, text string) fault {
		return fault{"admin token " + name, settings, "", `{"adminToken": ` + value + `}`, "/adminToken", text}
	}
	return []fault{
		secret("as a number", digits, secretAt, "must be a string"),
		secret("in a list", `["`+canary("list")+`"]`, secretAt, "must be a string"),
		secret("in an object", `{"value": "`+canary("object")+`"}`, secretAt, "must be a string"),
		quoted("with a line end", canary("line-end")+`\n`, "with no space or line end around it"),
		quoted("from a variable, with a space", "$env(CANARY_PADDED)", "with no space or line end around it"),
		quoted("within text", "x-$env(CANARY_LINES) ", "with no space or line end around it"),
		quoted("beside a variable that is not set", canary("beside")+"-$env(DURWARD_NOT_SET)", "DURWARD_NOT_SET is not set"),
		quoted("in place of a variable's name", "$env("+canary("as-name")+")", "needs a name of letters"),
		quoted("in a reference that is not closed", "$env("+canary("open"), "has no closing"),
		quoted("in an import", "$import("+canary("import")+")", "begins with ./"),
		quoted("that is not text", "$env(CANARY_BYTES)", "is not valid UTF-8"),
		quoted("twice", canary("first")+`", "clientSecret": "`+canary("second"), `duplicate property "clientSecret"`),
		secret("with an unknown escape", `"`+canary("escape")+`\x"`, secretAt, "a backslash must be written"),
		secret("with a line break in it", `"`+canary("broken")+"\n\"", secretAt, "must end on the same line"),
		secret("without its second quote", `"`+canary("end"), secretAt, "must end on the same line"),
		secret("in bytes that are not UTF-8", `"`+canary("bytes")+"\xff\"", "", "is not valid UTF-8"),
		secret("under a misspelt name", `"x", "clientSecert": "`+canary("misspelt")+`"`,
			"/policies/0/handler/options/clientSecert", `unknown property "clientSecert"`),
		{"client id of spaces", policies, "$env(CLERK_CLIENT_ID)", "$env(CANARY_PADDED)",
			"/policies/0/handler/options/clientId", "with no space"},
		{"scope", policies, `"$env(CLERK_CLIENT_SECRET)"`, `"x", "scope": "$env(CANARY_TEXT)"`,
			"/policies/0/handler/options/scope", "must contain openid"},
		{"policy's name", policies, `"name": "clerk"`, `"name": "$env(CANARY_TEXT)"`, "/policies/0/name", "is not resolved here"},
		frontend("with a path", "CANARY_PATH", "must have no path"),
		frontend("with a password", "CANARY_USER", "must hold no user"),
		frontend("with a query", "CANARY_QUERY", "must have no query"),
		frontend("with a fragment", "CANARY_FRAGMENT", "must have no fragment"),
		frontend("that is none", "CANARY_TEXT", "must begin with https://"),
		frontend("in the clear", "CANARY_PLAIN", "must be https"),
		upstream("with a password", `"${env.CANARY_USER}"`, "without user and password"),
		upstream("with a key in the query", `"$env(CANARY_QUERY)"`, "without a query"),
		upstream("with a fragment", `"${env.CANARY_FRAGMENT}"`, "without a fragment"),
		upstream("that is none", `"${env.CANARY_TEXT}"`, "must be an http or https URL"),
		upstream("that is a number", digits, "must be a string"),
		admin("too short", `"`+gateway.Canary+`"`, "at least 16 characters"),
		admin("of other characters", `"`+canary("with a space")+`"`, "must be made of letters"),
		admin("of several lines", `"$env(CANARY_LINES)"`, "must be made of letters"),
		admin("as a number", digits, "must be a string"),
		{"public URL with a password", settings, "", `{"publicUrl": "https://user:` + canary("public") + `@mcp.example.com"}`,
			"/publicUrl", "must be an origin"},
	}
}

// content is the file as the fault has it.
func (f fault) content(shipped string) string {
	if f.old == "" {
		return f.replacement
	}
	return strings.Replace(shipped, f.old, f.replacement, 1)
}

// TestG10_FaultyConfiguration has each command refuse each fault, and a gateway that runs refuse it as a reload. The
// problem is told at its place, without a word of the secret.
func TestG10_FaultyConfiguration(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) {
		for name, value := range environment() {
			g.Setenv(name, value)
		}
	})
	shipped := map[string]string{policies: g.Read(policies), routes: g.Read(routes), settings: "{}"}
	binary, h := gateway.PlainBinary(t), newHunt()
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			content := f.content(shipped[f.file])
			if content == shipped[f.file] {
				t.Fatal("nothing is wrong with it")
			}
			folder := filepath.Join(t.TempDir(), "config")
			if err := os.CopyFS(folder, os.DirFS(g.Config)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, f.file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{
				{"validate"}, {"serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", t.TempDir()},
			} {
				out := refuses(t, binary, append(args, "--config", folder), g.Parts.Env())
				h.look(t, "what "+args[0]+" prints", out)
				says := func(part string) bool { return strings.Contains(string(out), part) }
				if !says(f.file) || !says(f.pointer+": ") || !says(f.text) {
					t.Errorf("%s prints %s\nwant a problem in %s at %q that says %q", args[0], out, f.file, f.pointer, f.text)
				}
			}
			g.Save(f.file, content)
			last := g.Reload()
			told := func(p runtime.Problem) bool { return p.Pointer == f.pointer && strings.Contains(p.Text, f.text) }
			if last.Result != runtime.Refused || !slices.ContainsFunc(last.Problems, told) {
				t.Errorf("the reload was %+v", last)
			}
			status, err := json.Marshal(g.Status())
			if err != nil {
				t.Fatal(err)
			}
			h.look(t, "the admin listener's answer", status)
			g.Save(f.file, shipped[f.file])
			if last := g.Reload(); last.Result != runtime.Unchanged {
				t.Errorf("when that was mended the reload was %+v", last)
			}
		})
	}
	g.Stop()
	h.look(t, "the log", []byte(g.Log.Text()))
}

// refuses runs the command, which must end with status 1, and answers all that it prints.
func refuses(t *testing.T, binary string, args []string, parts map[string]string) []byte {
	t.Helper()
	c := exec.CommandContext(t.Context(), binary, args...)
	c.Env = os.Environ()
	for _, env := range []map[string]string{parts, environment()} {
		for name, value := range env {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	out, err := c.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("%s: %v\n%s", args[0], err, out)
	}
	return out
}
