package runtime

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"durward/policies"
	"durward/runtime/internal/config"
	"durward/runtime/internal/route"
)

// largeConfig has so many routes, each behind one of fifty policies that serve a path of their own for each.
func largeConfig(tb testing.TB, routes int) *config.Config {
	cfg := &config.Config{Policies: make([]config.Policy, 50), Routes: make([]config.Route, routes)}
	for i := range cfg.Policies {
		cfg.Policies[i].Name = fmt.Sprint("policy-", i)
	}
	for i := range cfg.Routes {
		path := fmt.Sprint("/mcp/server-", i)
		pattern, fault := route.Parse(route.OpenAPI, path)
		if fault != "" {
			tb.Fatal(fault)
		}
		cfg.Routes[i] = config.Route{ID: fmt.Sprint("server-", i), Path: path, Pattern: pattern, Methods: []string{"POST", "GET", "DELETE"}}
		p := &cfg.Policies[i%len(cfg.Policies)]
		p.Report.Paths = append(p.Report.Paths, policies.Path{Path: "/about" + path})
	}
	return cfg
}

// BenchmarkDirectory is what the tables of a generation cost: with ten times the routes it should be ten times as much.
func BenchmarkDirectory(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		cfg := largeConfig(b, n)
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				newDirectory(cfg, true)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/route")
		})
	}
}

// BenchmarkFind is what it costs to find who answers: as much, however many routes there are.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		d := newDirectory(largeConfig(b, n), true)
		r := httptest.NewRequest("POST", "http://localhost/mcp/server-999", nil)
		b.Run(fmt.Sprintf("routes=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if f := d.find(r); !f.routed || f.route != 999 {
					b.Fatalf("%+v", f)
				}
			}
		})
	}
}

func TestDirectoryIsLinearInRoutes(t *testing.T) {
	allocations := func(routes int) float64 {
		cfg := largeConfig(t, routes)
		return testing.AllocsPerRun(1, func() { newDirectory(cfg, true) })
	}
	const n = 1000
	if once, twice := allocations(n), allocations(2*n); twice > 2.2*once {
		t.Errorf("%d routes take %.0f allocations, %d take %.0f", n, once, 2*n, twice)
	}
}

// Q36: who writes a route's URL with a slash too many, or one too few, is told.
func TestButForTheSlash(t *testing.T) {
	cfg := new(config.Config)
	for _, path := range []string{"/mcp/one", "/mcp/two/", "/mcp/both", "/mcp/both/", "/files/{name}"} {
		pattern, fault := route.Parse(route.OpenAPI, path)
		if fault != "" {
			t.Fatal(fault)
		}
		cfg.Routes = append(cfg.Routes, config.Route{ID: path, Path: path, Pattern: pattern, Methods: []string{"POST"}})
	}
	d := newDirectory(cfg, true)
	for asked, want := range map[string]string{
		"/mcp/one/":    ": there is /mcp/one, without the slash at the end",
		"/mcp/two":     ": there is /mcp/two/, with a slash at the end",
		"/files/a/?x":  ": there is /files/a, without the slash at the end",
		"/mcp/one//":   "",
		"/mcp/three/":  "",
		"/mcp/%6fne/":  "",
		"/":            "",
		"//":           "",
		"/files/":      "",
		"/files/a/../": "",
	} {
		r := httptest.NewRequest("GET", "http://localhost"+asked, nil)
		if f := d.find(r); f.allow != nil {
			t.Errorf("%s is served", asked)
		}
		if got := d.butForTheSlash(r); got != want {
			t.Errorf("%s: %q, want %q", asked, got, want)
		}
	}
}
