package schema

import "net/url"

// plain undoes the percent-encoding that the library adds to the names of its pointers.
func plain(pointer string) string {
	if out, err := url.PathUnescape(pointer); err == nil {
		return out
	}
	return pointer
}
