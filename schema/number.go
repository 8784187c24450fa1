package schema

import (
	"encoding/json"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// maxExponent bounds numbers: none beyond a float64's range has a use, and the library panics on greater ones.
const maxExponent = 308

// undecidable answers what the library must not be given: numbers out of all reason, for which it panics, and Go values
// that no JSON decoder makes. The pointers are made on the way back, as there is hardly ever one.
func undecidable(value any) (found []Problem) {
	switch v := value.(type) {
	case nil, bool, string:
	case json.Number:
		if !reasonable(string(v)) {
			return []Problem{{Text: "must be a number of at most 64 characters between -1e308 and 1e308"}}
		}
	case []any:
		for i, item := range v {
			found = appendWithin(found, strconv.Itoa(i), undecidable(item))
		}
	case map[string]any:
		for name, member := range v {
			found = appendWithin(found, name, undecidable(member))
		}
	default:
		return []Problem{{Text: "is not a JSON value"}}
	}
	return found
}

// appendWithin appends what was found in a member or an item.
func appendWithin(found []Problem, name string, inner []Problem) []Problem {
	for _, p := range inner {
		p.Pointer = jsonpointer.Join("", name) + p.Pointer
		found = append(found, p)
	}
	return found
}

// reasonable says whether a JSON number is short and its exponent small.
func reasonable(number string) bool {
	if len(number) > 64 {
		return false
	}
	if _, err := strconv.ParseFloat(number, 64); err != nil {
		return false
	}
	at := strings.IndexAny(number, "eE")
	if at < 0 {
		return true
	}
	exponent, err := strconv.Atoi(number[at+1:])
	return err == nil && -maxExponent <= exponent && exponent <= maxExponent
}
