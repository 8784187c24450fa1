package config

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"durward/conformance/gateway"
)

// kinds are what a case may be of.
func kinds() []string {
	return []string{"syntax", "encoding", "schema", "did-you-mean", "reference", "import", "route", "policy", "cors",
		"gateway", "clerk", "strict"}
}

// testCase is one archive.
type testCase struct {
	file, name, kind string
	// meaning says that every file of it is as the schemas have it.
	meaning bool
	archive *txtar.Archive
}

func folder() string { return filepath.Join(gateway.Root(), "conformance", "testdata", "config") }

// readCases reads all of them, in the order of their names.
func readCases(t *testing.T) (cases []*testCase) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder(), "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		c, err := readCase(file)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

func readCase(file string) (*testCase, error) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		return nil, fmt.Errorf("read case: %w", err)
	}
	c := &testCase{file: file, name: strings.TrimSuffix(filepath.Base(file), ".txtar"), archive: archive}
	head, told, _ := strings.Cut(string(archive.Comment), "\n\n")
	for line := range strings.Lines(head) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ": "); {
		case name == "kind" && slices.Contains(kinds(), value):
			c.kind = value
		case name == "meaning" && value == "yes":
			c.meaning = true
		default:
			return nil, fmt.Errorf("read case %s: unknown line %q", c.name, line)
		}
	}
	if c.kind == "" || strings.TrimSpace(told) == "" {
		return nil, fmt.Errorf("read case %s: it does not say of what kind it is, or what is wrong", c.name)
	}
	for i, member := range archive.Files {
		name := member.Name
		known := slices.Contains([]string{"args", "env", "setup", "problems", "repaired env", "repaired setup"}, name) ||
			strings.HasPrefix(name, "faulty/") || strings.HasPrefix(name, "repaired/")
		if !known || slices.ContainsFunc(archive.Files[:i], func(f txtar.File) bool { return f.Name == name }) {
			return nil, fmt.Errorf("read case %s: member %q is unknown or there already", c.name, name)
		}
	}
	return c, nil
}

// member answers the text of a member, and whether it is there.
func (c *testCase) member(name string) (text string, there bool) {
	i := slices.IndexFunc(c.archive.Files, func(f txtar.File) bool { return f.Name == name })
	if i < 0 {
		return "", false
	}
	return string(c.archive.Files[i].Data), true
}

// lines answers those of a member that are not empty.
func (c *testCase) lines(name string) []string {
	text, _ := c.member(name)
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}

// files answers the files of the configuration by their names.
func (c *testCase) files(t *testing.T, repaired bool) map[string][]byte {
	t.Helper()
	files := baseFiles(t)
	for _, prefix := range []string{"faulty/", "repaired/"} {
		for _, f := range c.archive.Files {
			if name, ok := strings.CutPrefix(f.Name, prefix); ok && (repaired || prefix == "faulty/") {
				files[name] = bytes.Clone(f.Data)
			}
		}
	}
	return files
}

// setup answers the lines to follow once the files are there.
func (c *testCase) setup(repaired bool) []string {
	if _, there := c.member("repaired setup"); repaired && there {
		return c.lines("repaired setup")
	}
	return c.lines("setup")
}

// variables answers the environment, by names.
func (c *testCase) variables(t *testing.T, project string, repaired bool) map[string]string {
	t.Helper()
	base, err := os.ReadFile(filepath.Join(folder(), "base", "env"))
	if err != nil {
		t.Fatal(err)
	}
	lines := append(strings.Split(strings.TrimSpace(string(base)), "\n"), c.lines("env")...)
	if repaired {
		lines = append(lines, c.lines("repaired env")...)
	}
	variables := map[string]string{}
	for _, line := range lines {
		name, value, set := strings.Cut(line, "=")
		delete(variables, name)
		if set {
			variables[name] = strings.ReplaceAll(strings.ReplaceAll(value, "$PROJECT", project), `\n`, "\n")
		}
	}
	return variables
}

func baseFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for _, name := range []string{"policies.json", "routes.oas.json", "gateway.json"} {
		data, err := os.ReadFile(filepath.Join(folder(), "base", name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	return files
}
