package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// What is no strict JSON, where a table cannot hold the bytes.
func TestUnreadable(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"empty", "", "1:1: /: is empty: a JSON object is expected"},
		{"blank", " \n\t", "1:1: /: is empty: a JSON object is expected"},
		{"byte order mark", "\uFEFF{}", "1:1: /: begins with a byte order mark: save it as UTF-8 without one"},
		{"invalid UTF-8", "{\n \"é\": \"\xff\"}", "2:8: /: is not valid UTF-8: byte 0xff does not belong here"},
		{"cut short", "{\n  \"policies\": [\n\n", "2:16: /policies/0: the file ends before the [ of line 2 is closed: ] is missing"},
		{"cut short in a text", "{\"pol", `1:2: /: the text that begins here has no " at its end: it must end on the same line`},
		{"control character in a text", "{\"a\x01\": 1}", `1:4: /: a text holds no control character: write \u0001`},
		{"trailing data", "{} x", "1:4: /: the document has ended: there is something after it"},
		{"too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), "1:101: " + strings.Repeat("/0", 100) + ": is nested more than 100 deep"},
		{"too large", `{"a": "` + strings.Repeat("x", maxBytes) + `"}`, "1:1: /: is larger than 4 MiB"},
		{"another value", `[]`, "1:1: /: must be an object"},
		{"null", `null`, "1:1: /: must be an object"},
		{"a text", `"x"`, "1:1: /: must be an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			folder := validFolder(t)
			folder[GatewayFile] = &fstest.MapFile{Data: []byte(tt.data)}
			result := load(t, folder, baseEnv())
			var got []string
			for _, p := range result.Problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff([]string{"config/gateway.json:" + tt.want}, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A folder in place of a file is told as what it is, without a path of the machine.
func TestUnreadableFolder(t *testing.T) {
	folder := validFolder(t)
	folder[GatewayFile] = &fstest.MapFile{Mode: fs.ModeDir}
	result := load(t, folder, baseEnv())
	if len(result.Problems) != 1 || !strings.HasPrefix(result.Problems[0].String(), "config/gateway.json:1:1: /: cannot be read: ") {
		t.Errorf("problems: %v", result.Problems)
	}
	if diff := cmp.Diff(baseFiles(), result.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// baseFiles are what a load looks for, whatever is there.
func baseFiles() []string {
	return []string{"policies.json", "policies.jsonc", "routes.oas.json", "routes.oas.jsonc", "gateway.json", "gateway.jsonc"}
}

// A hostile file costs neither time nor a screen full of lines without end.
func TestManyProblems(t *testing.T) {
	folder := validFolder(t)
	var data bytes.Buffer
	data.WriteString(`{"policies": [`)
	for i := range 3000 {
		fmt.Fprintf(&data, `{"n%d": 1}, `, i)
	}
	data.WriteString(`{}]}`)
	folder[PoliciesFile] = &fstest.MapFile{Data: data.Bytes()}
	result := load(t, folder, baseEnv())
	told := slices.DeleteFunc(result.Problems, func(p Problem) bool { return p.File != "config/policies.json" })
	if len(told) != maxProblems+1 || told[maxProblems].Text != "and more problems from here on" {
		t.Errorf("%d problems, the last is %v", len(result.Problems), result.Problems[len(result.Problems)-1])
	}
}

// A problem is one line, whatever stands in a name.
func TestProblemIsOneLine(t *testing.T) {
	p := Problem{File: "config/policies.json", Line: 1, Column: 2, Pointer: "/a\nb", Text: "c\x1b[31md\u2028"}
	if got, want := p.String(), `config/policies.json:1:2: /a\u000ab: c\u001b[31md\u2028`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
