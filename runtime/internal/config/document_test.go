package config

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// Every value and every name has its position, in lines and code points.
func TestPositions(t *testing.T) {
	data := []byte("{\r\n  \"a\" : [ 1,\ttrue , {\"é😀\":null,\"x\":\"y\"} ],\n\"b/~c\":{ }\n}")
	root, faults := parse(data)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	at := newLines(data)
	tests := []struct{ pointer, value, name string }{
		{"", "1:1", "1:1"},
		{"/a", "2:9", "2:3"},
		{"/a/0", "2:11", "2:11"},
		{"/a/1", "2:14", "2:14"},
		{"/a/2", "2:21", "2:21"},
		{"/a/2/é😀", "2:27", "2:22"},
		{"/a/2/x", "2:36", "2:32"},
		{"/b~1~0c", "3:8", "3:1"},
	}
	for _, tt := range tests {
		n, exact := root.find(tt.pointer)
		line, column := at.place(data, n.start)
		nameLine, nameColumn := at.place(data, n.nameAt)
		got := []string{fmt.Sprintf("%d:%d", line, column), fmt.Sprintf("%d:%d", nameLine, nameColumn)}
		if diff := cmp.Diff([]string{tt.value, tt.name}, got); diff != "" || !exact {
			t.Errorf("%q, exact %v (-want +got):\n%s", tt.pointer, exact, diff)
		}
	}
	for pointer, around := range map[string]string{"/a/3": "2:9", "/a/x/y": "2:9", "/zz/1": "1:1", "/b~1~0c/q": "3:8", "/a/0/deep": "2:11"} {
		n, exact := root.find(pointer)
		line, column := at.place(data, n.start)
		if got := fmt.Sprintf("%d:%d", line, column); got != around || exact {
			t.Errorf("%q: around it is %s, exact %v; want %s", pointer, got, exact, around)
		}
	}
}

// What is no strict JSON, where a table cannot hold the bytes.
func TestUnreadable(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"empty", "", "1:1: /: is empty: a JSON object is expected"},
		{"blank", " \n\t", "1:1: /: is empty: a JSON object is expected"},
		{"byte order mark", "\uFEFF{}", "1:1: /: begins with a byte order mark: save it as UTF-8 without one"},
		{"invalid UTF-8", "{\n \"é\": \"\xff\"}", "2:8: /: is not valid UTF-8"},
		{"cut short", "{\n  \"policies\": [\n\n", "2:16: /: is not valid JSON: unexpected end of JSON input"},
		{"cut short in a text", "{\"pol", "1:6: /: is not valid JSON: unexpected end of JSON input"},
		{"control character in a text", "{\"a\x01\": 1}", "1:4: /: is not valid JSON: invalid character '\\x01' in string literal"},
		{"trailing data", "{} x", "1:4: /: is not valid JSON: invalid character 'x' after top-level value"},
		{"too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), "1:101: " + strings.Repeat("/0", 100) + ": is nested more than 100 deep"},
		{"too deep for the library too", strings.Repeat("[", 20000), "1:10001: /: is not valid JSON: invalid character '[' exceeded max depth"},
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
	if _, faults := parse([]byte(strings.Repeat("[", 100) + strings.Repeat("]", 100))); len(faults) > 0 {
		t.Errorf("100 deep is refused: %v", faults)
	}
	if _, faults := parse([]byte(`"` + strings.Repeat("x", maxBytes-2) + `"`)); len(faults) > 0 {
		t.Errorf("4 MiB are refused: %v", faults)
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
	if diff := cmp.Diff([]string{PoliciesFile, RoutesFile, GatewayFile}, result.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A hostile file costs neither time nor a screen full of lines without end.
func TestManyProblems(t *testing.T) {
	folder := validFolder(t)
	var data bytes.Buffer
	data.WriteString(`{"policies": [`)
	for i := range 5000 {
		fmt.Fprintf(&data, `{"n%d": 1}, `, i)
	}
	data.WriteString(`{}]}`)
	folder[PoliciesFile] = &fstest.MapFile{Data: data.Bytes()}
	result := load(t, folder, baseEnv())
	if len(result.Problems) != maxProblems+1 || !strings.HasSuffix(result.Problems[maxProblems].Text, " more problems from here on") {
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
