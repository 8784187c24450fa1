package mutant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// Row is a row of a table, as far as it matters here.
type Row struct {
	// Name is that of the row's subtest.
	Name string
	// Edits take away what the row holds, and nothing that the control needs.
	Edits []Edit
}

// Table is a test of a package, with a subtest for each row.
type Table struct {
	// Test is the test's name.
	Test string
	// Control names the subtest that every edit must leave as it is.
	Control string
	Rows    []Row
}

// timeout bounds the building of one mutant and, again, one row's play against it.
const timeout = 3 * time.Minute

// Apply wants every edit's text exactly once in its file, and of Go source that it still parses: so that a table whose
// edits no longer fit is known at once, and not when they are next played.
func (table Table) Apply(t *testing.T) {
	t.Helper()
	for _, r := range table.Rows {
		edited, err := Apply(r.Edits)
		if err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		for file, content := range edited {
			if !strings.HasSuffix(file, ".go") {
				continue
			}
			if _, err := parser.ParseFile(token.NewFileSet(), file, content, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: the edited file does not parse: %v", r.Name, err)
			}
		}
	}
}

// Play builds each row's edits into a gateway of its own and plays the row, which must fail there, and the control,
// which must not. It takes minutes, and does nothing unless DURWARD_SOAK is set.
func (table Table) Play(t *testing.T) {
	t.Helper()
	if os.Getenv("DURWARD_SOAK") == "" {
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var unbroken []string
	t.Run("rows", func(t *testing.T) {
		for _, r := range table.Rows {
			t.Run(r.Name, func(t *testing.T) {
				t.Parallel()
				found, err := table.breaks(t.Context(), t.TempDir(), self, r)
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					unbroken = append(unbroken, r.Name)
					t.Error(err)
				}
				t.Logf("found: %s", found)
			})
		}
	})
	if len(unbroken) > 0 {
		t.Errorf("no edit breaks these rows: %s", strings.Join(unbroken, "; "))
	}
}

// breaks says what is wrong unless the row fails, and the control does not, in a gateway with the row's edits. found is
// what the row said.
func (table Table) breaks(ctx context.Context, folder, self string, r Row) (found string, err error) {
	building, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	binary, err := Build(building, folder, r.Edits)
	if err != nil {
		return "", err
	}
	ctx, cancel = context.WithTimeout(ctx, timeout)
	defer cancel()
	name := strings.ReplaceAll(r.Name, " ", "_")
	play := exec.CommandContext(ctx, self, "-test.v", "-test.timeout="+timeout.String(),
		"-test.run=^"+table.Test+"$/^("+table.Control+"|"+name+")$")
	play.Env = append(os.Environ(), gateway.EnvBinary+"="+binary, "DURWARD_SOAK=")
	out, err := play.CombinedOutput()
	says := func(verdict, row string) bool {
		return bytes.Contains(out, []byte("--- "+verdict+": "+table.Test+"/"+row+" ("))
	}
	switch {
	case !says("PASS", table.Control):
		return "", fmt.Errorf("the edit breaks more than the row: %s fails: %w\n%s", table.Control, err, out)
	case says("PASS", name):
		return "", errors.New("the row does not fail, though the edit takes away what it holds")
	case !says("FAIL", name):
		return "", fmt.Errorf("the row was not played: %w\n%s", err, out)
	}
	return firstComplaint(out), nil
}

// firstComplaint is the first line in which a test says what it found.
func firstComplaint(out []byte) string {
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "_test.go:") {
			return strings.TrimSpace(line)
		}
	}
	return "no word of it"
}
