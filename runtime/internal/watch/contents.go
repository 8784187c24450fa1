package watch

import (
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Contents is what some files held at one time.
type Contents map[string]content

type content struct {
	state state
	sum   [sha256.Size]byte // of a file that was read
}

type state int

const (
	read state = iota + 1
	missing
	unreadable
)

// Read reads files. Missing and unreadable ones are contents too.
func Read(files []string) Contents {
	c := make(Contents, len(files))
	for _, name := range files {
		c[name] = readFile(name)
	}
	return c
}

func readFile(name string) content {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return content{state: missing}
	}
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait for its other end
		return content{state: unreadable}
	}
	f, err := os.Open(name)
	if err != nil {
		return content{state: unreadable}
	}
	defer func() { _ = f.Close() }() // it was only read
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return content{state: unreadable}
	}
	return content{read, [sha256.Size]byte(h.Sum(nil))}
}

// agrees says that known has the same of each file in c.
func (c Contents) agrees(known Contents) bool {
	for name, now := range c {
		if then, ok := known[name]; !ok || then != now {
			return false
		}
	}
	return true
}
