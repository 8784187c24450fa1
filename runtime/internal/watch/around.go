package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// around answers every place where something must happen for the content of the files to change: the folders that hold
// the files, those that hold a symbolic link on the way to one, and the files. Of what is missing, it is the folder in
// which it would have to appear.
func around(files []string) []string {
	var found []string
	for _, name := range files {
		abs, err := filepath.Abs(name)
		if err != nil {
			continue // there is no working folder: reading from time to time must do
		}
		found = append(found, onTheWay(abs)...)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// maxLinks is how many links one path may lead through, as for Linux (path_resolution(7)).
const maxLinks = 40

func onTheWay(path string) (found []string) {
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, split(path[len(root):])
	for links := 0; len(rest) > 0 && links <= maxLinks; {
		step := filepath.Join(at, rest[0])
		info, err := os.Lstat(step)
		switch {
		case err != nil:
			return append(found, at)
		case info.Mode()&os.ModeSymlink != 0:
			found = append(found, at)
			target, err := os.Readlink(step)
			if err != nil {
				return found
			}
			links++
			if filepath.IsAbs(target) {
				root = filepath.VolumeName(target) + string(filepath.Separator)
				at, target = root, target[len(root):]
			}
			rest = append(split(target), rest[1:]...)
		case len(rest) == 1 && info.Mode().IsRegular():
			return append(found, at, step)
		case len(rest) == 1:
			return append(found, at)
		default:
			// Links on the way are resolved by now, so that ".." means the folder above.
			at, rest = step, rest[1:]
		}
	}
	return found
}

// split answers the elements of a path. Empty ones mean nothing.
func split(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == filepath.Separator })
}
