package runtime

import (
	"io/fs"
	"os"
)

// folder is a folder by its path as a file system that no name and no link leads out of (os.Root). Each file is looked for
// in the folder that has the path then: it may have been replaced since the last one.
type folder string

func (f folder) Open(name string) (fs.File, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // it was only read, and an open file does without it
	return root.FS().Open(name)
}

// Stat does not open the file: a pipe would wait for its other end.
func (f folder) Stat(name string) (fs.FileInfo, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	return fs.Stat(root.FS(), name)
}
