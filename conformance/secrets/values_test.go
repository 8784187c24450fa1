package secrets

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"durward/conformance/gateway"
	"durward/runtime"
)

// project is a gateway with a secret in every place that may name one, each from another source: the environment, a file
// that a variable names, .env, a file that .env names.
type project struct {
	t      *testing.T
	g      *gateway.Gateway
	hunt   *hunt
	binary string
	env    map[string]string
	// kept is what the files held at first, by path.
	kept map[string]string
	// files is the folder of files that hold values. It is called as if it were one.
	files string
	// shown counts the problems that were shown with the line that they are about.
	shown int
}

// The files of the project.
const (
	headers = "headers.json"
	dotEnv  = ".env"
)

const projectPolicies = `{
  "policies": [
    {
      "name": "clerk",
      "policyType": "mcp-clerk-oauth-inbound",
      "handler": {
        "export": "McpClerkOAuthInboundPolicy",
        "module": "$import(@durward/runtime)",
        "options": {
          "frontendApiUrl": "$env(CLERK_FRONTEND_API_URL)",
          "clientId": "$env(CLIENT_ID)",
          "clientSecret": "$env(CLIENT_SECRET)",
          "pages": { "name": "Pages of $env(TEAM)" }
        }
      }
    },
    {
      "name": "key",
      "policyType": "set-upstream-api-key-inbound",
      "handler": {
        "export": "SetUpstreamApiKeyInboundPolicy",
        "module": "$import(@durward/runtime)",
        "options": { "value": "Bearer $env(API_KEY)" }
      }
    },
    {
      "name": "headers",
      "policyType": "set-headers-inbound",
      "handler": {
        "export": "SetHeadersInboundPolicy",
        "module": "$import(@durward/runtime)",
        "options": { "headers": "$import(./headers.json)" }
      }
    }
  ],
  "corsPolicies": [
    { "name": "pages", "allowedOrigins": ["$env(CORS_ORIGIN)"], "allowedHeaders": "$env(CORS_HEADER), Authorization" }
  ]
}
`

const projectRoutes = `{
  "openapi": "3.1.0",
  "paths": {
    "/mcp/demo": {
      "post": {
        "operationId": "demo",
        "summary": "Demo",
        "x-zuplo-route": {
          "corsPolicy": "pages",
          "handler": {
            "export": "McpProxyHandler",
            "module": "$import(@durward/runtime)",
            "options": { "rewritePattern": "${env.UPSTREAM}" }
          },
          "policies": { "inbound": ["clerk", "headers", "key"] }
        }
      }
    }
  }
}
`

const projectSettings = `{
  "adminToken": "$env(ADMIN_TOKEN)",
  "store": { "key": "$env(STORE_KEY)" }
}
`

const projectHeaders = `[
  { "name": "X-Team", "value": "team $env(TEAM)" }
]
`

// startProject starts the gateway. All that its variables and files hold afterwards is there already, under names of its
// own, since a process keeps the environment that it was started with.
func startProject(t *testing.T) *project {
	p := &project{t: t, hunt: newHunt(), binary: gateway.PlainBinary(t), kept: make(map[string]string)}
	p.hunt.add("canary as a name", "canary_7f3a9c")
	p.hunt.add("canary as a variable", "CANARY_7F3A9C")
	p.g = gateway.Start(t, func(g *gateway.Gateway) {
		p.g = g
		p.files = filepath.Join(filepath.Dir(g.Config), canary("files"))
		g.AdminToken = canary("admin-token-of-a-file")
		p.env = map[string]string{
			"CLIENT_SECRET_FILE": p.inFile("client-secret", canary("client-secret-of-a-file")+"\n"),
			"ADMIN_TOKEN_FILE":   p.inFile("admin-token", g.AdminToken),
			"STORE_KEY":          base64.StdEncoding.EncodeToString([]byte(canary("store-key-of-32-byte"))[:32]),
			"TEAM":               canary("team"),
			"CORS_ORIGIN":        "https://" + canary("origin") + ".example",
			"CORS_HEADER":        canary("header"),

			"BAD_SPACE":          canary("padded") + " ",
			"BAD_LINES":          canary("first") + "\n" + canary("second"),
			"BAD_BYTES":          canary("bytes") + "\xff",
			"BAD_TEXT":           canary("text with spaces"),
			"BAD_SHORT":          gateway.Canary,
			"BAD_NUMBER":         digits,
			"BAD_PATH":           "https://clerk.example/" + canary("path"),
			"BAD_USER":           "https://user:" + canary("password") + "@clerk.example",
			"BAD_QUERY":          "https://clerk.example?key=" + canary("query"),
			"BAD_BOTH":           canary("both"),
			"BAD_BOTH_FILE":      p.inFile("both", canary("both-in-file")),
			"BAD_PLACE_FILE":     canary("in-place-of-a-path"),
			"BAD_SLASH_FILE":     "/" + canary("that-begins-with-a-slash"),
			"BAD_MISSING_FILE":   filepath.Join(p.files, "missing"),
			"BAD_FOLDER_FILE":    p.files,
			"BAD_BELOW_FILE":     filepath.Join(p.files, "both", "below"),
			"BAD_LARGE_FILE":     p.inFile("large", strings.Repeat(canary("large"), 5000)),
			"BAD_NUL_FILE":       p.inFile("nul", canary("nul")+"\x00"),
			"BAD_BYTES_IN_FILE":  p.inFile("bytes", canary("bytes")+"\xff"),
			"BAD_EMPTY_FILE":     p.inFile("empty", "\n"),
			"BAD_MARK_FILE":      p.inFile("mark", "\uFEFF"+canary("mark")),
			"BAD_LINES_IN_FILE":  p.inFile("lines", canary("line-1")+"\n"+canary("line-2")+"\n"),
			"BAD_KERNEL_FILE":    "/proc/self/environ",
			"OTHER_SECRET_FILE":  p.inFile("other-secret", canary("another-secret")),
			"OTHER_TOKEN":        canary("another-admin-token"),
			"OTHER_TEAM":         canary("another-team"),
			"OTHER_UPSTREAM":     "http://" + canary("another") + ".example/mcp",
			"OTHER_KEY":          base64.StdEncoding.EncodeToString([]byte(canary("another-key-32-byte"))[:32]),
			"OTHER_ORIGIN":       "https://" + canary("another-origin") + ".example",
			"CANARY_UNUSED":      canary("unused"),
			"CANARY_UNUSED_FILE": canary("unused"),
		}
		g.Save(policies, projectPolicies)
		g.Save(routes, projectRoutes)
		g.Save(settings, projectSettings)
		g.Save(headers, projectHeaders)
		p.write(p.path(dotEnv), "# of "+canary("comment")+"\n"+
			"CLIENT_ID="+canary("client-id")+"\n"+
			"export UPSTREAM=\"http://"+canary("upstream")+".example/mcp\"\n"+
			"API_KEY_FILE='"+p.inFile("api-key", canary("api-key"))+"'\n")
		for name, value := range p.env {
			g.Setenv(name, value)
		}
	})
	for _, name := range []string{policies, routes, settings, headers, dotEnv} {
		p.keep(p.path(name))
	}
	return p
}

// path is where a file lies that is called as above, or one of those that hold values.
func (p *project) path(name string) string {
	switch name {
	case policies, routes, settings, headers:
		return filepath.Join(p.g.Config, name)
	case dotEnv:
		return filepath.Join(filepath.Dir(p.g.Config), dotEnv)
	}
	return filepath.Join(p.files, name)
}

func (p *project) write(path, content string) {
	p.t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path+".tmp", []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		p.t.Fatal(err)
	}
}

func (p *project) inFile(name, content string) (path string) {
	path = filepath.Join(p.files, name)
	p.write(path, content)
	p.keep(path)
	return path
}

func (p *project) keep(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.kept[path] = string(content)
}

// restore puts back what was changed.
func (p *project) restore() {
	p.t.Helper()
	for path, content := range p.kept {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() { // no pipe, which would keep us waiting
			if is, err := os.ReadFile(path); err == nil && string(is) == content {
				continue
			}
		}
		if err := os.RemoveAll(path); err != nil {
			p.t.Fatal(err)
		}
		p.write(path, content)
	}
}

// run runs the command with the variables of the gateway and looks at all that it prints, in a pipe and, if asked to, on a
// terminal.
func (p *project) run(t *testing.T, terminal bool, args ...string) (out string, status int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), p.binary, args...)
	c.Env = append(os.Environ(), "DURWARD_ADMIN_TOKEN="+p.g.AdminToken)
	for _, env := range []map[string]string{p.g.Parts.Env(), p.env} {
		for name, value := range env {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	var printed []byte
	var err error
	if terminal {
		printed, err = onTerminal(t, c)
	} else {
		printed, err = c.CombinedOutput()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	p.hunt.look(t, "what "+strings.Join(args[:1], " ")+" prints", printed)
	return string(printed), status
}

// ask asks the admin listener and looks at the answer.
func (p *project) ask(t *testing.T, method, path string, want int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, p.g.Admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+p.g.AdminToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if err := answer.Write(&text); err != nil {
		t.Fatal(err)
	}
	p.hunt.look(t, method+" "+path, []byte(text.String()))
	if answer.StatusCode != want {
		t.Errorf("%s %s: %s", method, path, text.String())
	}
}

// everywhere has each command and the gateway say what they have to say of the project as it is. With a fault each must
// refuse it in words that hold text.
func (p *project) everywhere(t *testing.T, text string) {
	t.Helper()
	bad, reloaded, planned := 0, http.StatusOK, 0
	if text != "" {
		bad, reloaded, planned = 1, http.StatusUnprocessableEntity, 1
	}
	says := func(what, out string, status, want int) {
		t.Helper()
		if status != want || !strings.Contains(out, text) {
			t.Errorf("%s ends with %d and prints\n%s\nwant %d and %q", what, status, out, want, text)
		}
	}
	validate := []string{"validate", "--config", p.g.Config, "--references"}
	out, status := p.run(t, false, validate...)
	says("validate", out, status, bad)
	if out, status = p.run(t, true, validate...); status != bad {
		t.Errorf("on a terminal validate ends with %d and shows\n%s", status, out)
	}
	if strings.Contains(out, "^") {
		p.shown++
	}
	out, status = p.run(t, false, append(validate, "--format", "json", "--strict")...)
	var v struct{ Problems []runtime.Problem }
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Errorf("what validate prints as JSON: %v:\n%s", err, out)
	} else if text != "" && !told(v.Problems, text) {
		t.Errorf("as JSON validate ends with %d and prints\n%s\nwant %q", status, out, text)
	}
	if text != "" {
		out, status = p.run(t, false, "serve", "--config", p.g.Config, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", t.TempDir())
		says("serve", out, status, 1)
	}
	admin := strings.TrimPrefix(p.g.Admin, "http://")
	out, status = p.run(t, false, "plan", "--config", p.g.Config, "--admin", admin)
	says("plan", out, status, planned)
	p.run(t, true, "explain", "--config", p.g.Config, "POST", "/mcp/demo")
	if text == "" { // else JSON says what text does
		p.run(t, false, "plan", "--config", p.g.Config, "--admin", admin, "--json")
		p.run(t, false, "explain", "--config", p.g.Config, "--format", "json", "POST", "/mcp/demo")
	}
	p.ask(t, http.MethodPost, "/-/reload", reloaded)
	p.ask(t, http.MethodGet, "/-/generation", http.StatusOK)
	out, _ = p.run(t, true, "status", "--admin", admin)
	if last := p.g.Status().LastReload; text != "" && !told(last.Problems, text) {
		t.Errorf("the reload says %+v, and status\n%s\nwant %q", last, out, text)
	}
}

func told(problems []runtime.Problem, text string) bool {
	return slices.ContainsFunc(problems, func(p runtime.Problem) bool { return strings.Contains(p.Text, text) })
}

// TestG10_Values has everybody speak of a project in which nothing is wrong, and of one in which each value is another. What
// they hold is in no word of it.
func TestG10_Values(t *testing.T) {
	p := startProject(t)
	p.everywhere(t, "")
	out, _ := p.run(t, false, "validate", "--config", p.g.Config, "--references")
	for _, line := range []string{"CLIENT_SECRET", "API_KEY", "CLIENT_ID", "TEAM", "UPSTREAM", "CORS_ORIGIN", "ADMIN_TOKEN", "STORE_KEY"} {
		if !strings.Contains(out, line) {
			t.Errorf("the references lack %s:\n%s", line, out)
		}
	}
	p.ask(t, http.MethodGet, "/metrics", http.StatusOK)
	p.rotate(t)
	p.end(t)
}

// TestG10_ValueFaults has everybody speak of each fault around a value that comes from outside. Four gateways share the
// faults at the same time, which mostly goes by waiting: a status takes a second.
func TestG10_ValueFaults(t *testing.T) {
	faults := valueFaults()
	if len(faults) < 60 {
		t.Errorf("%d faults, want 60", len(faults))
	}
	const gateways = 4
	var shown atomic.Int32
	var all sync.WaitGroup
	for n := range gateways {
		all.Go(func() {
			t.Run("gateway "+strconv.Itoa(n), func(t *testing.T) {
				p := startProject(t)
				for i := n; i < len(faults); i += gateways {
					t.Run(faults[i].name, func(t *testing.T) {
						faults[i].make(p)
						defer p.restore()
						p.everywhere(t, faults[i].text)
					})
				}
				shown.Add(int32(p.shown))
				t.Run("all is mended", func(t *testing.T) {
					p.ask(t, http.MethodPost, "/-/reload", http.StatusOK)
					p.everywhere(t, "")
				})
				p.end(t)
			})
		})
	}
	all.Wait()
	if shown.Load() < 60 {
		t.Errorf("of %d faults %d are shown with a line", len(faults), shown.Load())
	}
}

// end ends the gateway and looks at what it leaves.
func (p *project) end(t *testing.T) {
	t.Helper()
	p.g.Stop()
	p.hunt.look(t, "the log", []byte(p.g.Log.Text()))
	if size := p.hunt.lookIn(t, p.g.Data); size == 0 {
		t.Error("there are no files to look through")
	}
}

// rotate has a copy of the configuration name other variables, tells what that would change, changes the files in place and
// looks at what the gateway says of it.
func (p *project) rotate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "config")
	if err := os.CopyFS(folder, os.DirFS(p.g.Config)); err != nil {
		t.Fatal(err)
	}
	others := strings.NewReplacer("$env(CLIENT_SECRET)", "$env(OTHER_SECRET)", "$env(API_KEY)", "$env(OTHER_SECRET)",
		"$env(TEAM)", "$env(OTHER_TEAM)", "${env.UPSTREAM}", "${env.OTHER_UPSTREAM}", "$env(CORS_ORIGIN)", "$env(OTHER_ORIGIN)",
		"$env(ADMIN_TOKEN)", "$env(OTHER_TOKEN)")
	for _, name := range []string{policies, routes, settings, headers} {
		content := others.Replace(p.kept[p.path(name)])
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	admin := strings.TrimPrefix(p.g.Admin, "http://")
	out, status := p.run(t, true, "plan", "--config", folder, "--admin", admin)
	for _, what := range []string{"clerk", "key", "headers", "demo", "adminToken"} {
		if !strings.Contains(out, what) || status != 2 {
			t.Errorf("plan ends with %d and does not tell of %s:\n%s", status, what, out)
		}
	}
	p.run(t, false, "plan", "--config", folder, "--admin", admin, "--json")

	before := p.g.Status().Number
	p.write(p.path("client-secret"), canary("rotated-client-secret"))
	p.write(p.path("api-key"), canary("rotated-api-key"))
	p.write(p.path(dotEnv), strings.Replace(p.kept[p.path(dotEnv)], canary("upstream"), canary("rotated-upstream"), 1))
	if !gateway.Within(waiting, func() bool { return p.g.Status().Number > before }) {
		t.Errorf("nobody saw that the values were rotated: %+v", p.g.Status().LastReload)
	}
	p.run(t, true, "status", "--admin", admin)
	p.everywhere(t, "")
	p.restore()
	p.ask(t, http.MethodPost, "/-/reload", http.StatusOK)
}
