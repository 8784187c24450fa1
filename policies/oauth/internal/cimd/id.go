package cimd

import (
	"strings"
)

// checkID says what is wrong with a client_id as the URL of a document (A11, S40): it has a path, and nothing in it that
// one reader would take for another place than the next. Its scheme, host and port are check's to judge. There is no
// query: the draft advises against one, and with it one document would be as many clients as somebody likes.
func checkID(id string, check func(url string) error) *Fault {
	if err := check(id); err != nil {
		return unfetched(theURL, err)
	}
	_, rest, _ := strings.Cut(id, "://")
	before, _, hasQuery := strings.Cut(rest, "?")
	_, path, _ := strings.Cut(before, "/")
	switch folded := strings.ToLower(path); {
	case hasQuery:
		return wrong(theURL, "has a query")
	case path == "": // nor "/": for many readers that is the same URL as none
		return wrong(theURL, "has no path")
	case strings.Contains(folded, "%2e"), strings.Contains(folded, "%2f"), strings.Contains(folded, "%5c"):
		return wrong(theURL, "has an encoded dot or slash in its path")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return wrong(theURL, "has a dot segment in its path")
		}
	}
	return nil
}
