package pluginhost

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"durward/policies"
)

// controls are the files that a cgroup with the memory controller has, with what they hold.
func controls() map[string]string {
	return map[string]string{
		"cgroup.controllers": "cpu memory", "cgroup.subtree_control": "", "cgroup.type": "domain", "cgroup.kill": "",
		"memory.max": "max", "memory.swap.max": "max", "memory.oom.group": "0", "memory.current": "12345\n",
		"memory.peak": "23456\n", "memory.events": "low 0\nhigh 0\nmax 9\noom 1\noom_kill 0\noom_group_kill 0\n",
	}
}

// fakeCgroups is a folder that looks like a cgroup file system, with the host in /unit/host.
type fakeCgroups struct {
	cgroupSystem
	root string
	// controls are the files of every cgroup that is made.
	controls map[string]string
	// removed are the cgroups that were removed, with what was written into them.
	removed []map[string]string
	// busy is how often a cgroup cannot be removed yet.
	busy int
}

func newFakeCgroups(t *testing.T) *fakeCgroups {
	t.Helper()
	f := &fakeCgroups{root: filepath.Join(t.TempDir(), "sys fs"), controls: controls()}
	f.cgroupSystem = cgroupSystem{
		proc:      t.TempDir(),
		delegated: func(dir string) bool { return dir == filepath.Join(f.root, "unit") },
		mkdir:     func(dir string, mode os.FileMode) error { return f.make(dir) },
		rmdir:     f.remove,
	}
	for _, dir := range []string{"", "unit", "unit/host"} {
		if err := f.make(filepath.Join(f.root, dir)); err != nil {
			t.Fatal(err)
		}
	}
	f.write(t, f.proc, "mountinfo", "22 1 0:4 / /proc rw shared:1 - proc proc rw\n"+
		"30 1 0:26 / "+strings.ReplaceAll(f.root, " ", `\040`)+" rw,nosuid shared:4 - cgroup2 cgroup2 rw\n")
	f.write(t, f.proc, "cgroup", "1:name=systemd:/unit\n0::/unit/host\n")
	return f
}

func (f *fakeCgroups) make(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for name, text := range f.controls {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeCgroups) remove(dir string) error {
	if f.busy > 0 {
		f.busy--
		return syscall.EBUSY
	}
	written := make(map[string]string)
	for name, before := range f.controls {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil && string(text) != before {
			written[name] = string(text)
		}
	}
	f.removed = append(f.removed, written)
	return os.RemoveAll(dir)
}

func (*fakeCgroups) write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCgroupsAreFoundWhereTheyWereGivenToTheHost(t *testing.T) {
	cases := []struct {
		name   string
		change func(*testing.T, *fakeCgroups)
		// dir is below the root; fails is part of why there are none.
		dir, fails string
	}{
		{name: "delegated by the service manager", change: func(*testing.T, *fakeCgroups) {}, dir: "unit"},
		{name: "nobody has delegated it", change: func(_ *testing.T, f *fakeCgroups) {
			f.delegated = func(string) bool { return false }
		}, fails: "not been delegated"},
		{name: "below a container's root", change: func(t *testing.T, f *fakeCgroups) {
			f.delegated = func(string) bool { return false }
			f.write(t, f.proc, "cgroup", "0::/host\n")
		}, dir: "."},
		{name: "below the system's root", change: func(t *testing.T, f *fakeCgroups) {
			f.delegated = func(string) bool { return false }
			f.write(t, f.proc, "cgroup", "0::/host\n")
			_ = os.Remove(filepath.Join(f.root, "cgroup.type"))
		}, fails: "not been delegated"},
		{name: "in the root", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, f.proc, "cgroup", "0::/\n")
		}, fails: "in a root cgroup"},
		{name: "a part of the hierarchy is mounted", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, f.proc, "mountinfo", "30 1 0:26 /pod "+strings.ReplaceAll(f.root, " ", `\040`)+" rw - cgroup2 cgroup2 rw\n")
			f.write(t, f.proc, "cgroup", "0::/pod/unit/host\n")
		}, dir: "unit"},
		{name: "outside of what is mounted", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, f.proc, "cgroup", "0::/../other/host\n")
		}, fails: "not to be seen"},
		{name: "only cgroups of version 1", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, f.proc, "mountinfo", "30 1 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n")
		}, fails: "not mounted"},
		{name: "no process table", change: func(_ *testing.T, f *fakeCgroups) { f.proc = "/nowhere" }, fails: "find cgroups"},
		{name: "no memory controller", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, filepath.Join(f.root, "unit"), "cgroup.controllers", "cpu hugetlb")
		}, fails: "no memory controller"},
		{name: "the controller is in use", change: func(t *testing.T, f *fakeCgroups) {
			f.write(t, filepath.Join(f.root, "unit"), "cgroup.subtree_control", "memory cpu")
			f.write(t, filepath.Join(f.root, "unit"), "cgroup.controllers", "")
		}, dir: "unit"},
		{name: "a kernel without cgroup.kill", change: func(_ *testing.T, f *fakeCgroups) {
			delete(f.controls, "cgroup.kill")
		}, fails: "cannot kill"},
		{name: "a kernel that does not count swap", change: func(_ *testing.T, f *fakeCgroups) {
			delete(f.controls, "memory.swap.max")
		}, dir: "unit"},
		{name: "mounted read-only", change: func(_ *testing.T, f *fakeCgroups) {
			f.mkdir = func(string, os.FileMode) error { return syscall.EROFS }
		}, fails: "read-only"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFakeCgroups(t)
			c.change(t, f)
			found, err := findCgroups(f.cgroupSystem)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("found %v, error %v, want %q", found, err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := filepath.Join(f.root, c.dir); found.dir != want {
				t.Errorf("dir %s, want %s", found.dir, want)
			}
			if left, _ := filepath.Glob(filepath.Join(found.dir, "policy-*")); len(left) > 0 {
				t.Errorf("the trial left %v", left)
			}
		})
	}
	f := newFakeCgroups(t)
	if _, err := findCgroups(f.cgroupSystem); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(f.root, "unit", "cgroup.subtree_control")); string(got) != "+memory" {
		t.Errorf("written to subtree_control: %q", got)
	}
	if got, _ := os.ReadFile(filepath.Join(f.root, "unit/host", "cgroup.procs")); len(got) > 0 {
		t.Error("a process was moved")
	}
}

func TestCgroupOfAProcess(t *testing.T) {
	f := newFakeCgroups(t)
	c, err := findCgroups(f.cgroupSystem)
	if err != nil {
		t.Fatal(err)
	}
	f.removed = nil
	bounded, err := c.add(100 << 20)
	if err != nil {
		t.Fatal(err)
	}
	free, err := c.add(0)
	if err != nil {
		t.Fatal(err)
	}
	if got := bounded.current(); got != 12345 {
		t.Errorf("%d bytes", got)
	}
	if _, over := bounded.exceeded(); over {
		t.Error("over its limit at the start")
	}
	f.write(t, bounded.path, "memory.events", "max 9\noom 2\noom_kill 3\n")
	if most, over := bounded.exceeded(); most != 23456 || !over {
		t.Errorf("exceeded: %d, %v", most, over)
	}
	f.write(t, bounded.path, "memory.events", f.controls["memory.events"])
	f.busy = 3
	for _, g := range []*cgroup{bounded, free} {
		if err := g.remove(); err != nil {
			t.Error(err)
		}
		if got := g.current(); got != 0 {
			t.Errorf("%d bytes of nothing", got)
		}
	}
	want := []map[string]string{
		{"memory.max": "104857600", "memory.swap.max": "0", "memory.oom.group": "1", "cgroup.kill": "1"},
		{"cgroup.kill": "1"},
	}
	if diff := cmp.Diff(want, f.removed); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
}

func TestCgroupsOfHostsThatAreGoneAreSwept(t *testing.T) {
	f := newFakeCgroups(t)
	unit := filepath.Join(f.root, "unit")
	own := fmt.Sprintf("policy-%d-1", os.Getpid())
	// No process has an id beyond 4,194,304: that is the most that Linux gives (proc(5)).
	for _, name := range []string{"policy-4194305-1", "policy-4194305-2", "policy-1-1", own, "policy-x", "other-4194305-1"} {
		if err := f.make(filepath.Join(unit, name)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := findCgroups(f.cgroupSystem)
	if err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(unit, "*-*"))
	for i := range left {
		left[i] = filepath.Base(left[i])
	}
	slices.Sort(left)
	if want := []string{"other-4194305-1", "policy-1-1", own, "policy-x"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
	if got := f.removed[0]["cgroup.kill"]; got != "1" {
		t.Error("what still ran in it was not ended")
	}
	c.made.Store(0)
	if g, err := c.add(0); err != nil || filepath.Base(g.path) == own {
		t.Errorf("a name that is taken: %+v, %v", g, err)
	}
}

func TestCgroupThatCannotBeMadeLeavesTheProcessToTheWatch(t *testing.T) {
	f := newFakeCgroups(t)
	h, j := newHost(t, nil)
	h.bounds.cgroups = &cgroups{system: f.cgroupSystem, dir: filepath.Join(f.root, "unit")}
	// A folder that is no cgroup: the kernel refuses to start a process in it.
	p := start(t, h, testSpec("first", self(t, "good"), `{}`))
	j.await(t, "it is watched instead")
	h.bounds.watch.look()
	if p.Status().Memory == 12345 || p.Status().Memory == 0 {
		t.Errorf("memory is not what the watch has seen: %+v", p.Status())
	}
	if len(f.removed) != 1 {
		t.Errorf("%d cgroups were removed", len(f.removed))
	}
	f.controls["memory.max"] = ""
	f.mkdir = func(string, os.FileMode) error { return syscall.ENOSPC }
	h.bounds.cgroups.system = f.cgroupSystem
	start(t, h, testSpec("second", self(t, "good"), `{}`))
	j.await(t, "no space left")
}

// A child that leaves its process group outlives a kill of the group. In a cgroup it does not. It is seen where the
// kernel's own cgroups can be had: by root outside of any service manager, without bounding memory.
func TestChildThatLeavesTheProcessGroupDiesWithTheCgroup(t *testing.T) {
	own, root, err := ownCgroup("/proc/self")
	if err != nil || own != root || os.Getuid() != 0 || exists(filepath.Join(root, "cgroup.type")) {
		t.Logf("not seen: cgroup %q below %q, user %d, %v", own, root, os.Getuid(), err)
		return
	}
	dir := filepath.Join(root, fmt.Sprintf("durward-test-%d", os.Getpid()))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Logf("not seen: %v", err)
		return
	}
	t.Cleanup(func() {
		if err := syscall.Rmdir(dir); err != nil {
			t.Error(err)
		}
	})
	for _, end := range []string{"stop", "crash"} {
		t.Run(end, func(t *testing.T) {
			h, j := newHost(t, nil)
			h.bounds.cgroups = &cgroups{system: systemCgroups(), dir: dir}
			spec := testSpec("first", self(t, "good"), `{}`)
			spec.Memory = -1
			p := start(t, h, spec)
			pid := p.Status().PID
			d, err := p.Evaluate(t.Context(), testCall(), policies.Request{Route: "demo", Name: "child leaves"})
			if err != nil {
				t.Fatal(err)
			}
			child, err := strconv.Atoi(d.Principal.Subject)
			if err != nil || !alive(child) {
				t.Fatalf("child %s: %v", d.Principal.Subject, err)
			}
			if group, _ := syscall.Getpgid(child); group == pid {
				t.Error("the child has not left the process group")
			}
			if end == "crash" {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				awaitState(t, p, Running, pid)
			} else {
				p.Stop(t.Context())
			}
			awaitDeath(t, child)
			p.Stop(t.Context())
			if left, _ := filepath.Glob(filepath.Join(dir, "policy-*")); len(left) > 0 {
				t.Errorf("cgroups are left: %v", left)
			}
			if strings.Contains(j.all(), "cgroup of a policy") || strings.Contains(j.all(), "watched instead") {
				t.Errorf("log:\n%s", j.all())
			}
		})
	}
}
