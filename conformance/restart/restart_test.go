package restart

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// restarts is how often the gateway is started again under load.
const restarts = 5

// The gateway is ended and started again while callers call. No connection is refused and no request fails, on new
// connections and on old ones; the call that is in flight each time finishes.
func TestG3_RestartRefusesNobody(t *testing.T) {
	var m manager
	m.hold(t, "public")
	m.hold(t, "admin")
	g := gateway.Start(t, m.supply)
	c := g.MustLogin(t)
	load := startCallers(t, c, 3, 3)
	for round := range restarts {
		rest := inFlight(t, c, 500*time.Millisecond)
		began := time.Now()
		terminate(t, g)
		finished(t, rest)
		if code := g.ExitCode(); code != 0 {
			t.Errorf("restart %d: exit code %d", round, code)
		}
		ended := time.Since(began)
		before := load.fresh.Load() + load.kept.Load()
		g.Launch()
		if !gateway.Within(time.Minute, func() bool { return load.fresh.Load()+load.kept.Load() > before+20 }) {
			t.Fatalf("restart %d: the callers do not get on: %v", round, load.stop())
		}
		t.Logf("restart %d: ended after %v, serving again after %v", round, ended, time.Since(began))
	}
	failed := load.stop()
	t.Logf("%d calls on new connections, %d on kept ones, of which %d were told of their end; %d failed",
		load.fresh.Load(), load.kept.Load(), load.told.Load(), len(failed))
	for _, f := range failed {
		t.Errorf("failed: %s", f)
	}
	if load.told.Load() == 0 {
		t.Error("no connection was told of its end: nothing was tried")
	}
}

// While the gateway finishes what is in flight, it is not ready, SIGHUP changes nothing about that, and the service
// manager is told of every turn.
func TestSignalsAndTurns(t *testing.T) {
	folder, err := os.MkdirTemp("", "dw") // names of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(folder, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = told.Close() })
	g := gateway.Start(t, func(g *gateway.Gateway) { g.Setenv("NOTIFY_SOCKET", told.LocalAddr().String()) })
	wantTurn(t, told, "READY=1\nSTATUS=Serving configuration 1: 1 policy, 1 route")

	hangUp(t, g)
	wantTurn(t, told, "RELOADING=1\nMONOTONIC_USEC=")
	wantTurn(t, told, "READY=1\nSTATUS=Serving configuration 1")
	g.Wait("reload", func(l gateway.Line) bool { return l.Msg() == "reload" })
	g.SaveAndWait("policies.json", "{", "refused")
	wantTurn(t, told, "RELOADING=1\n")
	wantTurn(t, told, "READY=1\nSTATUS=Serving configuration 1: 1 policy, 1 route; the last change was refused")

	rest := inFlight(t, g.MustLogin(t), 5*time.Second) // by far what is done meanwhile, on a machine that does more
	terminate(t, g)
	wantTurn(t, told, "STOPPING=1\n")
	hangUp(t, g)
	resp, err := http.Get(g.Admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("while it ends, /readyz is answered %s", resp.Status)
	}
	finished(t, rest)
	if code := g.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if asked := g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "reload" && l.Field("why") == "SIGHUP" }); len(asked) != 2 {
		t.Errorf("of two SIGHUPs the log tells %v", asked)
	}
	if err := told.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := told.Read(make([]byte, 4096)); err == nil {
		t.Errorf("the service manager was told something after the last turn: %d bytes", n)
	}
}

func terminate(t *testing.T, g *gateway.Gateway) { sendSignal(t, g, syscall.SIGTERM) }

func hangUp(t *testing.T, g *gateway.Gateway) { sendSignal(t, g, syscall.SIGHUP) }

func sendSignal(t *testing.T, g *gateway.Gateway, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(g.PID(), s); err != nil {
		t.Fatal(err)
	}
}

func wantTurn(t *testing.T, told *net.UnixConn, want string) {
	t.Helper()
	if err := told.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	n, err := told.Read(text)
	if err != nil || !strings.HasPrefix(string(text[:n]), want) {
		t.Fatalf("the service manager was told %q (%v), want %q", text[:n], err, want)
	}
}

// inFlight makes a call that takes that long, and reads the beginning of its answer.
func inFlight(t *testing.T, c *gateway.Client, long time.Duration) io.Reader {
	t.Helper()
	const steps = 5
	resp, err := c.Send(t.Context(), c.Tokens.AccessToken, "count",
		fmt.Sprintf(`{"steps":%d,"intervalMs":%d}`, steps, long.Milliseconds()/steps))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	answer := bufio.NewReader(resp.Body)
	first, err := answer.ReadString('\n')
	if resp.StatusCode != http.StatusOK || err != nil {
		t.Fatalf("call: %s %q %v", resp.Status, first, err)
	}
	return answer
}

// finished reads a call's answer to its end.
func finished(t *testing.T, answer io.Reader) {
	t.Helper()
	rest, err := io.ReadAll(answer)
	if err != nil || !strings.Contains(string(rest), "counted to 5") {
		t.Errorf("the call in flight ended with %q, %v", rest, err)
	}
}
