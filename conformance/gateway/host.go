package gateway

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"durward/plugins/clerk"
	"durward/runtime"
)

// Host runs a host in the test's own process, for what the command cannot be told: a clock that is moved, a drain of less
// than half a minute. It has the configuration and the parts of the gateway, policies from the binary that the suites
// use, and a log of its own; change may alter the options. The gateway must not be running: see Prepare. end is what
// SIGTERM does to the command, and answers what Run answers. It may be called more than once, and is when the test ends.
func (g *Gateway) Host(change func(*runtime.Options)) (host *runtime.Host, end func() error) {
	g.t.Helper()
	kind := clerk.Type()
	description := kind.Describe()
	env := g.Parts.Env()
	race, ends, _ := strings.Cut(RaceOptions, "=")
	env[race] = ends
	options := runtime.Options{
		Config: g.Config, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Data: g.Data,
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		Logger:    slog.New(slog.NewTextHandler(g.t.Output(), nil)),
		Plugins: []runtime.Plugin{{
			Modules: []string{"@zuplo/runtime"}, Export: clerk.Export, PolicyType: description.Type,
			Schema: description.Options, Validate: kind.Validate,
			Executable: runtime.Executable{Path: Binary(g.t), Args: []string{"policy", description.Type}},
		}},
	}
	if change != nil {
		change(&options)
	}
	host, err := runtime.New(options)
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- host.Run(ctx) }()
	end = sync.OnceValue(func() error { cancel(); return <-running })
	g.t.Cleanup(func() { _ = end() }) // a failure is for the test to see
	if !Within(time.Minute, func() bool { return isReady(host) || len(running) > 0 }) || len(running) > 0 {
		g.t.Fatalf("run host: %v", end())
	}
	g.URL, g.Admin = "http://"+host.Addr().String(), "http://"+host.AdminAddr().String()
	return host, end
}

func isReady(h *runtime.Host) bool {
	select {
	case <-h.Ready():
		return true
	default:
		return false
	}
}
