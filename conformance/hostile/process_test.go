package hostile

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"durward/conformance/gateway"
)

// process is what /proc says of one.
type process struct {
	pid, parent, group int
	state, name        string
}

// processes are all that live and match.
func processes(t testing.TB, match func(process) bool) []process {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var found []process
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
		fields := strings.Fields(string(text[end+1:]))
		p := process{name: string(text[open+1 : end]), state: fields[0]}
		p.pid, _ = strconv.Atoi(strings.TrimSpace(string(text[:open])))
		p.parent, _ = strconv.Atoi(fields[1])
		p.group, _ = strconv.Atoi(fields[2])
		if p.state != "Z" && match(p) {
			found = append(found, p)
		}
	}
	return found
}

// belongings is what a host holds of its policies. Descriptors are counted by what they are, save those of the store,
// which has as many as it was ever asked at once.
type belongings struct {
	Children, Folders int
	Descriptors       map[string]int
}

// atMost tells whether there is no more of anything than there was. There may be less: a connection that was closing.
func (b belongings) atMost(had belongings) bool {
	for what, n := range b.Descriptors {
		if n > had.Descriptors[what] {
			return false
		}
	}
	return b.Children == had.Children && b.Folders == had.Folders
}

func belongingsOf(t testing.TB, g *gateway.Gateway) belongings {
	t.Helper()
	children := processes(t, func(p process) bool { return p.parent == g.PID() })
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	descriptors := make(map[string]int)
	for _, link := range links {
		what, err := os.Readlink(link)
		if err != nil || strings.Contains(what, "durward.db") {
			continue // closed meanwhile, or the store's
		}
		what, _, _ = strings.Cut(what, "[") // the number of a pipe or socket
		descriptors[what]++
	}
	folders, err := filepath.Glob(filepath.Join(g.Data, "run", "h*", "plugin-dir*"))
	if err != nil {
		t.Fatal(err)
	}
	return belongings{len(children), len(folders), descriptors}
}

// peak is the most memory that a process ever had resident, in MiB (VmHWM of proc(5)).
func peak(t testing.TB, pid int) int {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == "VmHWM:" {
			kib, err := strconv.Atoi(fields[1])
			if err != nil {
				t.Fatal(err)
			}
			return kib >> 10
		}
	}
	t.Fatal("the system does not say how much memory a process had")
	return 0
}
