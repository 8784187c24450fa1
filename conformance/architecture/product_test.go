package architecture

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the product's module path. Package paths below are given without it.
const module = "durward"

// root is the product's folder, seen from this package's.
const root = "../.."

// product is what the rules are about: its packages without their tests, and all its Go files.
type product struct {
	packages []pkg
	files    []file
}

// pkg is one package of the product. Imports are what it names itself, Deps what it reaches.
type pkg struct {
	Path          string `json:"ImportPath"`
	Imports, Deps []string
	Module        *struct{ Path string }
}

// file is one Go file, its path slash-separated and relative to the product's folder.
type file struct {
	path string
	text string
}

func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// load reads the product as it is on disk.
func load(t *testing.T) product {
	t.Helper()
	var p product
	// Some files are for one system only; each system's view of the packages must keep to the rules.
	for _, system := range []string{"linux", "darwin"} {
		packages, err := list(system)
		if err != nil {
			t.Fatal(err)
		}
		p.packages = append(p.packages, packages...)
	}
	var err error
	if p.files, err = readFiles(root); err != nil {
		t.Fatal(err)
	}
	if len(p.packages) < 20 || len(p.files) < 100 {
		t.Fatalf("found %d packages and %d files: that cannot be the product", len(p.packages), len(p.files))
	}
	return p
}

// list answers the product's packages as they are built for a system.
func list(system string) ([]pkg, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps,Module", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0", "GOWORK=off")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list for %s: %w\n%s", system, err, stderr.Bytes())
	}
	var packages []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("read the list of packages: %w", err)
		}
		if p.Module == nil || p.Module.Path != module {
			continue
		}
		packages = append(packages, pkg{Path: short(p.Path), Imports: shorten(p.Imports), Deps: shorten(p.Deps)})
	}
}

// short turns a path of ours into a path in the product, "./runtime/internal/mcp". Others stay as they are.
func short(importPath string) string {
	if rest, ours := strings.CutPrefix(importPath, module+"/"); ours {
		return "./" + rest
	}
	return importPath
}

func shorten(importPaths []string) []string {
	out := make([]string, len(importPaths))
	for i, p := range importPaths {
		out[i] = short(p)
	}
	return out
}

// ours says that a path is one of the product's.
func ours(p string) bool { return strings.HasPrefix(p, "./") }

// matches compares a path with patterns: a path itself, or "path/..." for it and everything below.
func matches(p string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		base, below := strings.CutSuffix(pattern, "/...")
		return p == base || below && strings.HasPrefix(p, base+"/")
	})
}

// readFiles reads the Go files of the product: not those of modules of their own, nor what is hidden.
func readFiles(folder string) ([]file, error) {
	var files []file
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != ".":
			_, err := os.Stat(filepath.Join(folder, name, "go.mod"))
			if err == nil || strings.HasPrefix(path.Base(name), ".") {
				return fs.SkipDir
			}
			return nil
		case path.Ext(name) != ".go":
			return nil
		}
		text, err := os.ReadFile(filepath.Join(folder, name))
		files = append(files, file{name, string(text)})
		return err
	})
	return files, err
}
