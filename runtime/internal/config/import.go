package config

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"durward/runtime/internal/document"
	"durward/runtime/internal/reference"
)

const (
	importOpen = "$import("
	// providers is where plugins of others will be imported from.
	providers = "./plugins/"
	// maxImports is how many files may import each other in a row.
	maxImports = 16
	// maxImported is how many bytes all files that are imported may have: a file has a name for each way that links in the
	// folder make to it.
	maxImported = 16 << 20
	// maxAgain is how many bytes the files may have together that were imported before: an import is short, and what it
	// makes of a file may be long.
	maxAgain = 1 << 20
)

// imported makes the value that a text imports. It is not done with a text that is a module's name, or that reference.Expand
// has something to say of.
func (r *resolver) imported(v document.Value, text string, how treatment) (value any, done bool) {
	name, rest, closed := strings.Cut(text[len(importOpen):], ")")
	var fault string
	switch {
	case strings.HasPrefix(name, providers) && !isData(name):
		fault = "$import(./plugins/NAME) comes with outside providers, in a later version: import one of the modules that ship"
	case how == reference.Refuse && (!strings.HasPrefix(name, "./") || r.names[len(r.names)-1] == "module"):
		return nil, false // what a module is called has its own words
	case r.imports == nil || !r.imports(r.names):
		fault = "a file can be imported within options only, as a whole value"
	case !closed:
		fault = "$import( has no closing )"
	case rest != "":
		fault = `an import is a whole value: "$import(./FILE)" with nothing before or behind it`
	default:
		value, fault = r.fromFile(name)
	}
	if fault != "" {
		r.s.failed[r.pointer()] = true
		r.fault(v.Start()+1, fault)
	}
	return value, true
}

// isData says whether a name ends as the files do that can be imported.
func isData(name string) bool {
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonc")
}

// fromFile makes the value of a file, which is as if it were written in the place of the import.
func (r *resolver) fromFile(written string) (value any, fault string) {
	if fault := nameFault(written); fault != "" {
		return nil, fault
	}
	name := path.Join(path.Dir(r.file.name), written)
	switch {
	case !fs.ValidPath(name):
		return nil, "an imported file must lie in the configuration folder, and this leads out of it"
	case r.isMain(name):
		return nil, fmt.Sprintf("%s is a part of the configuration by itself and cannot be imported", name)
	case len(r.chain) > maxImports:
		return nil, fmt.Sprintf("more than %d files import each other in a row", maxImports)
	case len(r.names) > document.MaxDepth, len(r.pointer()) > document.MaxPath:
		return nil, "files cannot be imported this deep in others"
	}
	if i := slices.IndexFunc(r.chain, func(s *source) bool { return s.name == name }); i >= 0 {
		return nil, "files import each other in a circle: " + circle(r.chain[i:], name)
	}
	file := r.importFile(name)
	switch {
	case file.missing:
		return nil, fmt.Sprintf("there is no file %s in the configuration folder", name)
	case strings.Contains(file.unreadable, "escapes"): // os.Root has no error that could be compared
		return nil, "an imported file must lie in the configuration folder, and this is a link that leads out of it"
	case file.unreadable != "":
		return nil, fmt.Sprintf("%s cannot be read: %s", name, file.unreadable)
	}
	if file.used {
		if r.again += len(file.data); r.again > maxAgain {
			return nil, "files that are imported more than once hold more than 1 MiB together, each further time counted"
		}
	}
	file.used = true
	pointer := r.pointer()
	if r.s.imported == nil {
		r.s.imported = make(map[string]*source)
	}
	r.s.imported[pointer] = file
	if !file.sound("") {
		r.s.spoil(pointer)
	}
	if file.doc == nil { // which the file's own problem tells of
		r.s.failed[pointer] = true
		return nil, ""
	}
	inner := *r
	inner.file, inner.base, inner.chain = file, pointer, append(slices.Clip(r.chain), file)
	value = inner.value(file.doc.Root())
	r.values = inner.values
	return value, ""
}

// nameFault answers what is wrong with the name of a file as it is written between the brackets, or "".
func nameFault(name string) string {
	rest, relative := strings.CutPrefix(name, "./")
	switch {
	case name == "" || relative && rest == "":
		return "$import() names no file: write $import(./FILE)"
	case strings.ContainsRune(name, '\\'):
		return `the folders in a file's name are parted by /, not by \`
	case strings.HasPrefix(name, "/"), len(name) > 1 && name[1] == ':':
		return "an imported file is named from the file that imports it, as in ./FILE: its name is not absolute"
	case strings.HasPrefix(name, "../"):
		return "an imported file must lie in the configuration folder: write ./FILE"
	case strings.HasPrefix(name, "@"):
		return "modules are imported in handler.module only: write $import(./FILE) for a file"
	case strings.Contains(name, "://"):
		return "files are imported from the configuration folder only, not from a URL"
	case !relative:
		return "the name of an imported file begins with ./"
	case strings.ContainsRune(name, '%'):
		return "the name of an imported file has no % in it: it is taken as it is written"
	case strings.TrimSpace(name) != name, strings.ContainsFunc(name, unprintable):
		return "the name of an imported file has no space around it and no control characters in it"
	case !isData(name):
		return "the name of an imported file ends in .json or .jsonc"
	}
	return ""
}

// circle tells which files import each other, from the one to itself again.
func circle(chain []*source, name string) string {
	var names strings.Builder
	for _, s := range chain {
		names.WriteString(s.name + " -> ")
	}
	return names.String() + name
}

// importFile opens a file that is imported, once in a load. Once there is too much of them it opens no more.
func (b *build) importFile(name string) *source {
	size := 0
	for _, s := range b.importedFiles {
		if s.name == name {
			return s
		}
		size += len(s.data)
	}
	folder := b.options.Imports
	if folder == nil {
		folder = b.options.FS
	}
	o := opener{folder, b.options.Name}
	if size > maxImported {
		s := o.source(name) // which nobody watches: the files that are too much are
		s.unreadable = "the imported files hold more than 16 MiB together"
		return s
	}
	s := o.open(name, maxBytes, nil)
	b.importedFiles = append(b.importedFiles, s)
	return s
}

// isMain says whether a file is read for its own sake.
func (b *build) isMain(name string) bool {
	return slices.ContainsFunc(b.main, func(s *source) bool { return s.name == name })
}
