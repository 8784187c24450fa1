package config

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
)

// Problem is a fault of the configuration that a person must mend, or a note for that person.
type Problem struct {
	// File is the file with the name of its folder before it, "config/policies.json".
	File string
	// Line and Column count from 1. A column is a Unicode code point, not a byte.
	Line, Column int
	// Pointer is the JSON pointer of the value at fault, "" for the file as a whole. For a property that must not be
	// there it includes the property and the position is the property's name; for one that is missing it is the object
	// that lacks it.
	Pointer string
	// Text says what is wrong and, where there is one, what to write instead.
	Text string
	// Excerpt is the place as a person may look at it.
	Excerpt Excerpt
}

// String is "file:line:column: /pointer: text" on one line. The file as a whole is printed as "/".
func (p Problem) String() string {
	return oneLine(fmt.Sprintf("%s:%d:%d: %s: %s", p.File, p.Line, p.Column, cmp.Or(p.Pointer, "/"), p.Text))
}

// oneLine escapes what a terminal or a log would not show as itself.
func oneLine(text string) string {
	if strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if unprintable(r) {
			fmt.Fprintf(&out, "\\u%04x", r)
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }
