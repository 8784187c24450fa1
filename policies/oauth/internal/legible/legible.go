package legible

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Line answers text on one line: characters that are not seen, or that change how others are read (right-to-left
// overrides among them), are dropped, runs of space become one, and what is longer than limit is cut. limit is a number
// of characters; an ellipsis that stands for the rest is not counted.
func Line(text string, limit int) string {
	clean := strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c), c == '\u2800': // a Braille pattern without dots
			return ' '
		case !unicode.IsPrint(c), unicode.In(c, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return c
	}, text)
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	if len(runes) > limit {
		return string(runes[:limit]) + "…"
	}
	return string(runes)
}

// JSON answers the same JSON for people's terminals: what they would obey and not show (U+009B, U+202E) is escaped. In
// JSON without space around its values that can only stand within a string.
func JSON(body []byte) []byte {
	var out []byte
	for _, c := range string(body) {
		if unicode.IsPrint(c) {
			out = utf8.AppendRune(out, c)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, c) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}
