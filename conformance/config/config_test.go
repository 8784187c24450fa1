package config

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"durward/conformance/gateway"
)

var update = flag.Bool("update", false, "write what is printed into testdata/config/*.txtar")

// The least there is, of all and of those that only their meaning makes faulty.
const (
	leastCases   = 120
	leastMeaning = 40
)

// canary is part of the values in base/env, and of what cases put where secrets belong.
const canary = "canary"

// atOnce bounds how many processes run at a time: what is checked beside this suite wants its share.
const atOnce = 2

// Issue 5, "must be shown" 1: each faulty configuration is refused with its lines, each repaired one loads.
func TestConfigurations(t *testing.T) {
	binary := gateway.PlainBinary(t)
	cases := readCases(t)
	schemas := printedSchemas(t, binary)
	turns := make(chan struct{}, atOnce)
	t.Run("each", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				turns <- struct{}{}
				defer func() { <-turns }()
				c.check(t, binary)
				if c.meaning {
					c.checkMeaning(t, schemas)
				}
			})
		}
	})
	t.Run("kinds", func(t *testing.T) { checkKinds(t, cases) })
}

// What cases begin with loads, has no notes, and is safe in production.
func TestBase(t *testing.T) {
	c := &testCase{name: "base", archive: &txtar.Archive{Files: []txtar.File{{Name: "args", Data: []byte("--strict\n")}}}}
	status, out := c.validate(t, gateway.PlainBinary(t), false)
	if want := "config: no problems: 1 policy, 1 route\n"; status != 0 || out != want {
		t.Errorf("exit status %d, output:\n%s", status, out)
	}
}

// check runs the case, faulty and repaired.
func (c *testCase) check(t *testing.T, binary string) {
	t.Helper()
	status, out := c.validate(t, binary, false)
	if status != 1 || out == "" {
		t.Errorf("the faulty configuration: exit status %d, output:\n%s", status, out)
	}
	want, _ := c.member("problems")
	switch diff := cmp.Diff(want, out); {
	case diff == "":
	case *update:
		c.write(t, out)
	default:
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if status, out = c.validate(t, binary, true); status != 0 {
		t.Errorf("the repaired configuration: exit status %d, output:\n%s", status, out)
	}
}

// validate writes the configuration and answers what `durward validate` says of it.
func (c *testCase) validate(t *testing.T, binary string, repaired bool) (status int, out string) {
	t.Helper()
	project := t.TempDir()
	config := filepath.Join(project, "config")
	if err := writeFiles(config, c.files(t, repaired), c.setup(repaired)); err != nil {
		t.Fatal(err)
	}
	variables := c.variables(t, project, repaired)
	command := exec.Command(binary, append([]string{"validate", "--config", "config"}, c.lines("args")...)...)
	command.Dir = project
	command.Env = []string{"HOME=" + project}
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended {
			t.Fatal(err)
		}
	}
	if stderr.Len() > 0 {
		t.Errorf("standard error: %s", &stderr)
	}
	out = stdout.String()
	if strings.Contains(out, canary) {
		t.Errorf("G10: a secret is printed:\n%s", out)
	}
	for name, value := range variables {
		if len(value) > 6 && strings.Contains(out, value) {
			t.Errorf("G10: the value of %s is printed:\n%s", name, out)
		}
	}
	return command.ProcessState.ExitCode(), strings.ReplaceAll(out, project, "$PROJECT")
}

// write puts what is printed into the archive, before the repaired files.
func (c *testCase) write(t *testing.T, out string) {
	t.Helper()
	isRepaired := func(f txtar.File) bool { return strings.HasPrefix(f.Name, "repaired") }
	files := slices.DeleteFunc(slices.Clone(c.archive.Files), func(f txtar.File) bool { return f.Name == "problems" })
	at := slices.IndexFunc(files, isRepaired)
	if at < 0 {
		at = len(files)
	}
	c.archive.Files = slices.Insert(files, at, txtar.File{Name: "problems", Data: []byte(out)})
	if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o600); err != nil {
		t.Error(err)
	}
}

// checkKinds counts the cases and wants no two of one kind.
func checkKinds(t *testing.T, cases []*testCase) {
	count, meaning := map[string]int{}, 0
	first := map[string]string{}
	for _, c := range cases {
		count[c.kind]++
		if c.meaning {
			meaning++
		}
		problems := c.lines("problems")
		if len(problems) == 0 {
			t.Errorf("%s has no problem", c.name)
			continue
		}
		shape := shapeOf(t, problems[0])
		if other := first[shape]; other != "" {
			t.Errorf("%s and %s are of one kind: %s", other, c.name, shape)
		}
		first[shape] = c.name
	}
	var told []string
	for _, kind := range kinds() {
		told = append(told, fmt.Sprintf("%s %d", kind, count[kind]))
		if count[kind] == 0 {
			t.Errorf("there is no case of kind %s", kind)
		}
	}
	t.Logf("%d cases, %d of them wrong in meaning only: %s", len(cases), meaning, strings.Join(told, ", "))
	if len(cases) < leastCases || meaning < leastMeaning {
		t.Errorf("there must be %d cases, and %d that are wrong in meaning only", leastCases, leastMeaning)
	}
}

// shapeOf is the text of a problem without names, numbers and places.
func shapeOf(t *testing.T, line string) string {
	t.Helper()
	parts := regexp.MustCompile(`^\S+:\d+:\d+: /.*?: (.*)$`).FindStringSubmatch(line)
	if parts == nil {
		t.Errorf("no problem: %s", line)
		return line
	}
	text := parts[1]
	for _, r := range []struct{ what, with string }{
		{` \(this value is a string that comes from [^)]*\)+`, " (REFERENCE)"},
		{`"[^"]*"(, "[^"]*")*`, "NAME"},
		{`\$(env|import)\([^)]*\)`, "REFERENCE"},
		{`known here: .*`, "known here"},
		{`\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b`, "VARIABLE"},
		{`\S+\.jsonc?\b`, "FILE"},
		{`\d+`, "N"},
	} {
		text = regexp.MustCompile(r.what).ReplaceAllString(text, r.with)
	}
	return text
}
