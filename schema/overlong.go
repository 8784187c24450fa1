package schema

import (
	"encoding/json"
	"fmt"
)

// maxUnique is how many items an array may have that may list nothing twice, where the schema does not say: the library
// compares each with each.
const maxUnique = 1000

// shortEnough is how many items an array may have to be checked whatever its limit is.
const shortEnough = 100

// overlong answers the arrays that have more items than they may. They are found before anything is checked: what is said
// of the items of such an array would be said a million times.
func (s *Schema) overlong(value any) (found []Problem) {
	var w walk
	w.visit = func(schema map[string]any, at string, value any) bool {
		items, _ := value.([]any)
		limit := maxItems(schema)
		if w.choice > 0 && schema["uniqueItems"] != true { // another alternative may hold
			limit = -1
		}
		if limit < 0 || len(items) <= max(limit, shortEnough) {
			return true
		}
		found = append(found, Problem{Pointer: at, Text: fmt.Sprintf("must list at most %d", limit)})
		return false
	}
	w.walk(s.root, "", value)
	return found
}

// maxItems answers how many items the schema lets an array have, or -1 for any number.
func maxItems(schema map[string]any) int {
	if limit, ok := schema["maxItems"].(json.Number); ok {
		if n, err := limit.Int64(); err == nil {
			return int(n)
		}
	}
	if schema["uniqueItems"] == true {
		return maxUnique
	}
	return -1
}
