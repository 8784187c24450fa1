package crash

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/conformance/gateway"
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

// A call that would go on for ever is told at the drain deadline that it was ended. The command's drain is half a minute,
// so here the host runs in the test's own process.
func TestG4_StreamAtTheEndOfTheDrain(t *testing.T) {
	const drain = 500 * time.Millisecond
	g := gateway.Prepare(t, func(g *gateway.Gateway) { short(t, g) })
	host, end := g.Host(func(o *runtime.Options) { o.Drain = drain })
	c := g.MustLogin(t)
	process := gateway.ProcessOf(host.Status().Policies[0].PID)
	stream := openStream(t, c, `{"steps":86400,"intervalMs":50}`)

	began := time.Now()
	ended := make(chan error, 1)
	go func() { ended <- end() }()
	rest, err := io.ReadAll(stream)
	took := time.Since(began)
	if err != nil || !strings.Contains(string(rest), "notifications/progress") ||
		!strings.HasSuffix(string(rest), "}}\n\n") || !strings.Contains(string(rest), `,"error":{"code":-32603,`) {
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
