package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// cgroupPrefix begins the names of policies' cgroups.
	cgroupPrefix = "policy-"
	// removeWait is how long a cgroup whose processes were killed may take to be empty, and removePause how long each wait
	// in it is.
	removeWait  = time.Second
	removePause = 2 * time.Millisecond
)

// cgroupSystem is what a system shows of its cgroups (version 2 of the interface).
type cgroupSystem struct {
	// proc is this process's folder in /proc.
	proc string
	// delegated reports whether the service manager has marked a cgroup as given to whoever runs in it.
	delegated func(dir string) bool
	mkdir     func(string, os.FileMode) error
	rmdir     func(string) error
}

func systemCgroups() cgroupSystem {
	return cgroupSystem{proc: "/proc/self", delegated: delegatedBySystemd, mkdir: os.Mkdir, rmdir: syscall.Rmdir}
}

// cgroups makes cgroups for policies, beside the one that the host itself is in: one with processes of its own cannot have
// others below it that bound memory.
type cgroups struct {
	system cgroupSystem
	// dir is the folder they are made in: the parent of the host's own.
	dir  string
	made atomic.Uint64
}

// findCgroups answers where this process may make cgroups, or why it may not. It may if the one above its own has been
// given to it, and to nobody else: the service manager has marked it so, or it is the root of a cgroup namespace that is
// not the system's, a container's own. No process is moved, the host's own neither.
func findCgroups(s cgroupSystem) (*cgroups, error) {
	own, root, err := ownCgroup(s.proc)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(own)
	container := dir == root && exists(filepath.Join(dir, "cgroup.type")) // the system's own root has no type
	switch {
	case own == root:
		return nil, errors.New("the gateway is in a root cgroup, not in one below it")
	case !container && !s.delegated(dir):
		return nil, errors.New("the cgroup above the gateway's has not been delegated to it")
	}
	if err := enableMemory(dir); err != nil {
		return nil, err
	}
	c := &cgroups{system: s, dir: dir}
	c.sweep()
	try, err := c.add(DefaultMemory)
	if err != nil {
		return nil, err
	}
	if !exists(filepath.Join(try.path, "cgroup.kill")) {
		err = errors.New("the kernel cannot kill a cgroup")
	}
	if err := errors.Join(err, try.remove()); err != nil {
		return nil, err
	}
	return c, nil
}

// ownCgroup answers the folder of the process's cgroup and that of the hierarchy's root, as far as it is mounted.
func ownCgroup(proc string) (own, root string, err error) {
	mounts, err := os.ReadFile(filepath.Join(proc, "mountinfo"))
	if err != nil {
		return "", "", fmt.Errorf("find cgroups: %w", err)
	}
	memberships, err := os.ReadFile(filepath.Join(proc, "cgroup"))
	if err != nil {
		return "", "", fmt.Errorf("find cgroups: %w", err)
	}
	var mounted string // the part of the hierarchy that root shows
	for line := range strings.Lines(string(mounts)) {
		before, after, _ := strings.Cut(line, " - ")
		fields := strings.Fields(before)
		if strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			mounted, root = unescape(fields[3]), unescape(fields[4])
			break
		}
	}
	if root == "" {
		return "", "", errors.New("cgroups of version 2 are not mounted")
	}
	for line := range strings.Lines(string(memberships)) {
		if member, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			below, err := filepath.Rel(mounted, member)
			if err != nil || strings.HasPrefix(below, "..") || strings.HasPrefix(member, "/..") {
				break // outside of the namespace, or of what is mounted
			}
			return path.Join(root, below), root, nil
		}
	}
	return "", "", errors.New("the gateway's own cgroup is not to be seen")
}

// unescape reads a field of mountinfo, in which white space and backslashes are octal (proc(5)).
func unescape(field string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(field)
}

// enableMemory has cgroups below dir bound memory.
func enableMemory(dir string) error {
	has := func(name string) bool {
		list, err := os.ReadFile(filepath.Join(dir, name))
		return err == nil && slices.Contains(strings.Fields(string(list)), "memory")
	}
	switch {
	case has("cgroup.subtree_control"):
		return nil
	case !has("cgroup.controllers"):
		return errors.New("the cgroup above the gateway's has no memory controller")
	}
	return writeControl(dir, "cgroup.subtree_control", "+memory")
}

// sweep removes the cgroups of hosts that are gone, with what still runs in them. A name holds its host's process id.
func (c *cgroups) sweep() {
	left, _ := filepath.Glob(filepath.Join(c.dir, cgroupPrefix+"*")) // the one error is that of a bad pattern
	for _, dir := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), cgroupPrefix), "-")
		pid, err := strconv.Atoi(id)
		if err != nil || pid <= 0 || !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			continue
		}
		g := &cgroup{path: dir, rmdir: c.system.rmdir}
		_ = g.remove() // what cannot be removed is in nobody's way
	}
}

// add makes a cgroup for one process. limit is in bytes; 0 is none.
func (c *cgroups) add(limit uint64) (_ *cgroup, err error) {
	g := &cgroup{rmdir: c.system.rmdir}
	for made := false; !made; {
		g.path = filepath.Join(c.dir, fmt.Sprintf("%s%d-%d", cgroupPrefix, os.Getpid(), c.made.Add(1)))
		err := c.system.mkdir(g.path, 0o755)
		if err != nil && !errors.Is(err, os.ErrExist) { // another host of this process, or one that had its id
			return nil, fmt.Errorf("make cgroup: %w", err)
		}
		made = err == nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.system.rmdir(g.path))
		}
	}()
	if limit > 0 {
		if err := g.bound(limit); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// cgroup is the cgroup of one process and of all that it starts, also of those that leave its process group.
type cgroup struct {
	path  string
	rmdir func(string) error
}

// bound has the kernel end all processes of the cgroup when they have more than limit and cannot do with less.
func (g *cgroup) bound(limit uint64) error {
	if err := writeControl(g.path, "memory.max", strconv.FormatUint(limit, 10)); err != nil {
		return err
	}
	if err := writeControl(g.path, "memory.oom.group", "1"); err != nil {
		return err
	}
	err := writeControl(g.path, "memory.swap.max", "0")
	if errors.Is(err, os.ErrNotExist) {
		return nil // a kernel that does not count swap
	}
	return err
}

// current is how many bytes the processes have, 0 if that cannot be told.
func (g *cgroup) current() uint64 { return g.number("memory.current") }

// exceeded reports whether the kernel has ended processes for having too much, and the most they had in bytes, or 0.
func (g *cgroup) exceeded() (most uint64, over bool) {
	events, err := os.ReadFile(filepath.Join(g.path, "memory.events"))
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(events) {
		name, count, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if string(name) == "oom_kill" && string(count) != "0" {
			return g.number("memory.peak"), true
		}
	}
	return 0, false
}

func (g *cgroup) number(name string) uint64 {
	text, err := os.ReadFile(filepath.Join(g.path, name))
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(string(bytes.TrimSpace(text)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// kill ends every process of the cgroup.
func (g *cgroup) kill() error { return writeControl(g.path, "cgroup.kill", "1") }

// remove ends what is left in the cgroup, and the cgroup.
func (g *cgroup) remove() error {
	err := g.kill()
	for deadline := time.Now().Add(removeWait); ; time.Sleep(removePause) {
		busy := g.rmdir(g.path)
		if busy == nil {
			return err
		}
		if !errors.Is(busy, syscall.EBUSY) || time.Now().After(deadline) {
			return errors.Join(err, fmt.Errorf("remove cgroup %s: %w", g.path, busy))
		}
	}
}

// writeControl writes to a file of a cgroup, which must be there.
func writeControl(dir, name, text string) error {
	file, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return fmt.Errorf("set %s of cgroup: %w", name, err)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("set %s of cgroup: %w", name, err)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
