package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a link from a guide to the test that holds what it says: [TestName](../path/to/file_test.go).
var proof = regexp.MustCompile(`\[(Test\w+)\]\(([^)]+_test\.go)\)`)

// Every promise of docs/reload.md names a test, and every test that is named there is there.
func TestPromisesLeadToTests(t *testing.T) {
	folder := filepath.Join(root, "docs")
	text, err := os.ReadFile(filepath.Join(folder, "reload.md"))
	if err != nil {
		t.Fatal(err)
	}
	promises := 0
	for line := range strings.Lines(string(text)) {
		links := proof.FindAllStringSubmatch(line, -1)
		if strings.HasPrefix(line, "| G") {
			promises++
			if len(links) == 0 {
				t.Errorf("nothing is said to hold this promise: %s", line)
			}
		}
		for _, link := range links {
			name, file := link[1], link[2]
			code, err := os.ReadFile(filepath.Join(folder, file))
			if err != nil {
				t.Error(err)
			} else if !strings.Contains(string(code), "\nfunc "+name+"(") {
				t.Errorf("%s has no %s", file, name)
			}
		}
	}
	if promises != 8 {
		t.Errorf("%d promises, want G1 to G8", promises)
	}
}
