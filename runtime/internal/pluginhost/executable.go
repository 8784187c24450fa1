package pluginhost

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Executable is what a policy's process runs: certain bytes, with certain arguments. It is a value and does not change;
// a file that is replaced on disk is another Executable. The zero value is none.
type Executable struct {
	// path is what is given to exec, name what stands in argv[0].
	path, name string
	args       []string
	sum        string
	read       func(path string) (string, error) // answers the sum as it is now
	// pinned says that path leads to the same bytes for the life of this process, so that no check is needed.
	pinned bool
}

// File answers the executable at path as it is now.
func File(path string, args ...string) (Executable, error) { return FileBy(sumOf, path, args...) }

// FileBy is File for somebody who has a better way to read the SHA-256 of a file, in hex, than to hash all of it each time.
func FileBy(sum func(path string) (string, error), path string, args ...string) (Executable, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Executable{}, fmt.Errorf("find executable: %w", err)
	}
	e := Executable{path: path, name: path, args: slices.Clone(args), read: sum}
	if e.sum, err = sum(path); err != nil {
		return Executable{}, fmt.Errorf("read executable: %w", err)
	}
	return e, nil
}

// Self answers the executable of this very process, also when the file on disk has been replaced since. Where the
// operating system cannot start that (all but Linux), a start is refused once the file has changed.
func Self(args ...string) (Executable, error) {
	path, pinned, err := selfPath()
	if err != nil {
		return Executable{}, fmt.Errorf("find own executable: %w", err)
	}
	sum, err := sumOf(path)
	if err != nil {
		return Executable{}, fmt.Errorf("read own executable: %w", err)
	}
	return Executable{path: path, name: os.Args[0], args: slices.Clone(args), sum: sum, read: sumOf, pinned: pinned}, nil
}

// ID is the SHA-256 of the executable's file in hex. It does not cover the arguments.
func (e Executable) ID() string { return e.sum }

// check answers an error if the bytes at the path are no longer those of the Executable. Between the check and the start
// somebody could still replace them: whoever can write there is trusted.
func (e Executable) check() error {
	if e.path == "" {
		return fmt.Errorf("no executable")
	}
	if e.pinned {
		return nil
	}
	sum, err := e.read(e.path)
	if err != nil {
		return fmt.Errorf("read executable: %w", err)
	}
	if sum != e.sum {
		return fmt.Errorf("executable %s has changed since it was read", e.path)
	}
	return nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
