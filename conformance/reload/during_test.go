package reload

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
)

// The load under which requests are measured: windows of time with and without reloads, in turn.
const (
	window  = 4 * time.Second
	windows = 5
	// one reload that often: much more often than anybody edits a file.
	reloadEvery = 500 * time.Millisecond
)

// measureRequests measures how long requests take while nothing happens, while reloads start nothing, and while each starts
// a policy anew.
func measureRequests(b *testing.B) string {
	b.Helper()
	u := newUpstream(b)
	host, executable := build(b, "hostile-host-plain", "./hostile/host"), build(b, "hostile-policy-plain", "./hostile/policy")
	g := gateway.Start(b, func(g *gateway.Gateway) {
		g.Program(host)
		g.Setenv(hostile.EnvExecutable, executable)
		configure(b, g, u.URL)
		prepare(b, g, "")
	})
	defer g.Stop()
	c := newCrowd(b)
	ways := []way{{keeper, g.URL + "/mcp/" + keeper, grant(b, g, keeper)}, {steady, g.URL + "/mcp/" + steady, ""}}
	for i := range callers {
		w := ways[i%len(ways)]
		c.caller(fmt.Sprintf("caller %d on %s", i+1, w.name), every/4, w.call)
	}
	c.awake(b)
	kinds := []struct {
		name   string
		reload func()
	}{
		{"no reload", nil},
		{"reloads that start nothing", func() {
			reloadOnce(b, g, routesFile, swapped(g.Read(routesFile), "http://127.0.0.1:1/a", "http://127.0.0.1:1/b"))
		}},
		{"reloads that start a policy anew", func() {
			reloadOnce(b, g, policiesFile, swapped(g.Read(policiesFile), `"edited 1"`, `"edited 2"`))
		}},
	}
	halves, tails := make([][]float64, len(kinds)), make([][]float64, len(kinds))
	reloads := make([]int, len(kinds))
	for range windows {
		for i, kind := range kinds {
			c.taken()
			ticker, over := time.NewTicker(reloadEvery), time.After(window)
			for open := true; open; {
				select {
				case <-over:
					open = false
				case <-ticker.C:
					if kind.reload != nil {
						kind.reload()
						reloads[i]++
					}
				}
			}
			ticker.Stop()
			took := c.taken()
			halves[i] = append(halves[i], ms(took[len(took)/2]))
			tails[i] = append(tails[i], ms(took[len(took)*99/100]))
		}
	}
	c.end(b)
	text := "| | reloads | p50 ms | p99 ms | p99, ratio to none |\n|---|---|---|---|---|\n"
	for i, kind := range kinds {
		ratios := make([]float64, windows)
		for n := range windows {
			ratios[n] = tails[i][n] / tails[0][n]
		}
		text += fmt.Sprintf("| %s | %d | %.2f | %.2f | **%.2f** |\n", kind.name, reloads[i], median(halves[i]), median(tails[i]),
			median(ratios))
	}
	return text
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
