// Package jsonpointer owns JSON pointers (RFC 6901): making them, taking them apart, and following them in decoded JSON.
//
// It promises that Split undoes Join whatever the names hold. It is not for positions in a file: those are the reader's.
package jsonpointer

import (
	"strconv"
	"strings"
)

// Join appends names to a pointer, escaped (RFC 6901 section 3).
func Join(pointer string, names ...string) string {
	for _, name := range names {
		pointer += "/" + Escape(name)
	}
	return pointer
}

// Escape is one name as it stands in a pointer.
func Escape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// Unescape undoes Escape.
func Unescape(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
}

// Split takes a pointer apart into unescaped names.
func Split(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		names[i] = Unescape(name)
	}
	return names
}

// Find answers the value that names lead to in decoded JSON (maps, slices), and whether there is one.
func Find(value any, names []string) (any, bool) {
	for _, name := range names {
		switch v := value.(type) {
		case map[string]any:
			member, ok := v[name]
			if !ok {
				return nil, false
			}
			value = member
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}
