package architecture

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// proof is a link from a guide to the test that holds what it says: [TestName](../path/to/file_test.go).
var proof = regexp.MustCompile(`\[((?:Test|Fuzz)\w+)\]\(([^)]+_test\.go)\)`)

// Every promise of these guides names a test, and every test that is named there is there.
func TestPromisesLeadToTests(t *testing.T) {
	for _, guide := range []struct {
		file string
		// promise is how the line of one begins, and promises how many there are.
		promise  *regexp.Regexp
		promises int
	}{
		{"reload.md", regexp.MustCompile(`^\| G`), 8},
		{"security.md", regexp.MustCompile(`^\| [a-z ]+ \| .+ \| .*[A-Z][0-9]+.* \| .* \|$`), 17},
	} {
		t.Run(guide.file, func(t *testing.T) {
			folder := filepath.Join(root, "docs")
			text, err := os.ReadFile(filepath.Join(folder, guide.file))
			if err != nil {
				t.Fatal(err)
			}
			promises := 0
			for line := range strings.Lines(string(text)) {
				links := proof.FindAllStringSubmatch(line, -1)
				if guide.promise.MatchString(strings.TrimSuffix(line, "\n")) {
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
			if promises != guide.promises {
				t.Errorf("%d promises, want %d", promises, guide.promises)
			}
		})
	}
}
