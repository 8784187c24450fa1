package crash

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"durward/conformance/gateway"
	"durward/conformance/hostile"
	"durward/conformance/hostile/kind"
)

// stubborn are policies that do not end by themselves: one that listens to nothing, and some that hang.
func stubborn(fault string) []hostile.Policy {
	return []hostile.Policy{
		{Name: "deaf", Type: kind.Deaf, Upstream: "http://127.0.0.1:1/deaf", Options: options(fault)},
		{Name: "stopped", Upstream: "http://127.0.0.1:1/stopped", Options: options(fault)},
		{Name: "hangs", Upstream: "http://127.0.0.1:1/hangs", Options: options(fault)},
		{Name: "forks", Upstream: "http://127.0.0.1:1/forks", Options: options(fault)},
	}
}

func options(fault string) map[string]any { return map[string]any{"fault": fault} }

// moments are when the host ends. Each answers how many processes of policies there must be at the time.
func moments() map[string]func(t *testing.T, g *gateway.Gateway) int {
	const shipped = 1
	return map[string]func(t *testing.T, g *gateway.Gateway) int{
		"while policies run": func(t *testing.T, g *gateway.Gateway) int {
			hostile.Configure(t, g, stubborn(kind.None)...)
			g.Launch()
			for name, fault := range map[string]string{
				"hangs": kind.HangInHTTP, "stopped": kind.Stopped, "forks": kind.Fork,
			} {
				ask(t, g, "/"+name+"/fault?name="+fault)
			}
			go ask(t, g, "/hangs/pid") // nobody answers
			return shipped + 4
		},
		"while policies start": func(t *testing.T, g *gateway.Gateway) int {
			hostile.Configure(t, g, stubborn(kind.HangInConfigure)...)
			g.Begin()
			return shipped + 4
		},
		"in the middle of a reload": func(t *testing.T, g *gateway.Gateway) int {
			hostile.Configure(t, g, stubborn(kind.None)...)
			g.Launch()
			g.Save("policies.json", hostile.Policies(t, stubborn(kind.HangInConfigure)...))
			return shipped + 2*4
		},
	}
}

// ask asks a policy for something. Whether it answers is not the question here.
func ask(t *testing.T, g *gateway.Gateway, target string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, g.URL+target, strings.NewReader(""))
	if err != nil {
		t.Error(err)
		return
	}
	if resp, err := http.DefaultClient.Do(r); err == nil {
		_ = resp.Body.Close()
	}
}

// However the host ends, and whenever, no process of a policy is there a second later, not even of one that ignores the
// lifeline and every signal but one; in an end in order, nor are the children of one. What is left of its sockets goes
// when the next host starts.
func TestG8_HostEnds(t *testing.T) {
	g := hostile.Start(t, func(g *gateway.Gateway) {
		short(t, g)
		g.Setenv("DURWARD_TEST_DRAIN", "500ms")
	})
	g.Stop()
	var longest time.Duration
	for _, how := range deaths() {
		for when, prepare := range moments() {
			t.Run(how.name+" "+when, func(t *testing.T) {
				old := runFolders(t, g)
				want := prepare(t, g)
				var policies []gateway.Process
				if !gateway.Within(waiting, func() bool {
					policies = processes(t, func(parent, _ int) bool { return parent == g.PID() })
					return len(policies) >= want
				}) {
					t.Errorf("%d processes of policies, want %d", len(policies), want)
				}
				if now := runFolders(t, g); len(now) != 1 || slices.Contains(old, now[0]) {
					t.Errorf("G6: run folders are %v, before the start they were %v", now, old)
				}
				family := func(policies []gateway.Process) []gateway.Process {
					return processes(t, func(_, group int) bool {
						return slices.ContainsFunc(policies, func(p gateway.Process) bool { return p.PID == group })
					})
				}
				if how.inOrder {
					policies = family(policies)
				}
				took := outlived(t, g, how.signal, policies)
				longest = max(longest, took)
				t.Logf("the last of %d processes was gone %v after the host", len(policies), took)
				if took > time.Second {
					t.Errorf("G8: a policy's process outlived the host by %v", took)
				}
				for _, orphan := range family(policies) { // whom only an end in order reaches
					orphan.Kill(t)
				}
				if left := runFolders(t, g); how.inOrder && len(left) != 0 {
					t.Errorf("G6: run folders %v are left", left)
				}
			})
		}
	}
	t.Logf("the longest was %v", longest)
}

// death is a way in which the host ends.
type death struct {
	name    string
	signal  syscall.Signal
	inOrder bool
}

func deaths() []death {
	return []death{
		{"SIGTERM", syscall.SIGTERM, true}, {"SIGKILL", syscall.SIGKILL, false},
		{"a panic", syscall.SIGUSR1, false}, {"os.Exit", syscall.SIGUSR2, false}, // which the host takes so
	}
}

// outlived ends the host and answers by how long the last of the processes outlives it.
func outlived(t *testing.T, g *gateway.Gateway, death syscall.Signal, policies []gateway.Process) time.Duration {
	t.Helper()
	host := gateway.ProcessOf(g.PID())
	if err := syscall.Kill(g.PID(), death); err != nil {
		t.Fatal(err)
	}
	if !gateway.Within(waiting, func() bool { return !host.Alive() }) {
		t.Fatalf("the host does not end of %v", death)
	}
	died := time.Now()
	if !gateway.Within(waiting, func() bool {
		return !slices.ContainsFunc(policies, gateway.Process.Alive)
	}) {
		t.Errorf("processes of policies live on: %v", policies)
	}
	took := time.Since(died)
	<-g.Exited()
	return took
}

// waiting bounds what must happen soon, on a machine that does more.
const waiting = 30 * time.Second

// processes are those that are not dead and match, by the ids of their parent and of their group.
func processes(t *testing.T, match func(parent, group int) bool) []gateway.Process {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []gateway.Process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		// The second field is the program's name in parentheses, which may hold anything.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(fields[1])
		group, _ := strconv.Atoi(fields[2])
		if fields[0] != "Z" && match(parent, group) {
			found = append(found, gateway.ProcessOf(pid))
		}
	}
	return found
}
