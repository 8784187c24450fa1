package config

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"durward/runtime/internal/document"
	"durward/runtime/internal/reference"
	"durward/schema/suggest"
)

// How large files may be, in bytes. Ten thousand routes take about five megabytes.
const (
	maxBytes       = 4 << 20
	maxRoutesBytes = 16 << 20
	// maxAllRoutesBytes is how much all files with routes may hold together: links give one file many names.
	maxAllRoutesBytes = 64 << 20
)

// opener opens the files of a folder.
type opener struct {
	folder  fs.FS
	printed string // the folder's name in problems
}

func (o opener) source(name string) *source {
	return &source{file: path.Join(o.printed, name), name: name,
		failed: map[string]bool{}, fromEnv: map[string][]reference.Used{}, bad: map[string]bool{}, unknown: map[string]bool{}}
}

// open reads a file. What to say where there is none, or one that cannot be read, is the caller's to judge.
func (o opener) open(name string, limit int, freeNames func(pointer string) bool) *source {
	s := o.source(name)
	data, err := read(o.folder, name, limit)
	s.data, s.lines = data, document.NewLines(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// A link to nothing is a file that somebody wants to be read.
		if _, err := fs.Lstat(o.folder, name); err == nil {
			s.unreadable = "it is a link, and what it leads to is not there"
			return s
		}
		s.missing = true
		return s
	case err != nil:
		s.unreadable = cause(err)
		return s
	}
	doc, faults := document.Parse(data, document.Options{Name: path.Base(name), MaxBytes: limit, FreeNames: freeNames})
	for _, f := range faults {
		s.problemAt(f.Offset, f.Pointer, f.Text)
	}
	s.tooLarge = len(data) > limit
	s.doc = doc
	return s
}

// choice opens a file that may be written as .jsonc as well. The first answer is the one that counts; beside are what else
// was looked for. That both are there is a problem: nobody could say which of the two a person believes to be in force.
func (o opener) choice(name string, limit int, freeNames func(pointer string) bool) (s, beside *source) {
	s, beside = o.open(name, limit, freeNames), o.open(name+"c", limit, freeNames)
	switch {
	case s.missing && !beside.missing:
		s, beside = beside, s
	case !beside.missing:
		s.doubted = true
		beside.faults, beside.doc, beside.unreadable = nil, nil, ""
		beside.problemAt(0, "", fmt.Sprintf("%s is there, too: keep one of them", name))
	}
	if s.unreadable != "" {
		s.problemAt(0, "", "cannot be read: "+s.unreadable)
	}
	return s, beside
}

// sum answers the SHA-256 in hex of what was read, "" of a missing file, and nothing if it was not read whole.
func (s *source) sum() (string, bool) {
	switch {
	case s.missing:
		return "", true
	case s.unreadable != "" || s.tooLarge:
		return "", false
	}
	sum := sha256.Sum256(s.data)
	return hex.EncodeToString(sum[:]), true
}

// errNoFile is told of what could keep its reader waiting, or has no end.
var errNoFile = errors.New("it is no file")

// read reads a byte more than a file may have at most, so that a larger one can be told.
func read(folder fs.FS, name string, limit int) ([]byte, error) {
	info, err := fs.Stat(folder, name) // before opening: a pipe would wait for its other end
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// At once, as growing takes several times the memory. A file that grows meanwhile is read on all the same.
	data := make([]byte, 0, min(max(info.Size(), 0), int64(limit))+1)
	for {
		if len(data) > limit {
			return data, nil
		}
		if len(data) == cap(data) {
			data = slices.Grow(data, 1)
		}
		n, err := f.Read(data[len(data):min(cap(data), limit+1)])
		data = data[:len(data)+n]
		switch {
		case errors.Is(err, io.EOF):
			return data, nil
		case err != nil:
			return nil, err
		}
	}
}

// cause is the error without the path that a PathError repeats.
func cause(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return err.Error()
}

// noFile is what to say of a file that must be there and is not: with the one that probably is it under another name.
func noFile(folder fs.FS, name string) string {
	const said = "there is no such file"
	var names []string
	entries, _ := fs.ReadDir(folder, ".") // that there is no folder is no other fault
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if meant, ok := suggest.Nearest(name, names); ok {
		return fmt.Sprintf("%s: is it %q?", said, meant)
	}
	if name == RoutesFile {
		return said + ", nor any other whose name ends in " + strings.Join(RoutesEndings(), " or ")
	}
	return said
}

// RoutesEndings are how the names of files with routes end.
func RoutesEndings() []string { return []string{routesEnding, routesEnding + "c"} }

// routesFiles answers the names of the files with routes that a folder has. One that begins with a dot is some program's
// own.
func routesFiles(folder fs.FS) (names []string) {
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return nil // reading the file that ought to be there will tell what is the matter
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasSuffix(strings.TrimSuffix(name, "c"), routesEnding) && !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

// inOrder answers the names of files with routes in the order in which their routes are tried: byte by byte, each once and
// without the c of .jsonc. Where there is none, it is the one that there ought to be.
func inOrder(files []string) (names []string) {
	for _, name := range files {
		names = append(names, strings.TrimSuffix(name, "c"))
	}
	if len(names) == 0 {
		return []string{RoutesFile}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
