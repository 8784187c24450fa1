package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// maxPolicyFiles bounds how many files one policy may have watched.
const maxPolicyFiles = 100

// readFiles notes what the files hold that a policy reads. Their paths are not printed: they may come from a variable.
func (b *build) readFiles(d *policyDraft) {
	if len(d.Report.Files) > maxPolicyFiles {
		b.policies.problem(d.optionsAt(), "the policy would read %d files: it may read %d", len(d.Report.Files), maxPolicyFiles)
		return
	}
	for _, path := range d.Report.Files {
		if !filepath.IsAbs(path) {
			if len(d.Report.Problems) == 0 { // else it has said so itself, and where
				b.policies.problem(d.optionsAt(), "the policy would read a file whose path is not absolute")
			}
			continue
		}
		d.Files = append(d.Files, b.file(filepath.Clean(path)))
	}
	slices.SortFunc(d.Files, byPath)
	d.Files = slices.Compact(d.Files)
}

// file answers what a file holds: to all policies the same, should it change meanwhile.
func (b *build) file(path string) File {
	f, known := b.files[path]
	if !known {
		f.Path = path
		if b.options.Content != nil {
			f.Content = b.options.Content(path)
		}
		b.files[path] = f
	}
	return f
}

// keepFiles notes what the files held that hold values, for policies that read one of them, too.
func (b *build) keepFiles() {
	for _, f := range b.variables.Files() {
		b.files[f.Path] = File{Path: f.Path, Content: f.Sum}
	}
}

// outside are all files outside of the folder, in the order of their paths.
func (b *build) outside() []File { return slices.SortedFunc(maps.Values(b.files), byPath) }

func byPath(a, b File) int { return strings.Compare(a.Path, b.Path) }
