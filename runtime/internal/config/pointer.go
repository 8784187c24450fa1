package config

import (
	"strconv"
	"strings"
)

// join appends names to a JSON pointer, escaped as RFC 6901 section 3 has it.
func join(pointer string, names ...string) string {
	for _, name := range names {
		name = strings.ReplaceAll(name, "~", "~0")
		pointer += "/" + strings.ReplaceAll(name, "/", "~1")
	}
	return pointer
}

// at appends the place in an array to a JSON pointer.
func at(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

// split takes a JSON pointer apart into unescaped names.
func split(pointer string) []string {
	if pointer == "" {
		return nil
	}
	names := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, name := range names {
		name = strings.ReplaceAll(name, "~1", "/")
		names[i] = strings.ReplaceAll(name, "~0", "~")
	}
	return names
}

// parent answers the pointer of what holds the value, and false for the document as a whole.
func parent(pointer string) (string, bool) {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return "", false
	}
	return pointer[:cut], true
}

// find answers what a pointer leads to in decoded JSON, or nil.
func find(value any, pointer string) any {
	value, _ = follow(value, pointer)
	return value
}

// exists says whether a pointer leads to a value in decoded JSON.
func exists(value any, pointer string) bool {
	_, ok := follow(value, pointer)
	return ok
}

func follow(value any, pointer string) (any, bool) {
	for _, name := range split(pointer) {
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
