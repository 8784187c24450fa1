package reload

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/conformance/gateway"
)

// usage is what a gateway must give back, seen from outside.
type usage struct {
	Goroutines int
	// Descriptors are what the open ones lead to, without numbers, and how many lead there.
	Descriptors map[string]int
	Processes   int
	// Sockets are the files and folders below the data's "run".
	Sockets int
}

// use answers what the gateway uses now. Asking takes a connection of its own, which is the same each time.
func use(t testing.TB, g *gateway.Gateway) usage {
	t.Helper()
	u := usage{Goroutines: goroutines(t, g), Descriptors: make(map[string]int), Processes: len(childrenOf(g.PID()))}
	folder := fmt.Sprintf("/proc/%d/fd", g.PID())
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(folder, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		kind, _, _ := strings.Cut(to, ":[")
		if strings.HasPrefix(to, g.Data) && strings.Contains(to, "durward.db") {
			continue // the store opens as many as read at once, four at most, and keeps them
		}
		u.Descriptors[kind]++
	}
	err = filepath.WalkDir(filepath.Join(g.Data, "run"), func(_ string, _ os.DirEntry, err error) error {
		u.Sockets++
		return err
	})
	if err != nil && !os.IsNotExist(err) { // removed meanwhile
		t.Fatal(err)
	}
	return u
}

// goroutines asks for the metric of that name.
func goroutines(t testing.TB, g *gateway.Gateway) int {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := (&http.Client{Transport: transport}).Get(g.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("metrics: %s, and no go_goroutines", answer.Status)
	return 0
}

// within tells whether u is no more than limit in anything.
func (u usage) within(limit usage) bool {
	for kind, n := range u.Descriptors {
		if n > limit.Descriptors[kind] {
			return false
		}
	}
	return u.Goroutines <= limit.Goroutines && u.Processes <= limit.Processes && u.Sockets <= limit.Sockets
}

// settled answers what the gateway uses when it has given back what it will: the least of each that is seen in a time in
// which idle connections to upstreams end too.
func settled(t testing.TB, g *gateway.Gateway) usage {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	least := use(t, g)
	for range 24 {
		<-time.After(quiet / 2)
		now := use(t, g)
		least.Goroutines = min(least.Goroutines, now.Goroutines)
		least.Processes = min(least.Processes, now.Processes)
		least.Sockets = min(least.Sockets, now.Sockets)
		for kind, n := range least.Descriptors {
			least.Descriptors[kind] = min(n, now.Descriptors[kind])
		}
	}
	return least
}

// gaveBack waits until the gateway uses no more than before (G6).
func gaveBack(t testing.TB, g *gateway.Gateway, before usage) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	var after usage
	if !gateway.Within(patience, func() bool { after = use(t, g); return after.within(before) }) {
		t.Errorf("G6: what is used after the reloads is not what was used before:\n%s", cmp.Diff(before, after))
	}
}

// childrenOf answers the processes that a process has started and that have not been reaped.
func childrenOf(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is a good one
	var children []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The second field is the program's name in parentheses, which may hold anything.
		rest := strings.Fields(string(text)[strings.LastIndexByte(string(text), ')')+1:])
		if len(rest) > 1 && rest[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err == nil {
				children = append(children, child)
			}
		}
	}
	slices.Sort(children)
	return children
}
