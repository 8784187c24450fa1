package reload

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile/kind"
	"durward/runtime"
)

// edit is one change of the configuration, and what must come of it.
type edit struct {
	name, file string
	// text makes the file's new content of the last good one. nil: the last good one.
	text func(string) string
	// save writes it; nil means as most editors do: beside it, then renamed over it.
	save func(g *gateway.Gateway, path, content string) error
	// ask asks for the reload; nil leaves it to the watch on the files.
	ask func(*gateway.Gateway) error
	// silent: nobody is to reload by itself. ask is called when that is certain.
	silent bool

	result string
	// restarts are the policies whose processes are others afterwards. rebuilt says that it is for their executable's
	// bytes, and not for what is configured.
	restarts []string
	rebuilt  bool
	// changes are the routes on which decisions are made anew, and on which what is open may go on for the drain time.
	changes []string
	// routes are there afterwards; "" means the same as before.
	routes string
	// fault is what is wrong in text's content, and pointer where it is said to be. in is the file of the problem, if it is
	// another.
	fault, pointer, in string
	// fails is what the error says of a configuration in which nothing is wrong and which cannot be put to use.
	fails string
}

// edits is one round: it ends with the configuration that it began with. The executable's is a path.
func edits(executable string) []edit {
	put := func(before, text string) func(string) string {
		return func(content string) string { return strings.Replace(content, before, text+before, 1) }
	}
	swap := func(old, text string) func(string) string {
		return func(content string) string { return strings.Replace(content, old, text, 1) }
	}
	const (
		nowhere     = "http://127.0.0.1:1/mcp"
		firstPolicy = `    {"name": "keeper"`
		otherTTL    = `"gateway": {"accessTokenTtlSeconds": 43200}`
		firstTTL    = `"gateway": {"accessTokenTtlSeconds": 86400}`
	)
	second := route("second", nowhere, `"clerk"`)
	open := route("open", nowhere, "")
	byClerk := []string{demo, guarded}
	settings := func(text string) func(string) string { return func(string) string { return text } }
	const steadyIsOpen, bothAreOpen = `"publicRoutes": ["steady"]`, `"publicRoutes": ["steady", "open"]`
	return []edit{
		{name: "an option", file: policiesFile, text: swap(firstTTL, otherTTL),
			result: runtime.Applied, restarts: []string{clerk}, changes: byClerk},
		{name: "the same bytes", file: policiesFile, silent: true, ask: operator, result: runtime.Unchanged},
		{name: "white space", file: policiesFile, text: func(s string) string { return strings.ReplaceAll(s, "  ", "\t") + "\n\n" },
			result: runtime.Unchanged},
		{name: "touched", file: policiesFile, save: touch, silent: true, ask: operator, result: runtime.Unchanged},
		{name: "bad JSON", file: policiesFile, text: swap(`"policies": [`, `"policies": [,`),
			result: runtime.Refused, fault: ",\n\t\t{", pointer: "/policies/0"},
		{name: "bad JSON, mended", file: policiesFile, save: inPlace, result: runtime.Unchanged},
		{name: "a route more that uses the policy", file: routesFile, text: put(`"/mcp/demo"`, second),
			result: runtime.Applied, restarts: []string{clerk}, routes: "second demo guarded keeper edited steady"},
		{name: "a route is to be open that there is not yet", file: gatewayFile, text: settings("{ " + bothAreOpen + " }"),
			result: runtime.Refused, fault: `"open"`, pointer: "/publicRoutes/1"},
		{name: "a route more that does not", file: routesFile, text: put(`"/mcp/demo"`, open), save: inPlace,
			result: runtime.Applied, routes: "second open demo guarded keeper edited steady"},
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
			result: runtime.Applied, restarts: []string{clerk}, changes: append([]string{"second"}, byClerk...)},
		{name: "an option out of bounds", file: policiesFile, text: swap(`Seconds": 43200`, `Seconds": 5`),
			result: runtime.Refused, fault: `5}`, pointer: "/policies/0/handler/options/gateway/accessTokenTtlSeconds"},
		{name: "an option there is not", file: policiesFile, text: put(frontend, `"föreign": 1, "frontend": 2, `),
			result: runtime.Refused, fault: `"föreign"`, pointer: "/policies/0/handler/options/föreign"},
		{name: "the options mended", file: policiesFile, save: inPlace, result: runtime.Unchanged},

		{name: "another secret", file: policiesFile, text: swap(firstSecret, gateway.Canary+"-second"),
			result: runtime.Applied, restarts: []string{edited}},
		{name: "a label", file: policiesFile, text: swap(`"edited 1"`, `"edited 2"`), save: inPlace,
			result: runtime.Applied, restarts: []string{edited}, changes: []string{edited}},
		{name: "a policy that will not start", file: policiesFile, text: put("\t\t"+strings.TrimSpace(firstPolicy), stillborn("late")),
			result: runtime.Refused, fails: `"late"`},
		{name: "a policy that dies while it is configured", file: policiesFile, ask: hangup,
			text:   swap(`"fault": "none", "label": "edited 2"`, `"fault": "`+kind.DieInConfigure+`", "label": "edited 2"`),
			result: runtime.Refused, fails: `"edited"`},
		{name: "a policy that does not want to", file: policiesFile, ask: operator,
			text:   swap(`"fault": "none", "label": "keeper 1"`, `"fault": "`+kind.FailInConfigure+`", "label": "keeper 1"`),
			result: runtime.Refused, fails: `"keeper"`},
		{name: "one that starts beside one that dies", file: policiesFile,
			text: func(s string) string {
				s = strings.Replace(s, `"keeper 1"`, `"keeper 2"`, 1)
				return strings.Replace(s, `"none", "label": "edited 2"`, `"`+kind.DieInConfigure+`", "label": "edited 2"`, 1)
			},
			result: runtime.Refused, fails: `"edited"`},
		{name: "the policies mended", file: policiesFile, save: inPlace, result: runtime.Unchanged},
		{name: "another policy, with a route in another file", file: policiesFile,
			text: put("\t\t"+strings.TrimSpace(firstPolicy), policy("late", "")), result: runtime.Applied},
		{name: "its route", file: routesFile, text: put(`"/mcp/demo"`, route("late", nowhere, `"late"`)),
			result: runtime.Applied, restarts: []string{"late"}, routes: "second open late demo guarded keeper edited steady"},
		{name: "another executable", file: executable, text: func(s string) string { return s + "\n" },
			result: runtime.Applied, restarts: []string{"late", keeper, edited}, rebuilt: true,
			changes: []string{"late", keeper, edited}},
		{name: "an executable that does not run", file: executable, text: func(string) string { return "#!/bin/sh\nexit 1\n" },
			result: runtime.Refused, fails: `"keeper"`},
		{name: "no executable at all", file: executable, save: remove, ask: operator, result: runtime.Refused, fails: "executable"},
		{name: "the executable restored", file: executable, result: runtime.Unchanged},
		{name: "the secret again", file: policiesFile, text: swap(gateway.Canary+"-second", firstSecret), ask: operator,
			result: runtime.Applied, restarts: []string{edited}},
		{name: "an address that a flag beats", file: gatewayFile, text: settings(`{ "listen": "127.0.0.1:1", ` + bothAreOpen + " }"),
			result: runtime.Unchanged},
		{name: "a setting", file: gatewayFile, text: settings(`{ "trustedProxies": ["192.0.2.1"], ` + bothAreOpen + " }"),
			result: runtime.Applied},
		{name: "a setting there is not", file: gatewayFile, text: settings("{\n\t\"lisen\": 1, " + bothAreOpen + " }"),
			result: runtime.Refused, fault: `"lisen"`, pointer: "/lisen"},
		{name: "no settings at all", file: gatewayFile, text: settings(""), save: remove, result: runtime.Refused, in: routesFile},
		{name: "no more settings than there must be", file: gatewayFile, text: settings("{ " + bothAreOpen + " }"), result: runtime.Applied},
		{name: "a route is open that is not to be", file: gatewayFile, text: settings("{ " + steadyIsOpen + " }"),
			result: runtime.Refused, in: routesFile},
		{name: "the routes go again", file: routesFile, save: inPlace,
			text: func(s string) string {
				for _, gone := range []string{second, open, route("late", nowhere, `"late"`)} {
					s = strings.Replace(s, gone, "", 1)
				}
				return s
			},
			result: runtime.Applied, restarts: []string{clerk, "late"}, changes: []string{"second", "open", "late"},
			routes: "demo guarded keeper edited steady"},
		{name: "the settings that this needed", file: gatewayFile, text: settings("{ " + steadyIsOpen + " }"), silent: true, ask: operator,
			result: runtime.Unchanged},
		{name: "the executable as it was", file: executable, text: func(s string) string { return s[:len(s)-1] },
			result: runtime.Applied, restarts: []string{"late", keeper, edited}, rebuilt: true, changes: []string{keeper, edited}},
		{name: "the policy goes again", file: policiesFile, text: swap(policy("late", ""), ""), result: runtime.Applied},
		{name: "the label goes again", file: policiesFile, text: swap(`"edited 2"`, `"edited 1"`),
			result: runtime.Applied, restarts: []string{edited}, changes: []string{edited}},
		{name: "the options go again", file: policiesFile, ask: operator,
			result: runtime.Applied, restarts: []string{clerk}, changes: byClerk,
			text: func(s string) string {
				s = strings.Replace(s, otherTTL, firstTTL, 1)
				s = strings.Replace(s, `"scope": "openid email", `, "", 1)
				s = strings.TrimRight(strings.ReplaceAll(s, "\t", "  "), "\n") + "\n"
				return strings.Replace(s, `"`+gateway.Canary+`-client-secret"`, `"$env(CLERK_CLIENT_SECRET)"`, 1)
			}},
	}
}

func renamed(_ *gateway.Gateway, path, content string) error {
	mode := os.FileMode(0o600)
	if !strings.HasSuffix(path, ".json") {
		mode = 0o700 // it is to be run
	}
	if err := os.WriteFile(path+".tmp", []byte(content), mode); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func inPlace(_ *gateway.Gateway, path, content string) error {
	return os.WriteFile(path, []byte(content), 0o600)
}

func remove(_ *gateway.Gateway, path, _ string) error { return os.Remove(path) }

func touch(_ *gateway.Gateway, path, _ string) error {
	return os.Chtimes(path, time.Time{}, time.Now())
}

func operator(g *gateway.Gateway) error {
	g.Reload()
	return nil
}

func hangup(g *gateway.Gateway) error { return syscall.Kill(g.PID(), syscall.SIGHUP) }

// path is where a file of the gateway's lies.
func path(g *gateway.Gateway, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(g.Config, file)
}
