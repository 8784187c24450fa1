package suite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
	"durward/conformance/parts"
)

// patience bounds a run of the command, which waits for nobody but the person: far more than it takes.
const patience = 2 * time.Minute

// TestAuthorization runs the command in each revision, for a client that names the resource and for one that does not.
func TestAuthorization(t *testing.T) {
	node, modules := parts.Node22(t), parts.Modules(t)
	g := gateway.Start(t, nil)
	for _, revision := range []string{"2025-11-25", "2026-07-28"} {
		for name, more := range map[string][]string{"without resource": nil, "with resource": {"--resource", g.MCP()}} {
			t.Run(revision+" "+name, func(t *testing.T) {
				command := exec.Command(node, "--require", loopback(t),
					filepath.Join(modules, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
					"authorization", "--url", g.URL, "--spec-version", revision)
				command.Args = append(command.Args, more...)
				got := run(t, g, command)
				want := map[string]string{
					"authorization-server-metadata":      "SUCCESS",
					"authorization-server-metadata-cimd": "SUCCESS",
					"authorization-code-grant":           "SUCCESS",
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("the checks (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// run runs the command for a client of its own, whose person goes where the command says. It answers the status of each
// check.
func run(t *testing.T, g *gateway.Gateway, command *exec.Cmd) map[string]string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	client, err := g.Register(ctx) // on loopback: any port will do
	if err != nil {
		t.Fatal(err)
	}
	port, results := freePort(t), t.TempDir()
	command.Args = append(command.Args, "--client-id", client.ID, "--port", port, "--output-dir", results)
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var printed, complaints bytes.Buffer
	command.Stderr = &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer context.AfterFunc(ctx, func() { _ = command.Process.Kill() })()
	lines := bufio.NewScanner(io.TeeReader(out, &printed))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), g.URL+"/") {
			if err := visit(ctx, t, g, lines.Text(), "http://127.0.0.1:"+port+"/callback"); err != nil {
				t.Error(err)
				stop()
			}
		}
	}
	err = command.Wait()
	if t.Failed() || err != nil {
		t.Logf("the command ended: %v\n%s%s", err, printed.String(), complaints.String())
	}
	return read(t, results)
}

// visit is what the person does who is shown the URL. The browser ends where the command listens.
func visit(ctx context.Context, t *testing.T, g *gateway.Gateway, address, callback string) error {
	t.Helper()
	answer, err := g.PersonFor(t, "Ada Lovelace", callback).Allow(ctx, address)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, callback+"?"+answer.Encode(), nil)
	if err != nil {
		return err
	}
	landed, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer landed.Body.Close()
	if landed.StatusCode != http.StatusOK {
		return fmt.Errorf("the command answers %s at its callback", landed.Status)
	}
	return nil
}

// read reads the checks that the command has written down.
func read(t *testing.T, folder string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*", "checks.json"))
	if err != nil {
		t.Fatal(err)
	}
	statuses := make(map[string]string)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var checks []struct{ ID, Status, ErrorMessage string }
		if err := json.Unmarshal(content, &checks); err != nil {
			t.Fatalf("read checks: %v", err)
		}
		for _, check := range checks {
			if before, twice := statuses[check.ID]; twice {
				t.Errorf("%s is there twice: %s and %s", check.ID, before, check.Status)
			}
			statuses[check.ID] = check.Status
			if check.ErrorMessage != "" {
				t.Errorf("%s: %s", check.ID, check.ErrorMessage)
			}
		}
	}
	return statuses
}

// freePort answers a port of loopback at which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// loopback is the script that keeps a program on loopback.
func loopback(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("loopback.cjs")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
