package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/cmd/durward/demo"
	"durward/runtime"
)

// Canary stands in every secret that a test's configuration holds. It must never be seen again.
const Canary = "canary-7f3a9c"

// RaceOptions are the environment of a process that is built with the race detector: else each end of it, and of its
// policies, takes a second, in case something is found then.
const RaceOptions = "GORACE=atexit_sleep_ms=0"

// startTimeout bounds how long the gateway may take to listen: far more than it needs, on a machine that does more.
const startTimeout = 60 * time.Second

// Gateway is a running durward.
type Gateway struct {
	// URL and Admin are the origins it serves on.
	URL, Admin string
	// Config is its configuration folder, Data its store.
	Config, Data string
	// Log is what it prints.
	Log *Log
	// Parts are the identity provider and the MCP server behind it.
	Parts *demo.Parts
	// AdminToken is given to the admin listener, if it is not empty.
	AdminToken string
	// Transport carries what clients, people and operators send: http.DefaultTransport unless the test has another.
	Transport http.RoundTripper
	// SignIn is how people sign in at its identity provider: at the demo's if it is nil.
	SignIn SignIn

	t      testing.TB
	under  []string
	binary string
	env    []string
	files  []*os.File
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start starts the parts and a gateway with the configuration that ships, changed by edit if it is not nil.
func Start(t testing.TB, edit func(g *Gateway)) *Gateway {
	t.Helper()
	g := Prepare(t, edit)
	if g.binary == "" {
		g.binary = Binary(t)
	}
	g.Launch()
	return g
}

// Prepare is Start but for the launch: for a test that runs a host of its own with what there is.
func Prepare(t testing.TB, edit func(g *Gateway)) *Gateway {
	t.Helper()
	parts, err := demo.Start(t.Context(), demo.Options{ClientSecret: Canary + "-client-secret"})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	g := &Gateway{
		t: t, Parts: parts, Config: filepath.Join(folder, "config"), Data: filepath.Join(folder, "data"),
		Transport: http.DefaultTransport,
	}
	t.Cleanup(func() {
		g.Stop()
		if err := parts.Close(); err != nil {
			t.Errorf("close the parts: %v", err)
		}
		g.noCanary()
		g.noRace()
	})
	for name, value := range parts.Env() {
		g.env = append(g.env, name+"="+value)
	}
	if err := os.CopyFS(g.Config, os.DirFS(filepath.Join(Root(), "config"))); err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(g)
	}
	return g
}

// Plain has the gateway run without the race detector, for a test that measures how long something takes. It is called
// before the launch.
func (g *Gateway) Plain() { g.binary = binary(g.t, "durward-plain") }

// Program has another program run in place of durward, one that takes the same flags. It is called before the launch.
func (g *Gateway) Program(path string) { g.binary = path }

// Under has the gateway run under a command that starts what its last arguments say, in the same process: "unshare -Urm",
// say. It is called before the launch.
func (g *Gateway) Under(command ...string) { g.under = command }

// Files gives the gateway open files at each launch, the first of them as descriptor 3.
func (g *Gateway) Files(files ...*os.File) { g.files = files }

// Setenv gives the gateway a variable at its next launch.
func (g *Gateway) Setenv(name, value string) { g.env = append(g.env, name+"="+value) }

// Launch starts the process, at the address it had before if it ran already, and waits until it serves.
func (g *Gateway) Launch() {
	g.t.Helper()
	seen := g.Begin()
	line := g.waitFrom(seen, startTimeout, "listening", func(l Line) bool { return l.Msg() == "listening" })
	g.URL, g.Admin = "http://"+line.Field("listen"), "http://"+line.Field("admin")
	if line.Fields["tls"] == true {
		g.URL = "https://" + line.Field("listen")
	}
}

// Begin starts the process as Launch does and does not wait for it. It answers how many lines the log had before.
func (g *Gateway) Begin() (seen int) {
	g.t.Helper()
	listen, admin := "127.0.0.1:0", "127.0.0.1:0"
	if g.URL != "" {
		_, listen, _ = strings.Cut(g.URL, "://")
		_, admin, _ = strings.Cut(g.Admin, "://")
	}
	if g.Log == nil {
		g.Log = newLog()
	}
	seen = len(g.Log.Lines(func(Line) bool { return true }))
	command := append(slices.Clone(g.under),
		g.binary, "serve", "--config", g.Config, "--listen", listen, "--admin", admin, "--data", g.Data)
	g.cmd = exec.Command(command[0], command[1:]...)
	g.cmd.Env = append(append(os.Environ(), RaceOptions), g.env...)
	g.cmd.ExtraFiles = g.files
	output, input, err := os.Pipe()
	if err != nil {
		g.t.Fatal(err)
	}
	g.cmd.Stdout, g.cmd.Stderr = input, input
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	_ = input.Close() // the process holds its own
	exited := make(chan struct{})
	g.exited = exited
	cmd := g.cmd
	g.Log.restart()
	go func() {
		g.Log.read(output)
		_ = output.Close()
		_ = cmd.Wait() // how it ended is for the test to say
		close(exited)
	}()
	return seen
}

// MCP is the URL of the route that ships.
func (g *Gateway) MCP() string { return g.URL + "/mcp/demo" }

// PID is the process's id.
func (g *Gateway) PID() int { return g.cmd.Process.Pid }

// Exited is closed when the process has ended.
func (g *Gateway) Exited() <-chan struct{} { return g.exited }

// ExitCode is what the process ended with, -1 if by a signal. It waits for the end.
func (g *Gateway) ExitCode() int {
	<-g.exited
	return g.cmd.ProcessState.ExitCode()
}

// Stop ends the gateway in order.
func (g *Gateway) Stop() {
	if g.cmd == nil || g.cmd.Process == nil {
		return
	}
	g.client().CloseIdleConnections()         // it would wait a moment for what they might still send
	_ = g.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-g.exited:
	case <-time.After(45 * time.Second):
		g.t.Error("the gateway did not end within 45 s of SIGTERM")
		_ = g.cmd.Process.Kill()
		<-g.exited
	}
}

// Kill ends the gateway with SIGKILL.
func (g *Gateway) Kill() {
	g.t.Helper()
	if err := g.cmd.Process.Kill(); err != nil {
		g.t.Fatal(err)
	}
	<-g.exited
}

// Wait waits for a line of the log from the process's start on.
func (g *Gateway) Wait(what string, match func(Line) bool) Line {
	g.t.Helper()
	return g.waitFrom(0, 30*time.Second, what, match)
}

func (g *Gateway) waitFrom(index int, timeout time.Duration, what string, match func(Line) bool) Line {
	g.t.Helper()
	stop := make(chan struct{})
	timer := time.AfterFunc(timeout, func() { close(stop) })
	defer timer.Stop()
	line, ok := g.Log.next(index, match, stop)
	if !ok {
		g.t.Fatalf("no line %q in the log:\n%s", what, g.Log.Text())
	}
	return line
}

// Save writes a file of the configuration as an editor does: beside it, then renamed over it.
func (g *Gateway) Save(name, content string) {
	g.t.Helper()
	path := filepath.Join(g.Config, name)
	if err := os.WriteFile(path+".tmp", []byte(content), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		g.t.Fatal(err)
	}
}

// Read answers a file of the configuration.
func (g *Gateway) Read(name string) string {
	g.t.Helper()
	content, err := os.ReadFile(filepath.Join(g.Config, name))
	if err != nil {
		g.t.Fatal(err)
	}
	return string(content)
}

// Edit replaces a part of a file of the configuration and waits for the reload that follows, whose result must be
// want.
func (g *Gateway) Edit(name, old, replacement, want string) runtime.Reload {
	g.t.Helper()
	content := g.Read(name)
	if !strings.Contains(content, old) {
		g.t.Fatalf("%s does not hold %q", name, old)
	}
	return g.SaveAndWait(name, strings.Replace(content, old, replacement, 1), want)
}

// SaveAndWait saves a file and waits for the reload that follows, whose result must be want.
func (g *Gateway) SaveAndWait(name, content, want string) runtime.Reload {
	g.t.Helper()
	before := len(g.reloads())
	g.Save(name, content)
	g.waitCount(before+1, 30*time.Second)
	last := g.Status().LastReload
	if last.Result != want {
		g.t.Fatalf("the reload was %+v, want %s", last, want)
	}
	return last
}

func (g *Gateway) client() *http.Client { return &http.Client{Transport: g.Transport} }

func (g *Gateway) reloads() []Line {
	return g.Log.Lines(func(l Line) bool { return l.Msg() == "reload" })
}

func (g *Gateway) waitCount(n int, timeout time.Duration) {
	g.t.Helper()
	count := 0
	g.waitFrom(0, timeout, "reload", func(l Line) bool {
		if l.Msg() == "reload" {
			count++
		}
		return count == n
	})
}

// Reload asks the gateway to load its configuration anew and answers what came of it.
func (g *Gateway) Reload() runtime.Reload {
	g.t.Helper()
	before := len(g.reloads())
	var r runtime.Reload
	if err := g.ask(http.MethodPost, "/-/reload", &r); err != nil {
		g.t.Fatal(err)
	}
	g.waitCount(before+1, 30*time.Second) // so that whoever counts the lines next counts this one
	return r
}

// Status asks the admin listener what runs.
func (g *Gateway) Status() runtime.Status {
	g.t.Helper()
	var s runtime.Status
	if err := g.ask(http.MethodGet, "/-/generation", &s); err != nil {
		g.t.Fatal(err)
	}
	return s
}

// Policy answers the status of a policy.
func (g *Gateway) Policy(name string) runtime.PolicyStatus {
	g.t.Helper()
	for _, p := range g.Status().Policies {
		if p.Name == name {
			return p
		}
	}
	g.t.Fatalf("no policy %q runs", name)
	return runtime.PolicyStatus{}
}

func (g *Gateway) ask(method, path string, into any) error {
	r, err := http.NewRequestWithContext(context.Background(), method, g.Admin+path, nil)
	if err != nil {
		return err
	}
	if g.AdminToken != "" {
		r.Header.Set("Authorization", "Bearer "+g.AdminToken)
	}
	resp, err := g.client().Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if bytes.Contains(body, []byte(Canary)) {
		return errors.New("the admin listener shows a secret")
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusUnprocessableEntity { // a refused reload
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, body)
	}
	return json.Unmarshal(body, into)
}

// noCanary looks for secrets in everything that was printed (G10).
func (g *Gateway) noCanary() {
	if g.Log == nil {
		return
	}
	for _, l := range g.Log.Lines(func(l Line) bool { return strings.Contains(l.Text, Canary) }) {
		g.t.Errorf("G10: a secret stands in the log: %s", l.Text)
	}
	if g.t.Failed() {
		g.t.Logf("the gateway's log:\n%s", g.Log.Text())
	}
}

// noRace looks for what the race detector says, in the gateway and in its policies' processes.
func (g *Gateway) noRace() {
	if g.Log == nil {
		return
	}
	if found := g.Log.Lines(func(l Line) bool { return strings.Contains(l.Text, "DATA RACE") }); len(found) > 0 {
		g.t.Errorf("the race detector has found something:\n%s", g.Log.Text())
	}
}
