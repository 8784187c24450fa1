package shapes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"durward/conformance/clienthost"
	"durward/conformance/gateway"
)

// shapes are the files of testdata.
func shapes(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d shapes: %v", len(files), err)
	}
	return files
}

// TestShapes replays them all, at one gateway with one MCP server.
func TestShapes(t *testing.T) {
	host := clienthost.Start(t)
	g := gateway.Start(t, func(g *gateway.Gateway) {
		// The certificate is that of every host of the suites.
		g.SetOption(t, "gateway", map[string]any{"cimdDevelopment": host.Development()})
	})
	for _, file := range shapes(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			about, steps, err := readShape(file)
			if err != nil {
				t.Fatal(err)
			}
			if about == "" || len(steps) == 0 {
				t.Fatal("it says nothing")
			}
			r := newReplay(t, g)
			for _, s := range steps {
				t.Run(s.verb+" "+s.target, func(t *testing.T) {
					r.t = t
					r.do(s)
				})
				if t.Failed() {
					return // what follows builds on it
				}
			}
		})
	}
}

// TestGuide holds docs/clients.md to the shapes: it names each, and no other.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile(filepath.Join(gateway.Root(), "docs", "clients.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range shapes(t) {
		if !strings.Contains(string(guide), "`"+filepath.Base(file)+"`") {
			t.Errorf("docs/clients.md does not name %s", filepath.Base(file))
		}
	}
}
