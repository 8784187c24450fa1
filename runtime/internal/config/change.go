package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxItems is how many items of a list a line tells as removed or added.
	maxItems = 8
	// alike is how much of what two texts have in common is shown before they differ, in bytes.
	alike = 20
)

// changed tells two values that differ so that the difference is seen: short ones whole, of lists what was removed and
// added, of others the part where they begin to differ.
func changed(was, is any) string {
	old, next := string(written(was)), string(written(is))
	if len(old) <= maxShown && len(next) <= maxShown {
		return old + " -> " + next
	}
	if removed, added, ok := lists(was, is); ok {
		return listChange(removed, added)
	}
	old, next = around(old, next)
	return old + " -> " + next
}

// lists answers two values if they are lists.
func lists(was, is any) (old, next []any, ok bool) {
	old, wasList := was.([]any)
	next, isList := is.([]any)
	return old, next, wasList && isList
}

// listChange tells in which items two lists differ.
func listChange(was, is []any) string {
	removed, added := itemsLess(was, is), itemsLess(is, was)
	if len(removed)+len(added) == 0 {
		return "the same in another order"
	}
	if len(removed) == 1 && len(added) == 1 {
		old, next := around(string(written(removed[0])), string(written(added[0])))
		return "+ " + next + ", - " + old
	}
	var parts []string
	add := func(mark string, items []any) {
		for _, item := range items {
			parts = append(parts, mark+shown(written(item)))
		}
	}
	add("+ ", added)
	add("- ", removed)
	if more := len(parts) - maxItems; more > 0 {
		parts = append(parts[:maxItems], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, ", ")
}

// itemsLess answers the items of a list that another one does not have, each as often as it has it less often. It is never
// nil.
func itemsLess(list, other []any) []any {
	there := make(map[string]int, len(other))
	for _, item := range other {
		there[string(written(item))]++
	}
	return slices.DeleteFunc(append([]any{}, list...), func(item any) bool {
		text := string(written(item))
		there[text]--
		return there[text] >= 0
	})
}

// around cuts two texts that differ so that both show where they begin to.
func around(old, next string) (string, string) {
	same := 0
	for same < min(len(old), len(next)) && old[same] == next[same] {
		same++
	}
	from := 0
	if max(len(old), len(next)) > maxShown && same > maxShown-alike {
		from = same - alike
		for !utf8.RuneStart(old[from]) { // what is the same in both
			from--
		}
	}
	return part(old, from), part(next, from)
}

// part is a text from an offset on, or how it begins there.
func part(text string, from int) string {
	before := ""
	if from > 0 {
		before = "..."
	}
	text = text[from:]
	if len(text) <= maxShown {
		return before + text
	}
	cut := maxShown
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return before + strings.TrimRight(text[:cut], " ") + "..."
}

// shown is the value, or how it begins. It may have come a long way, and have been indented and escaped on it.
func shown(value json.RawMessage) string { return part(string(written(decoded(value))), 0) }
