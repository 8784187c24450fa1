package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"durward/schema/jsonpointer"
	"durward/schema/suggest"
)

// member is a property of an object of the document: the object's pointer, and a name.
type member struct{ object, name string }

// unknown explains the properties of an object that its schema does not name, and notes what each was probably meant to
// be. A property that the object has already was not meant.
func (w *wording) unknown(at string, schema, members map[string]any) (found []Problem) {
	var known, free []string
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if !strings.HasPrefix(name, "$") {
			known = append(known, name)
		}
		if _, there := members[name]; !there {
			free = append(free, name)
		}
	}
	for _, name := range unnamed(schema, members) {
		text := fmt.Sprintf("unknown property %q", name)
		meant, ok := suggest.Nearest(name, free)
		if ok {
			w.meant[member{at, meant}] = true
			text = didYouMean(name, meant)
		} else if len(known) > 0 {
			text += "; known here: " + strings.Join(known, ", ")
		}
		found = append(found, Problem{Pointer: jsonpointer.Join(at, name), AtKey: true, Meant: meant, Text: text})
	}
	return found
}

// missing explains a property that an object lacks. Of the names that are free in the object the one that is near enough
// is told instead: it stands in its place, misspelt. Those that must not be there are unknown's to tell. The text goes on
// with more.
func (w *wording) missing(at, name string, schema, members map[string]any, more string) Problem {
	properties, _ := schema["properties"].(map[string]any)
	var refused, free []string
	if schema["additionalProperties"] == false {
		refused = unnamed(schema, members)
	}
	for other := range members {
		if _, named := properties[other]; !named && !slices.Contains(refused, other) {
			free = append(free, other)
		}
	}
	if written, ok := suggest.Nearest(name, free); ok {
		return Problem{Pointer: jsonpointer.Join(at, written), AtKey: true, Meant: name, Text: didYouMean(written, name)}
	}
	p := Problem{Pointer: at, Missing: name, Text: fmt.Sprintf("missing property %q%s", name, more)}
	w.lacks[p] = member{at, name}
	return p
}

func didYouMean(name, meant string) string {
	return fmt.Sprintf("unknown property %q: did you mean %q?", name, meant)
}

// onceEach takes away that a property is missing where a misspelt one stands in its place: that one has a problem
// already, which says so.
func (w *wording) onceEach(found []Problem) []Problem {
	return slices.DeleteFunc(found, func(p Problem) bool {
		lacked, ok := w.lacks[p]
		return ok && w.meant[lacked]
	})
}

// chosen words that a value is none of those that there are. Only what the schema says is quoted.
func chosen(values []any, value any) string {
	words := make([]string, len(values))
	var texts []string
	for i, v := range values {
		words[i] = literal(v)
		if text, ok := v.(string); ok {
			texts = append(texts, text)
		}
	}
	if len(words) == 1 {
		return "must be " + words[0]
	}
	said := "must be one of " + strings.Join(words, ", ")
	if text, ok := value.(string); ok {
		if meant, ok := suggest.Nearest(text, texts); ok {
			said += fmt.Sprintf("; did you mean %q?", meant)
		}
	}
	return said
}

// repeated answers the places of items that an array has had before.
func repeated(value any) (places []int) {
	items, _ := value.([]any)
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		text := literal(item)
		if seen[text] {
			places = append(places, i)
		}
		seen[text] = true
	}
	return places
}
