package crash

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/plugins/clerk"
	"durward/runtime"
)

// What was begun before SIGTERM is finished; then the gateway ends in order and leaves nothing.
func TestG8_SIGTERM(t *testing.T) {
	g := gateway.Start(t, func(g *gateway.Gateway) { short(t, g) })
	c := g.MustLogin(t)
	process := gateway.ProcessOf(g.Policy(policy).PID)
	stream := openStream(t, c, `{"steps":10,"intervalMs":100}`)

	if err := syscall.Kill(g.PID(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(stream)
	if err != nil || !strings.Contains(string(rest), "counted to 10") {
		t.Errorf("the call in flight ended with %q, %v", rest, err)
	}
	if code := g.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if process.Alive() {
		t.Errorf("the policy's process %d lives", process.PID)
	}
	if left := runFolders(t, g); len(left) != 0 {
		t.Errorf("socket folders are left: %v", left)
	}
	loud := func(l gateway.Line) bool { return l.Field("level") == "WARN" || l.Field("level") == "ERROR" }
	for _, l := range g.Log.Lines(loud) {
		t.Errorf("an end in order says: %s", l.Text)
	}
}

// A stream that would go on for ever ends at the drain deadline, in a way that a client takes for an end. The command's
// drain is half a minute, so here the host runs in the test's own process.
func TestG4_StreamAtTheEndOfTheDrain(t *testing.T) {
	const drain = 500 * time.Millisecond
	g := gateway.Start(t, func(g *gateway.Gateway) { short(t, g) })
	g.Stop() // what is left of it: a configuration, a folder for data, and the parts behind it
	host, end := run(t, g, drain)
	g.URL, g.Admin = "http://"+host.Addr().String(), "http://"+host.AdminAddr().String()
	c := g.MustLogin(t)
	process := gateway.ProcessOf(host.Status().Policies[0].PID)
	stream := openStream(t, c, `{"steps":86400,"intervalMs":50}`)

	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	rest, err := io.ReadAll(stream)
	took := time.Since(began)
	if err != nil || !strings.Contains(string(rest), "notifications/progress") {
		t.Errorf("the stream ended with %v behind %d bytes", err, len(rest))
	}
	if took < drain || took > drain+5*time.Second {
		t.Errorf("the stream ended %v after the signal, want the drain of %v", took, drain)
	}
	if err := <-ended; err != nil {
		t.Errorf("the host ended with %v", err)
	}
	if process.Alive() {
		t.Errorf("the policy's process %d lives", process.PID)
	}
}

// run runs a host on the gateway's configuration, with policies from the binary that the suites use. end is what SIGTERM
// does to the command, and answers what Run answers. It may be called more than once.
func run(t *testing.T, g *gateway.Gateway, drain time.Duration) (host *runtime.Host, end func() error) {
	t.Helper()
	kind := clerk.Type()
	description := kind.Describe()
	env := g.Parts.Env()
	host, err := runtime.New(runtime.Options{
		Config: g.Config, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Data: filepath.Join(g.Data, "d"), Drain: drain,
		LookupEnv: func(name string) (string, bool) { value, ok := env[name]; return value, ok },
		Logger:    slog.New(slog.NewTextHandler(t.Output(), nil)),
		Plugins: []runtime.Plugin{{
			Modules: []string{"@zuplo/runtime"}, Export: clerk.Export, PolicyType: description.Type,
			Schema: description.Options, Validate: kind.Validate,
			Executable: runtime.Executable{Path: gateway.Binary(t), Args: []string{"policy", description.Type}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- host.Run(ctx) }()
	end = sync.OnceValue(func() error { cancel(); return <-running })
	t.Cleanup(func() { _ = end() }) // a failure is for the test to see
	if !gateway.Within(time.Minute, func() bool { return isClosed(host.Ready()) || len(running) > 0 }) || len(running) > 0 {
		t.Fatalf("run host: %v", end())
	}
	return host, end
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// openStream calls the tool that counts and reads its first event.
func openStream(t *testing.T, c *gateway.Client, arguments string) io.Reader {
	t.Helper()
	resp, err := c.Send(t.Context(), c.Tokens.AccessToken, "count", arguments)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	stream := bufio.NewReader(resp.Body)
	first, err := stream.ReadString('\n')
	if resp.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("stream: %s %q %v", resp.Status, first, err)
	}
	return stream
}
