package parts

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Node22 answers the path of a Node.js that is no older than version 22, which some packages need: the machine's if it is
// that, and else the one that comes with the npm packages.
func Node22(t testing.TB) string {
	t.Helper()
	path := need(t, node())
	version, err := major(path)
	if err != nil {
		t.Fatal(err)
	}
	if version >= 22 {
		return path
	}
	found, err := filepath.Glob(filepath.Join(Modules(t), "node_modules", "node-*", "bin", "node"))
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 {
		absent(t, errors.New("npm has no Node.js 22 for this machine: it is at https://nodejs.org"))
	}
	return found[0]
}

// major answers the first number of a Node.js' version.
func major(node string) (int, error) {
	c := exec.Command(node, "--version")
	c.Env = append(os.Environ(), "NODE_OPTIONS=")
	printed, err := c.Output()
	if err != nil {
		return 0, fmt.Errorf("ask Node.js for its version: %w", err)
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(string(printed)), "v"), ".")
	version, err := strconv.Atoi(first)
	if err != nil {
		return 0, fmt.Errorf("read version of Node.js %q: %w", printed, err)
	}
	return version, nil
}
