package reload

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"durward/conformance/gateway"
	"durward/runtime"
)

const (
	policiesFile = "policies.json"
	routesFile   = "routes.oas.json"
	gatewayFile  = "gateway.json"
)

// edit is one change of the configuration, and what must come of it.
type edit struct {
	name, file string
	// text makes the file's new content of the last good one. nil: the last good one.
	text func(string) string
	// save writes it; nil means as most editors do: beside it, then renamed over it.
	save func(g *gateway.Gateway, file, content string) error
	// ask asks for the reload; nil leaves it to the watch on the files.
	ask func(*gateway.Gateway) error
	// silent: nobody is to reload by itself. ask is called when that is certain.
	silent bool

	result string
	// restarts: the policy's process is another one afterwards.
	restarts bool
	// routes are there afterwards; "" means the same as before.
	routes string
	// fault is what is wrong in text's content, and pointer where it is said to be.
	fault, pointer string
}

// edits is one round. It ends with the configuration that it began with.
func edits() []edit {
	put := func(before, text string) func(string) string {
		return func(content string) string { return strings.Replace(content, before, text+before, 1) }
	}
	swap := func(old, text string) func(string) string {
		return func(content string) string { return strings.Replace(content, old, text, 1) }
	}
	const frontend = `"frontendApiUrl"`
	second := route("second", "http://127.0.0.1:1/mcp", `"clerk"`)
	open := route("open", "http://127.0.0.1:1/mcp", "")
	return []edit{
		{name: "an option", file: policiesFile, text: put(frontend, `"gateway": {"accessTokenTtlSeconds": 600}, `),
			result: runtime.Applied, restarts: true},
		{name: "the same bytes", file: policiesFile, silent: true, ask: operator, result: runtime.Unchanged},
		{name: "white space", file: policiesFile, text: func(s string) string { return strings.ReplaceAll(s, "  ", "\t") + "\n\n" },
			result: runtime.Unchanged},
		{name: "touched", file: policiesFile, save: touch, silent: true, ask: operator, result: runtime.Unchanged},
		{name: "bad JSON", file: policiesFile, text: swap(`"policies": [`, `"policies": [,`),
			result: runtime.Refused, fault: ",\n\t\t{", pointer: ""},
		{name: "bad JSON, mended", file: policiesFile, save: inPlace, result: runtime.Unchanged},
		{name: "a route more that uses the policy", file: routesFile, text: put(`"/mcp/demo"`, second),
			result: runtime.Applied, restarts: true, routes: "second demo steady"},
		{name: "a route more that does not", file: routesFile, text: put(`"/mcp/demo"`, open), save: inPlace,
			result: runtime.Applied, routes: "second open demo steady"},
		{name: "schema fault", file: routesFile, text: swap(`"corsPolicy": "none"`, `"corsPolicy": "sömetimes"`),
			result: runtime.Refused, fault: `"sömetimes"`, pointer: "/paths/~1mcp~1second/post/x-zuplo-route/corsPolicy"},
		{name: "schema fault, mended", file: routesFile, ask: hangup, result: runtime.Unchanged},
		{name: "a route with a policy that is none", file: routesFile, text: swap(`["clerk"]`, `["clerk", "nobody"]`), ask: operator,
			result: runtime.Refused, fault: `"nobody"`, pointer: "/paths/~1mcp~1second/post/x-zuplo-route/policies/inbound/1"},
		{name: "no routes at all", file: routesFile, save: remove, result: runtime.Refused},
		{name: "the routes restored", file: routesFile, result: runtime.Unchanged},
		{name: "the secret written out", file: policiesFile,
			text:   swap(`"$env(CLERK_CLIENT_SECRET)"`, `"`+gateway.Canary+`-client-secret"`),
			result: runtime.Unchanged},
		{name: "another scope", file: policiesFile, text: put(frontend, `"scope": "openid email", `), ask: hangup,
			result: runtime.Applied, restarts: true},
		{name: "an option out of bounds", file: policiesFile, text: swap(`Seconds": 600`, `Seconds": 5`),
			result: runtime.Refused, fault: `5}`, pointer: "/policies/0/handler/options/gateway/accessTokenTtlSeconds"},
		{name: "an option there is not", file: policiesFile, text: put(frontend, `"föreign": 1, "frontend": 2, `),
			result: runtime.Refused, fault: `"föreign"`, pointer: "/policies/0/handler/options/föreign"},
		{name: "the options mended", file: policiesFile, save: inPlace, result: runtime.Unchanged},
		{name: "an address that a flag beats", file: gatewayFile, text: func(string) string { return `{"listen": "127.0.0.1:1"}` },
			result: runtime.Applied},
		{name: "a setting there is not", file: gatewayFile, text: func(string) string { return "{\n\t\"lisen\": 1}" },
			result: runtime.Refused, fault: `"lisen"`, pointer: "/lisen"},
		{name: "no settings at all", file: gatewayFile, text: func(string) string { return "" }, save: remove, result: runtime.Applied},
		{name: "the routes go again", file: routesFile, save: inPlace,
			text:   func(s string) string { return strings.Replace(strings.Replace(s, second, "", 1), open, "", 1) },
			result: runtime.Applied, restarts: true, routes: "demo steady"},
		{name: "the options go again", file: policiesFile, ask: operator, result: runtime.Applied, restarts: true,
			text: func(s string) string {
				s = strings.Replace(s, `"gateway": {"accessTokenTtlSeconds": 600}, `, "", 1)
				s = strings.Replace(s, `"scope": "openid email", `, "", 1)
				s = strings.TrimRight(strings.ReplaceAll(s, "\t", "  "), "\n") + "\n"
				return strings.Replace(s, `"`+gateway.Canary+`-client-secret"`, `"$env(CLERK_CLIENT_SECRET)"`, 1)
			}},
	}
}

// route is a route's text, to be put before another's.
func route(id, upstream, policies string) string {
	return fmt.Sprintf(`"/mcp/%s": {"post": {"operationId": %q, "x-zuplo-route": {"corsPolicy": "none", "handler": {
      "export": "McpProxyHandler", "module": "$import(@zuplo/runtime)", "options": {"rewritePattern": %q}},
      "policies": {"inbound": [%s]}}}},
    `, id, id, upstream, policies)
}

func renamed(g *gateway.Gateway, file, content string) error {
	g.Save(file, content)
	return nil
}

func inPlace(g *gateway.Gateway, file, content string) error {
	return os.WriteFile(filepath.Join(g.Config, file), []byte(content), 0o600)
}

func remove(g *gateway.Gateway, file, _ string) error {
	return os.Remove(filepath.Join(g.Config, file))
}

func touch(g *gateway.Gateway, file, _ string) error {
	return os.Chtimes(filepath.Join(g.Config, file), time.Time{}, time.Now())
}

func operator(g *gateway.Gateway) error {
	g.Reload()
	return nil
}

func hangup(g *gateway.Gateway) error { return syscall.Kill(g.PID(), syscall.SIGHUP) }

// editor makes edits, and remembers what is in use.
type editor struct {
	g *gateway.Gateway
	// good is the last good content of each file.
	good map[string]string
	// replaced are the policy's processes before the present one.
	replaced []int
	// now is the edit that is being made.
	now string
}

// errorf fails the test for the edit that is being made.
func (e *editor) errorf(t *testing.T, format string, args ...any) {
	t.Helper()
	t.Errorf("%s: %s", e.now, fmt.Sprintf(format, args...))
}

// quiet is how long the editor listens before it believes that nothing comes: some times as long as the watch waits.
const quiet = 600 * time.Millisecond

// make makes one edit and compares what comes of it.
func (e *editor) make(t *testing.T, d edit) {
	t.Helper()
	before := e.g.Status()
	content := e.good[d.file]
	if d.text != nil {
		content = d.text(content)
		if content == e.good[d.file] {
			t.Fatalf("%s: the edit edits nothing", e.now)
		}
	}
	if d.save == nil {
		d.save = renamed
	}
	seen := e.reloads()
	if err := d.save(e.g, d.file, content); err != nil {
		t.Fatalf("%s: %v", e.now, err)
	}
	if d.silent {
		<-time.After(quiet)
		if n := e.reloads(); n != seen {
			e.errorf(t, "G5: it caused %d reloads", n-seen)
		}
	}
	if d.ask != nil {
		if err := d.ask(e.g); err != nil {
			t.Fatalf("%s: %v", e.now, err)
		}
	}
	e.wait(seen, d.result)
	if d.ask != nil && !d.silent {
		<-time.After(quiet) // the watch on the files may have found the same change, and be about to say so
	}
	if d.result != runtime.Refused {
		e.good[d.file] = content
	}
	e.compare(t, d, before, content)
}

func isReload(l gateway.Line) bool { return l.Msg() == "reload" }

func (e *editor) reloads() int { return len(e.g.Log.Lines(isReload)) }

// wait waits for a reload with the result. Others may come before it: a file that is written in place may be read half
// written, which is refused, and an operator may ask for what the watch on the files has just found.
func (e *editor) wait(seen int, result string) {
	n := 0
	e.g.Wait(e.now+": reload: "+result, func(l gateway.Line) bool {
		if !isReload(l) {
			return false
		}
		n++
		return n > seen && l.Field("result") == result
	})
}

// compare compares what runs with what ran before, and with what the edit was to change.
func (e *editor) compare(t *testing.T, d edit, before runtime.Status, content string) {
	t.Helper()
	after := e.g.Status()
	number := before.Number
	if d.result == runtime.Applied {
		number++
	}
	if after.Number != number || after.LastReload.Number != number {
		e.errorf(t, "generation %d (the reload says %d) follows %d, want %d", after.Number, after.LastReload.Number, before.Number, number)
	}
	if !after.Since.Equal(before.Since) && d.result != runtime.Applied {
		e.errorf(t, "G2: the generation is since %v, was since %v", after.Since, before.Since)
	}
	again := d.ask != nil && d.result == runtime.Applied && after.LastReload.Result == runtime.Unchanged
	if after.LastReload.Result != d.result && !again {
		e.errorf(t, "the status tells of %+v, want %s", after.LastReload, d.result)
	}
	was, is := before.Policies[0], after.Policies[0]
	if (is.PID != was.PID) != d.restarts || (is.Hash != was.Hash) != d.restarts {
		e.errorf(t, "G5: process %d with hash %s follows %d with %s; is it to be another: %v", is.PID, is.Hash, was.PID, was.Hash, d.restarts)
	}
	if is.PID != was.PID {
		e.replaced = append(e.replaced, was.PID)
	}
	if len(after.Policies) != 1 || is.State != "running" || is.Restarts != 0 {
		e.errorf(t, "the policies are %+v", after.Policies)
	}
	routes := ids(before)
	if d.routes != "" {
		routes = d.routes
	}
	if got := ids(after); got != routes {
		e.errorf(t, "the routes are %q, want %q", got, routes)
	}
	e.compareProblems(t, d, after.LastReload, content)
}

// compareProblems looks for the problem, in the status and in the log, at the place of the fault.
func (e *editor) compareProblems(t *testing.T, d edit, last runtime.Reload, content string) {
	t.Helper()
	if d.result != runtime.Refused {
		if len(last.Problems) > 0 || last.Error != "" {
			e.errorf(t, "the reload was %+v", last)
		}
		return
	}
	if len(last.Problems) == 0 {
		e.errorf(t, "no problem is named: %+v", last)
		return
	}
	p := last.Problems[0]
	if filepath.Base(p.File) != d.file || p.Text == "" {
		e.errorf(t, "the problem is %v", p)
	}
	if d.fault != "" {
		line, column := place(content, d.fault)
		if p.Line != line || p.Column != column || p.Pointer != d.pointer {
			e.errorf(t, "the problem is said to be at %v, want %d:%d: %s", p, line, column, d.pointer)
		}
	}
	logged := func(l gateway.Line) bool {
		return l.Msg() == "configuration problem" && l.Field("problem") == p.String()
	}
	if len(e.g.Log.Lines(logged)) == 0 {
		e.errorf(t, "the log does not tell of %v", p)
	}
}

// ids are those of the routes, in their order.
func ids(s runtime.Status) string {
	var all []string
	for _, r := range s.Routes {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

// place answers the line and the column, in characters, of what is searched for.
func place(content, searched string) (line, column int) {
	before, _, _ := strings.Cut(content, searched)
	lineBegins := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[lineBegins:]) + 1
}
