package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"durward/runtime"
)

// The marks stand below what the problem is about, whatever is before it on the line, and no line is wider than the
// terminal.
func TestExcerptIsAligned(t *testing.T) {
	at := func(line, what string) runtime.Excerpt {
		before, _, ok := strings.Cut(line, what)
		if !ok {
			t.Fatalf("%q is not in %q", what, line)
		}
		return runtime.Excerpt{Line: line, Column: utf8.RuneCountInString(before) + 1, Width: utf8.RuneCountInString(what)}
	}
	long := strings.Repeat("a", 50) + "HERE" + strings.Repeat("b", 50)
	for _, tt := range []struct {
		name          string
		excerpt       runtime.Excerpt
		line, columns int
		want          []string
	}{
		{"plain", at(`  "name": 1,`, "1"), 7, 80, []string{`  7 |   "name": 1,`, `    |           ^`}},
		{"width", at(`"name": true`, "true"), 1234, 80, []string{`  1234 | "name": true`, `       |         ^~~~`}},
		{"no width", runtime.Excerpt{Line: "{", Column: 1}, 1, 80, []string{"  1 | {", "    | ^"}},
		{"behind the end", runtime.Excerpt{Line: "{", Column: 2, Width: 1}, 1, 80, []string{"  1 | {", "    |  ^"}},
		{"tabs", at("\t\"a\":\tx", "x"), 3, 80, []string{`  3 |     "a":    x`, `    |             ^`}},
		{"ideographs", at(`"日本": "京都"`, `"京都"`), 3, 80, []string{`  3 | "日本": "京都"`, `    |         ^~~~~~`}},
		{"combining", at("\"e\u0301\": \"e\u0301\"", "\"e\u0301\""), 3, 80, []string{"  3 | \"e\u0301\": \"e\u0301\"", `    | ^~~`}},
		{"control", at("a\x1b[31mb", "b"), 3, 80, []string{"  3 | a\uFFFD[31mb", `    |       ^`}},
		{"no line end", at(long, "HERE"), 1, 0, []string{"  1 | " + long, "    | " + strings.Repeat(" ", 50) + "^~~~"}},
		{"both ends cut", at(long, "HERE"), 1, 46, []string{
			"  1 | ..." + strings.Repeat("a", 10) + "HERE" + strings.Repeat("b", 20) + "...", "    |              ^~~~"}},
		{"end cut", at("HERE"+long, "HERE"), 1, 46, []string{"  1 | HERE" + strings.Repeat("a", 33) + "...", "    | ^~~~"}},
		{"marks cut", at("x"+long, long), 1, 26, []string{
			"  1 | x" + strings.Repeat("a", 16) + "...", "    |  ^" + strings.Repeat("~", 18)}},
		{"wide and cut", at(strings.Repeat("日", 40)+"x", "x"), 1, 26, []string{
			"  1 | ...日日x", "    |        ^"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := drawn(tt.excerpt, tt.line, tt.columns)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, line := range got {
				if n := width(cellsOf(line)); tt.columns > 0 && n > tt.columns {
					t.Errorf("%d columns of %d: %s", n, tt.columns, line)
				}
			}
		})
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("\t日\u0301x", 2, 3, 20)
	f.Fuzz(func(t *testing.T, line string, column, wide, columns int) {
		lines := drawn(runtime.Excerpt{Line: line, Column: column, Width: wide}, 12, columns%200)
		if len(lines) != 2 || strings.ContainsAny(lines[0]+lines[1], "\n\x1b") {
			t.Errorf("%q", lines)
		}
	})
}

func TestWidthOfCharacters(t *testing.T) {
	for r, want := range map[rune]int{'a': 1, 'é': 1, '\u0301': 0, '日': 2, '한': 2, 'ｱ': 1, 'Ａ': 2, '€': 1, '…': 1, '🙂': 2, '　': 2} {
		if got := widthOf(r); got != want {
			t.Errorf("%q takes %d columns, want %d", r, got, want)
		}
	}
}
