package reload

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
	"durward/conformance/parts"
)

// times is how often each thing is measured.
const times = 20

// BenchmarkFigures takes the figures of docs/performance.md, on programs as they are released. What is compared is done in
// turn within one run, so that whatever else the machine does meets both sides. conformance/figures.sh prints its tables.
func BenchmarkFigures(b *testing.B) {
	for b.Loop() {
		fmt.Printf("\nWhat a reload costs:\n\n%s\nRequests meanwhile:\n\n%s\n", measureReloads(b), measureRequests(b))
	}
}

// measureReloads measures two gateways: the one that is released, with the configuration that ships, and one with ten
// policies more, whose executable is a file.
func measureReloads(b *testing.B) string {
	b.Helper()
	shipped := gateway.Start(b, func(g *gateway.Gateway) {
		g.Plain()
		prepare(b, g, "")
	})
	defer shipped.Stop()
	var env []string
	for name, value := range shipped.Parts.Env() {
		env = append(env, name+"="+value)
	}
	durward := filepath.Join(gateway.Root(), "bin", "durward-plain")
	executable := build(b, "hostile-policy-plain", "./hostile/policy")
	ten := startTen(b, executable)
	defer ten.Stop()

	route := func(g *gateway.Gateway) cost {
		return reloadOnce(b, g, routesFile, swapped(g.Read(routesFile), "http://127.0.0.1:1/a", "http://127.0.0.1:1/b"))
	}
	labels := func(n int) cost {
		policies := ten.Read(policiesFile)
		for i := range n {
			policies = swapped(policies, fmt.Sprintf(`"p%d 1"`, i), fmt.Sprintf(`"p%d 2"`, i))
		}
		return reloadOnce(b, ten, policiesFile, policies)
	}
	pairs := []*pair{
		{
			name: "nothing", of: func() cost { return route(shipped) }, beside: "`durward validate` of the same files",
			other: func() cost { return run(b, env, durward, "validate", "--config", shipped.Config) },
		},
		{
			name: "nothing, of eleven policies", of: func() cost { return route(ten) }, beside: "nothing, of one policy",
			other: func() cost { return route(shipped) },
		},
		{
			name: "the policy that ships", beside: "starting that process alone",
			of: func() cost {
				return reloadOnce(b, shipped, policiesFile, swapped(shipped.Read(policiesFile), `"openid email"`, `"openid profile email"`))
			},
			other: func() cost { return startAlone(b, 1, durward, "policy", "mcp-clerk-oauth-inbound") },
		},
		{
			name: "one of ten policies", of: func() cost { return labels(1) }, beside: "starting that process alone",
			other: func() cost { return startAlone(b, 1, executable) },
		},
		{
			name: "all ten", of: func() cost { return labels(10) }, beside: "starting ten such processes at once",
			other: func() cost { return startAlone(b, 10, executable) },
		},
	}
	for n := range times + 1 {
		for _, p := range pairs {
			a, z := p.of(), p.other()
			if n > 0 { // the first time is for warming up
				p.costs, p.others = append(p.costs, a), append(p.others, z)
			}
		}
	}
	text := "| a reload that starts | ms: median | least | CPU ms | beside | ms: median | least | CPU ms | ratio | of CPU |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n"
	for _, p := range pairs {
		text += p.String()
	}
	return text
}

// prepare adds a route that nobody guards, and an option, for the reloads to change; and routes.
func prepare(b *testing.B, g *gateway.Gateway, routes string) {
	b.Helper()
	const first = `"/mcp/demo"`
	g.Save(routesFile, strings.Replace(g.Read(routesFile), first, routes+route("open", "http://127.0.0.1:1/a", "")+first, 1))
	g.Save(policiesFile, strings.Replace(g.Read(policiesFile), frontend, `"scope": "openid email", `+frontend, 1))
}

// startTen starts a gateway with the policy that ships and ten more, each with a route of its own.
func startTen(b *testing.B, executable string) *gateway.Gateway {
	b.Helper()
	host := build(b, "hostile-host-plain", "./hostile/host")
	return gateway.Start(b, func(g *gateway.Gateway) {
		g.Program(host)
		g.Setenv(hostile.EnvExecutable, executable)
		var all, routes strings.Builder
		for i := range 10 {
			name := fmt.Sprintf("p%d", i)
			all.WriteString(policy(name, ""))
			routes.WriteString(route(name, "http://127.0.0.1:1/", fmt.Sprintf("%q", name)))
		}
		policies := g.Read(policiesFile)
		at := strings.LastIndex(policies, "\n  ]")
		g.Save(policiesFile, policies[:at]+",\n"+strings.TrimSuffix(all.String(), ",\n")+policies[at:])
		prepare(b, g, routes.String())
	})
}

// build builds a program of the suites' own as one is released.
func build(b *testing.B, name, program string) string {
	b.Helper()
	file := filepath.Join(gateway.Root(), "bin", name)
	if err := parts.Build(file, filepath.Join(gateway.Root(), "conformance"), program); err != nil {
		b.Fatal(err)
	}
	return file
}

// swapped has the second text in place of the first, or the first in place of the second.
func swapped(content, a, z string) string {
	if strings.Contains(content, a) {
		return strings.Replace(content, a, z, 1)
	}
	return strings.Replace(content, z, a, 1)
}

// cost is what one thing took, once.
type cost struct{ wall, cpu time.Duration }

// pair is one thing, measured beside another.
type pair struct {
	name, beside  string
	of, other     func() cost
	costs, others []cost
}

func (p *pair) String() string {
	a, z := summarize(p.costs), summarize(p.others)
	return fmt.Sprintf("| %s | **%.1f** | %.1f | %.1f | %s | %.1f | %.1f | %.1f | **%.2f** | **%.2f** |\n",
		p.name, a.wall, a.least, a.cpu, p.beside, z.wall, z.least, z.cpu, a.wall/z.wall, a.cpu/z.cpu)
}

// summary is of several costs, in milliseconds: the medians, and the least of how long it took.
type summary struct{ wall, least, cpu float64 }

func summarize(costs []cost) summary {
	sorted := func(part func(cost) time.Duration) []time.Duration {
		all := make([]time.Duration, len(costs))
		for i, c := range costs {
			all[i] = part(c)
		}
		slices.Sort(all)
		return all
	}
	wall := sorted(func(c cost) time.Duration { return c.wall })
	cpu := sorted(func(c cost) time.Duration { return c.cpu })
	return summary{ms(wall[len(wall)/2]), ms(wall[0]), ms(cpu[len(cpu)/2])}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
