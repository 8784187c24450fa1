package schema

import (
	"net/url"
	"strconv"
	"strings"
)

// join appends a name to a JSON pointer, escaped as RFC 6901 section 3 has it.
func join(pointer, name string) string {
	return pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// tokens splits a JSON pointer into its unescaped names.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
	}
	return parts
}

// plain undoes the percent-encoding that the library adds to the names of its pointers.
func plain(pointer string) string {
	if out, err := url.PathUnescape(pointer); err == nil {
		return out
	}
	return pointer
}

// lookup answers the value that the names lead to.
func lookup(value any, names []string) (any, bool) {
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
