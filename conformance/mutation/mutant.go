package mutation

import (
	"fmt"
	"slices"
	"strings"
)

// mutant is a text with one node changed.
type mutant struct {
	kind    string // what was done, such as "deleted"
	pointer string // of the node
	text    string
	lines   []int // where it may be reported: those of what was changed, or of what lacks something now
}

// value is one of a kind, to put in place of one of another kind.
type value struct {
	kind        byte
	text, named string
}

func values() []value {
	return []value{
		{'"', `"7"`, "text"}, {'0', `7`, "number"}, {'{', `{}`, "object"}, {'[', `[]`, "array"}, {'n', `null`, "null"}, {'t', `true`, "boolean"},
	}
}

// mutants answers every mutant of a text.
func mutants(text string, root *node) (all []mutant) {
	root.all(func(n *node) {
		kind := n.kind(text)
		for _, v := range values() {
			if v.kind != kind {
				all = append(all, replaced(text, n, "to "+v.named, v.text))
			}
		}
		if empty := map[byte]string{'"': `""`, '{': `{}`, '[': `[]`}[kind]; empty != "" && text[n.start:n.end] != empty {
			all = append(all, replaced(text, n, "emptied", empty))
		}
		if kind == '"' {
			for _, w := range misspelt(text[n.start+1 : n.end-1]) {
				all = append(all, replaced(text, n, "misspelt", `"`+w+`"`))
			}
		}
		if n.parent == nil {
			return
		}
		all = append(all, deleted(text, n), duplicated(text, n))
		if n.key != "" {
			for _, w := range misspelt(n.key) {
				renamed := text[:n.keyAt+1] + w + text[n.keyAt+1+len(n.key):]
				all = append(all, mutant{"misspelt key", n.pointer, renamed, []int{line(renamed, n.keyAt)}})
			}
		}
	})
	return all
}

// replaced has another value in place of the node.
func replaced(text string, n *node, kind, value string) mutant {
	m := mutant{kind: kind, pointer: n.pointer, text: text[:n.start] + value + text[n.end:]}
	m.lines = between(m.text, n.keyAt, n.start)
	return m
}

// deleted lacks the node. It is reported where the object or the list begins that lacks it.
func deleted(text string, n *node) mutant {
	from, to := n.keyAt, n.end
	if siblings := n.parent.children; siblings[0] != n {
		from = siblings[slices.Index(siblings, n)-1].end
	} else if len(siblings) > 1 {
		to = siblings[1].keyAt
	}
	m := mutant{kind: "deleted", pointer: n.pointer, text: text[:from] + text[to:]}
	m.lines = between(m.text, n.parent.keyAt, n.parent.start)
	return m
}

// duplicated has the node twice, one after the other.
func duplicated(text string, n *node) mutant {
	again := text[n.keyAt:n.end]
	m := mutant{kind: "duplicated", pointer: n.pointer, text: text[:n.end] + ", " + again + text[n.end:]}
	m.lines = between(m.text, n.end+2, n.end+2+len(again))
	return m
}

// misspelt answers a name with two letters swapped, and with one left out, in the middle of it.
func misspelt(name string) (names []string) {
	if strings.Contains(name, `\`) {
		return nil
	}
	letters := []rune(name)
	for i := len(letters) / 2; i > 0 && i < len(letters); i++ {
		if letters[i] != letters[i-1] {
			swapped := slices.Clone(letters)
			swapped[i], swapped[i-1] = swapped[i-1], swapped[i]
			names = append(names, string(swapped))
			break
		}
	}
	if i := len(letters) / 2; len(letters) > 1 {
		names = append(names, string(slices.Delete(slices.Clone(letters), i, i+1)))
	}
	return names
}

// line is the line, counted from 1, of a byte of a text.
func line(text string, at int) int { return 1 + strings.Count(text[:at], "\n") }

// between answers the lines from one byte of a text to another.
func between(text string, from, to int) (lines []int) {
	for l := line(text, from); l <= line(text, to); l++ {
		lines = append(lines, l)
	}
	return lines
}

func (m mutant) String() string { return fmt.Sprintf("%s %s", m.kind, m.pointer) }
