package config

import (
	"strconv"
	"strings"

	"durward/runtime/internal/document"
	"durward/runtime/internal/reference"
	"durward/schema/jsonpointer"
)

// maxValues bounds how many values policies.json, gateway.json and all that any one file imports may have, each import
// counted: an import of imports could have them by the billion, and what checks options takes far more memory for a value
// than its two bytes in the file.
const maxValues = 10_000

// maxUnread is how many names that are not read are kept of an object.
const maxUnread = 1000

// resolver makes the value of a source: what the file says, with references resolved.
type resolver struct {
	*build
	*meaning
	s      *source
	names  []string // that lead to the value being made
	items  []int    // its place in an array, for each name that is ""
	values int

	// file is the file being read; base is the pointer, in s, of what it is imported as.
	file  *source
	base  string
	chain []*source // the files that are being imported, the first of which is s
}

// resolve sets the value of a source. Afterwards there is no document if it had too many values.
func (b *build) resolve(s *source, m meaning) {
	if s.doc == nil {
		return
	}
	r := resolver{build: b, meaning: &m, s: s, file: s, chain: []*source{s}}
	s.value = r.value(s.doc.Root())
	if r.values > maxValues {
		s.value, s.doc = nil, nil
	}
}

// pointer is that of the value being made.
func (r *resolver) pointer() string {
	if len(r.names) == 0 {
		return ""
	}
	parts := make([]string, 0, len(r.names))
	for i, name := range r.names {
		if r.items[i] >= 0 {
			name = strconv.Itoa(r.items[i])
		}
		parts = append(parts, jsonpointer.Escape(name))
	}
	return "/" + strings.Join(parts, "/")
}

// step goes into a member, or, if item is not negative, an item.
func (r *resolver) step(name string, item int) {
	r.names, r.items = append(r.names, name), append(r.items, item)
}

func (r *resolver) back() {
	r.names, r.items = r.names[:len(r.names)-1], r.items[:len(r.items)-1]
}

// fault tells of something at an offset of the file being read, at the value being made.
func (r *resolver) fault(offset int, text string) {
	pointer := r.pointer()
	r.file.add(fault{offset, pointer[len(r.base):], text, r.s, pointer})
}

// value makes a value. With too many of them it makes no more.
func (r *resolver) value(v document.Value) any {
	if !r.count() {
		return nil
	}
	switch v.Kind() {
	case document.Object:
		return r.object(v)
	case document.Array:
		if r.reads != nil && !r.reads(append(r.names, "")) {
			return []any{} // an array is wrong here, whatever is in it
		}
		array := make([]any, v.Size())
		for i, item := range v.Items() {
			r.step("", i)
			array[i] = r.value(item)
			r.back()
		}
		return array
	case document.Text:
		return r.text(v)
	}
	return v.Scalar()
}

// count counts a value, and tells when there are too many. What a file with routes says itself is not counted: of that, only
// what has a meaning is ever made.
func (r *resolver) count() bool {
	if r.reads != nil && len(r.chain) == 1 {
		return true
	}
	r.values++
	if r.values == maxValues+1 {
		r.s.problemAt(0, "", "has more than "+strconv.Itoa(maxValues)+" values, with those that it imports")
	}
	return r.values <= maxValues
}

func (r *resolver) object(v document.Value) map[string]any {
	size := 0
	if r.reads == nil || len(r.names) > 3 { // else most of it may be left out
		size = v.Size()
	}
	object := make(map[string]any, size)
	unread := 0
	for name, member := range v.Members() {
		r.step(name, -1)
		if r.reads == nil || r.reads(r.names) {
			if hasReference(name) && r.treat(r.names) != reference.Free {
				r.fault(member.NameStart(), "$env(...) is not resolved in a name")
			}
			object[name] = r.value(member)
		} else if unread++; unread <= maxUnread {
			object[name] = nil // the name may be a misspelt one
		}
		r.back()
	}
	return object
}

// text makes a text, or what it imports.
func (r *resolver) text(v document.Value) any {
	text := v.String()
	how := r.treat(r.names)
	if how == reference.Free {
		return text
	}
	if strings.HasPrefix(text, importOpen) {
		if value, done := r.imported(v, text, how); done {
			return value
		}
	}
	return r.expand(v, text, how)
}

func (r *resolver) expand(v document.Value, text string, how treatment) string {
	out, used, faults := reference.Expand(text, how, r.lookup)
	if len(used)+len(faults) == 0 {
		return out
	}
	pointer := r.pointer()
	if len(used) > 0 {
		r.s.fromEnv[pointer] = used
	}
	plain := r.file.plain(v, text)
	for _, u := range used {
		r.name(u.Name, pointer, within(v, u.Written, plain))
	}
	for _, f := range faults {
		r.s.failed[pointer] = true
		if f.Name != "" && r.variables.Broken(f.Name) { // which the line of .env tells of
			r.file.spoil(pointer[len(r.base):])
			r.s.spoil(pointer)
		} else {
			r.fault(within(v, f.At, plain), f.Text)
		}
		if f.Name != "" {
			r.name(f.Name, pointer, within(v, f.At, plain))
		}
	}
	if len(faults) > 0 {
		return text
	}
	return out
}

// name notes where a variable is named: each time that the file is imported.
func (r *resolver) name(variable, pointer string, offset int) {
	r.file.named = append(r.file.named, named{variable, pointer[len(r.base):], offset})
}

// plain is how many bytes of a text are written in the file without escapes.
func (s *source) plain(v document.Value, text string) int {
	for i, c := range s.data[v.Start()+1:] {
		if i == len(text) || c == '\\' || c != text[i] {
			return i
		}
	}
	return 0
}

// within is the offset of a place in a text, if all before it is plain; else the text's own.
func within(v document.Value, at, plain int) int {
	if at <= plain {
		return v.Start() + 1 + at
	}
	return v.Start()
}
