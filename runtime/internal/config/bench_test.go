package config

import (
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"durward/policies"
	"durward/runtime/internal/middleware"
)

// benchPolicies is how many policies the large configurations have.
const benchPolicies = 50

// benchFolder is a configuration of so many routes, each behind one policy that signs people in and two that run inside the
// host, and to an MCP server of its own whose URL names a variable.
func benchFolder(routes int) fstest.MapFS {
	var list []string
	for i := range benchPolicies {
		kind, export, options := "bench-login-inbound", "BenchLogin",
			`{"frontendApiUrl":"https://clerk.example.com","clientId":"$env(ID)","clientSecret":"$env(SECRET)"}`
		switch i % 5 {
		case 3:
			kind, export, options = "set-headers-inbound", "SetHeadersInboundPolicy", `{"headers":[{"name":"X-User","value":"${principal.sub}"}]}`
		case 4:
			kind, export, options = "set-upstream-api-key-inbound", "SetUpstreamApiKeyInboundPolicy", `{"value":"Bearer $env(KEY)"}`
		}
		list = append(list, fmt.Sprintf(`{"name":"policy_%d","policyType":%q,"handler":{"export":%q,`+
			`"module":"$import(@durward/runtime)","options":%s}}`, i, kind, export, options))
	}
	var paths []string
	for i := range routes {
		of := i % (benchPolicies / 5) * 5
		paths = append(paths, fmt.Sprintf(`    "/mcp/server-%d": { "post": {
      "operationId": "server-%d", "summary": "Server %d", "x-zuplo-route": {
        "handler": { "export": "McpProxyHandler", "module": "$import(@durward/runtime)",
          "options": { "rewritePattern": "http://${env.HOST}:8080/mcp/%d" } },
        "policies": { "inbound": ["policy_%d", "policy_%d", "policy_%d"] } } } }`, i, i, i, i, of+i%3, of+3, of+4))
	}
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		PoliciesFile: file(`{"policies":[` + strings.Join(list, ",\n") + `]}`),
		RoutesFile:   file("{\n  \"openapi\": \"3.1.0\",\n  \"paths\": {\n" + strings.Join(paths, ",\n") + "\n  }\n}\n"),
	}
}

// benchLoader loads a folder with a type that reports for each of its routes as much as one that ships.
func benchLoader(tb testing.TB, folder fstest.MapFS) *Loader {
	types := []PolicyType{{
		Modules: Modules(), Export: "BenchLogin", Type: "bench-login-inbound", Schema: []byte(loginSchema),
		Validate: func(in policies.Input) policies.Report {
			report := policies.Report{Authenticates: true, Vary: make(map[string]policies.Vary, len(in.Routes))}
			for _, r := range in.Routes {
				report.Vary[r.ID] = policies.Vary{Headers: []string{"Authorization"}, Origin: true}
				report.Paths = append(report.Paths, policies.Path{Path: "/about" + r.Path})
				report.Facts = append(report.Facts, policies.Fact{Name: "resource of " + r.ID, Value: "https://mcp.example.com" + r.Path})
			}
			return report
		},
	}}
	for _, t := range middleware.Types() {
		types = append(types, PolicyType{Modules: Modules(), Export: t.Export, Type: t.Name, Schema: t.Schema, Compile: t.Compile})
	}
	l, err := New(Options{FS: folder, Name: "config", Types: types, LookupEnv: func(name string) (string, bool) {
		return "value-of-" + strings.ToLower(name), !strings.HasSuffix(name, "_FILE")
	}})
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// phases are the steps of a load in the order of build.config. Each is given what the ones before it have made.
func phases() []struct {
	name string
	run  func(*benchLoad)
} {
	return []struct {
		name string
		run  func(*benchLoad)
	}{
		{"parse", func(l *benchLoad) { l.open() }},
		{"references", func(l *benchLoad) {
			l.openVariables()
			l.resolve(l.policies, policiesMeaning())
			for _, s := range l.routes {
				l.resolve(s, routesMeaning())
			}
			l.resolve(l.gateway, gatewayMeaning())
			l.keepFiles()
		}},
		{"schema", func(l *benchLoad) {
			l.checkPolicies()
			for _, s := range l.routes {
				l.checkRoutes(s)
			}
		}},
		{"meaning", func(l *benchLoad) { // with the hashes of routes and policies
			l.drafts = l.readPolicies()
			l.read = l.readRoutes(l.drafts)
			l.validate(l.drafts, l.read, nil)
			l.checkPaths(l.drafts, l.read, nil)
			l.noteUnused(l.drafts, l.read)
			l.checkSafety(Gateway{}, l.drafts, l.read)
		}},
		{"hash", func(l *benchLoad) { // once more, to see how much of that it is
			for _, r := range l.read {
				_ = r.hash()
			}
			for _, d := range l.drafts {
				if d.kind.Compile == nil {
					_ = d.hash(d.options, d.secrets)
				}
			}
		}},
	}
}

// benchLoad is a load that is made step by step.
type benchLoad struct {
	build
	drafts []*policyDraft
	read   []*routeDraft
}

// processorTime is what this process has had of the processors: with other programs on the machine it says more than a
// clock does.
func processorTime(tb testing.TB) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkPhases is what each step of a load costs, and BenchmarkLoad the whole: with ten times the routes each should be
// ten times as much. The folder lies in memory.
func BenchmarkPhases(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		loader := benchLoader(b, benchFolder(n))
		for at, phase := range phases() {
			b.Run(fmt.Sprintf("%s/routes=%d", phase.name, n), func(b *testing.B) {
				b.ReportAllocs()
				var spent time.Duration
				for range b.N {
					b.StopTimer()
					l := &benchLoad{build: build{Loader: loader, files: make(map[string]File)}}
					for _, before := range phases()[:at] {
						before.run(l)
					}
					runtime.GC() // what the steps before have left is not this one's
					b.StartTimer()
					began := processorTime(b)
					phase.run(l)
					spent += processorTime(b) - began
				}
				b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*n), "cpu-ns/route")
			})
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		loader := benchLoader(b, benchFolder(n))
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			began := processorTime(b)
			for b.Loop() {
				if got := loader.Load(); got.Config == nil || len(got.Config.Routes) != n {
					b.Fatal(got.Problems[:1])
				}
			}
			b.ReportMetric(float64((processorTime(b)-began).Nanoseconds())/float64(b.N*n), "cpu-ns/route")
		})
	}
}

// Twice the routes are twice the work, and not four times: it is counted in allocations, which no other load on the machine
// changes.
func TestLoadIsLinearInRoutes(t *testing.T) {
	allocations := func(routes int) float64 {
		loader := benchLoader(t, benchFolder(routes))
		return testing.AllocsPerRun(1, func() {
			if got := loader.Load(); got.Config == nil || len(got.Config.Routes) != routes {
				t.Fatal(got.Problems[:1])
			}
		})
	}
	const n = 500
	if once, twice := allocations(n), allocations(2*n); twice > 2.2*once {
		t.Errorf("%d routes take %.0f allocations, %d take %.0f: %.2f times as many", n, once, 2*n, twice, twice/once)
	}
}
