package signin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"durward/conformance/gateway"
)

// TestEditsApply wants every edit's text exactly once in its file, and of Go source that it still parses: so that a
// table whose edits no longer fit is known at once, and not at the next soak.
func TestEditsApply(t *testing.T) {
	for _, r := range rows() {
		edited, err := r.edited()
		if err != nil {
			t.Errorf("%s: %v", r.id, err)
		}
		for file, content := range edited {
			if !strings.HasSuffix(file, ".go") {
				continue
			}
			if _, err := parser.ParseFile(token.NewFileSet(), file, content, parser.SkipObjectResolution); err != nil {
				t.Errorf("%s: the edited file does not parse: %v", r.id, err)
			}
		}
	}
}

// edited answers the files that a row's edits change, as they then are, by their paths.
func (r row) edited() (map[string]string, error) {
	files := map[string]string{}
	for _, e := range r.breaks {
		path := filepath.Join(gateway.Root(), filepath.FromSlash(e.file))
		content, ok := files[path]
		if !ok {
			read, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			content = string(read)
		}
		if n := strings.Count(content, e.old); n != 1 {
			return nil, fmt.Errorf("%s holds %d times, not once: %s", e.file, n, e.old)
		}
		files[path] = strings.Replace(content, e.old, e.new, 1)
	}
	return files, nil
}

// The mutants: what an edit makes of the gateway, and what a row finds in it.

// mutantTimeout bounds the building of one and, again, one row's play against it.
const mutantTimeout = 3 * time.Minute

// TestEveryRowCanFail builds each row's edits into a gateway of its own and plays the row, which must fail there, and an
// ordinary sign-in, which must not. It takes minutes, and does nothing unless DURWARD_SOAK is set.
func TestEveryRowCanFail(t *testing.T) {
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
		for _, r := range rows() {
			t.Run(r.id, func(t *testing.T) {
				t.Parallel()
				if err := r.breaksUnder(t, self); err != nil {
					mu.Lock()
					defer mu.Unlock()
					unbroken = append(unbroken, r.id)
					t.Error(err)
				}
			})
		}
	})
	if len(unbroken) > 0 {
		t.Errorf("no edit breaks these rows: %s", strings.Join(unbroken, "; "))
	}
}

// breaksUnder says what is wrong unless the row fails, and the control does not, in a gateway with the row's edits.
func (r row) breaksUnder(t *testing.T, self string) error {
	t.Helper()
	binary, err := r.build(t.Context(), t.TempDir())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.Context(), mutantTimeout)
	defer cancel()
	name := strings.ReplaceAll(r.id, " ", "_")
	play := exec.CommandContext(ctx, self, "-test.v", "-test.timeout="+mutantTimeout.String(),
		"-test.run=^TestSignIn$/^("+control+"|"+name+")$")
	play.Env = append(os.Environ(), gateway.EnvBinary+"="+binary, "DURWARD_SOAK=")
	out, err := play.CombinedOutput()
	says := func(verdict, row string) bool {
		return bytes.Contains(out, []byte("--- "+verdict+": TestSignIn/"+row+" ("))
	}
	switch {
	case !says("PASS", control):
		return fmt.Errorf("the edit breaks more than the row: an ordinary sign-in fails: %w\n%s", err, out)
	case says("PASS", name):
		return errors.New("the row does not fail, though the edit takes away what it holds")
	case !says("FAIL", name):
		return fmt.Errorf("the row was not played: %w\n%s", err, out)
	}
	t.Logf("found: %s", firstComplaint(out))
	return nil
}

// build builds the command with the row's edits into folder, and answers its path.
func (r row) build(ctx context.Context, folder string) (string, error) {
	edited, err := r.edited()
	if err != nil {
		return "", err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, content := range edited {
		overlay.Replace[path] = filepath.Join(folder, fmt.Sprintf("%d-%s", len(overlay.Replace), filepath.Base(path)))
		if err := os.WriteFile(overlay.Replace[path], []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return "", err
	}
	listed, binary := filepath.Join(folder, "overlay.json"), filepath.Join(folder, "durward")
	if err := os.WriteFile(listed, list, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, mutantTimeout)
	defer cancel()
	build := exec.CommandContext(ctx, "go", "build", "-overlay", listed, "-o", binary, "./cmd/durward")
	build.Dir = gateway.Root()
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the edit does not build: %w\n%s", err, out)
	}
	return binary, nil
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
