package watch

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// marked begins the last part of a listing's name, between NULs its endings: no file can have them in its name.
const nul, marked = "\x00", "\x00listing\x00"

// Listing answers the name under which a Reader and a Watcher know which files there are in a folder: those that end in one
// of the endings and do not begin with a dot. Its content changes when such a file appears or goes, and not with what is in
// it.
func Listing(folder string, endings ...string) string {
	return filepath.Join(folder, marked+strings.Join(endings, nul))
}

// Listed is the content of a Listing that found these names.
func Listed(names []string) Content {
	names = slices.Sorted(slices.Values(names))
	sum := sha256.Sum256([]byte(strings.Join(names, "/")))
	return Content(hex.EncodeToString(sum[:]))
}

// isListing says whether a name is a Listing's.
func isListing(name string) bool { return strings.Contains(name, marked) }

// list is the content of a listing. A folder that is not there, or cannot be read, has no such files: whoever loads from it
// finds none either, and would otherwise find the folder changed again and again.
func list(name string) Content {
	folder, endings, _ := strings.Cut(name, marked)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return Listed(nil)
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, ".") &&
			slices.ContainsFunc(strings.Split(endings, nul), func(ending string) bool { return strings.HasSuffix(name, ending) }) {
			names = append(names, name)
		}
	}
	return Listed(names)
}
