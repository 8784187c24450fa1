package restart

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

// manager holds sockets for a gateway, as a service manager does.
type manager struct {
	names []string
	files []*os.File
	// inodes say which sockets they are, as /proc names them.
	inodes map[string]bool
}

// hold opens a socket by a name.
func (m *manager) hold(t *testing.T, name string) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	raw, err := f.SyscallConn() // Fd would have the gateway's calls block, which shares what it changes
	if err != nil {
		t.Fatal(err)
	}
	if m.inodes == nil {
		m.inodes = make(map[string]bool)
	}
	if err := raw.Control(func(fd uintptr) { m.inodes[inode(t, fmt.Sprintf("/proc/self/fd/%d", fd))] = true }); err != nil {
		t.Fatal(err)
	}
	m.names, m.files = append(m.names, name), append(m.files, f)
	return l.Addr()
}

// env are the variables that tell of the sockets, but for LISTEN_PID.
func (m *manager) env() map[string]string {
	return map[string]string{"LISTEN_FDS": strconv.Itoa(len(m.files)), "LISTEN_FDNAMES": strings.Join(m.names, ":")}
}

// listenPID starts what its arguments say with LISTEN_PID, which is the process's own id: only it knows that in time.
func listenPID() []string { return []string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh"} }

// supply has a gateway start with the sockets.
func (m *manager) supply(g *gateway.Gateway) {
	g.Under(listenPID()...)
	g.Files(m.files...)
	for name, value := range m.env() {
		g.Setenv(name, value)
	}
}

// inode answers which socket a file is, as /proc names it.
func inode(t *testing.T, path string) string {
	t.Helper()
	target, err := os.Readlink(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// The gateway serves the sockets it is given, and no process of a policy holds them.
func TestSocketsStayWithTheGateway(t *testing.T) {
	var m manager
	public, admin := m.hold(t, "public"), m.hold(t, "admin")
	g := gateway.Start(t, m.supply)
	if g.URL != "http://"+public.String() || g.Admin != "http://"+admin.String() {
		t.Fatalf("the gateway listens at %s and %s, the sockets are %s and %s", g.URL, g.Admin, public, admin)
	}
	if said := g.Log.Lines(func(l gateway.Line) bool { return l.Msg() == "listening" && l.Fields["given"] != nil }); len(said) != 1 {
		t.Errorf("the log does not say that the sockets were given:\n%s", g.Log.Text())
	}
	ofPolicy, err := filepath.Glob("/proc/" + strconv.Itoa(g.Policy("clerk").PID) + "/fd/*")
	if err != nil || len(ofPolicy) == 0 {
		t.Fatalf("the policy's process has no files: %v", err)
	}
	for _, path := range ofPolicy {
		if m.inodes[inode(t, path)] {
			t.Errorf("the policy's process holds a socket of the gateway's: %s", path)
		}
	}
	environment, err := os.ReadFile("/proc/" + strconv.Itoa(g.Policy("clerk").PID) + "/environ")
	if err != nil || strings.Contains(string(environment), "LISTEN_") {
		t.Errorf("the policy's process is told of sockets: %v", err)
	}
}

// A socket that nobody would serve is no socket that is ignored.
func TestSocketThatNobodyServes(t *testing.T) {
	var m manager
	m.hold(t, "public")
	m.hold(t, "metrics")
	command := append(listenPID(), gateway.Binary(t), "serve", "--config", t.TempDir(), "--data", t.TempDir())
	cmd := exec.Command(command[0], command[1:]...)
	cmd.ExtraFiles, cmd.Env = m.files, os.Environ()
	for name, value := range m.env() {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	said, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(said), `"metrics"`) {
		t.Errorf("the gateway ended with %v and said %s", err, said)
	}
}
