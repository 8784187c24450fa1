package admin

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Bounds of an archive: its own bytes, the bytes of its files together, and how many files it has.
const (
	maxArchive = 8 << 20
	maxContent = 32 << 20
	maxFiles   = 1000
)

// openArchive reads a zip archive of plain files as a folder. Whatever is unusual about it is refused, so that the folder
// is one that a disk could hold and that memory can: names without "..", each once, contents that are as long as they
// claim to be and have the checksum they claim, together at most limit bytes.
func openArchive(data []byte, limit int64) (fs.FS, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errors.New("the body is not a zip archive")
	}
	if len(archive.File) > maxFiles {
		return nil, fmt.Errorf("the archive has more than %d files", maxFiles)
	}
	names := make(map[string]bool, len(archive.File))
	for _, f := range archive.File {
		if err := checkName(f, names); err != nil {
			return nil, err
		}
		names[f.Name] = true
	}
	for name := range names {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if names[dir] {
				return nil, fmt.Errorf("%q in the archive is a file and a folder", dir)
			}
		}
	}
	left := limit
	for _, f := range archive.File {
		n, err := readThrough(f, left)
		if err != nil {
			return nil, fmt.Errorf("%q in the archive cannot be read: %w", f.Name, err)
		}
		if left -= n; left < 0 {
			return nil, fmt.Errorf("the files in the archive hold more than %d bytes", limit)
		}
	}
	return archive, nil
}

func checkName(f *zip.File, seen map[string]bool) error {
	switch {
	case !fs.ValidPath(f.Name), f.Name == ".", strings.ContainsAny(f.Name, "\\:\x00"):
		return fmt.Errorf("%q in the archive is no name of a file within a folder", f.Name)
	case !f.Mode().IsRegular():
		return fmt.Errorf("%q in the archive is no plain file", f.Name)
	case seen[f.Name]:
		return fmt.Errorf("%q is in the archive twice", f.Name)
	}
	return nil
}

// readThrough answers how long the file's content is, or limit+1 if it is longer than limit.
func readThrough(f *zip.File, limit int64) (int64, error) {
	content, err := f.Open()
	if err != nil {
		return 0, err
	}
	defer content.Close()
	return io.Copy(io.Discard, io.LimitReader(content, limit+1))
}
