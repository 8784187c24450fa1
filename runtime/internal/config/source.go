package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"durward/runtime/internal/reference"
	"durward/schema"
	"durward/schema/jsonpointer"
)

// source is one file on its way to a Config: its bytes, its values with references resolved, and what is wrong with it.
type source struct {
	file  string // as it is printed
	name  string // within the folder
	data  []byte
	lines lines
	root  *node // nil if the file is missing or no strict JSON
	value any   // root as encoding/json gives it, references resolved

	missing, unread bool
	// failed are the pointers of texts with references that could not be resolved. What else could be said of such a
	// value would be said of the reference.
	failed map[string]bool
	// named are all references to variables, in their order.
	named []named
	// fromEnv are the references within the text at a pointer.
	fromEnv map[string][]reference.Used
	// bad are the pointers of all problems, and of everything around them.
	bad map[string]bool
	// unknown are the pointers of properties that must not be there. What lies within them has no meaning to be wrong.
	unknown map[string]bool
	faults  []fault // to be mended
	notes   []fault // to be thought about
}

// open reads a file. A missing one is a problem unless it is optional.
func open(folder fs.FS, printed, name string, optional bool) *source {
	s := &source{file: path.Join(printed, name), name: name,
		failed: map[string]bool{}, fromEnv: map[string][]reference.Used{}, bad: map[string]bool{}, unknown: map[string]bool{}}
	data, err := read(folder, name)
	s.data, s.lines = data, newLines(data)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.missing = true
		if !optional {
			s.add(0, "", "there is no such file")
		}
		return s
	case err != nil:
		s.unread = true
		s.add(0, "", "cannot be read: "+cause(err))
		return s
	}
	root, faults := parse(data)
	for _, f := range faults {
		s.add(f.offset, f.pointer, f.text)
	}
	s.root = root
	return s
}

// sum answers the SHA-256 in hex of what was read, "" of a missing file, and nothing if it was not read whole.
func (s *source) sum() (string, bool) {
	switch {
	case s.missing:
		return "", true
	case s.unread || len(s.data) > maxBytes:
		return "", false
	}
	sum := sha256.Sum256(s.data)
	return hex.EncodeToString(sum[:]), true
}

// read reads a byte more than a file may have at most, so that parse can tell.
func read(folder fs.FS, name string) ([]byte, error) {
	f, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBytes+1))
}

// cause is the error without the path that a PathError repeats.
func cause(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	return err.Error()
}

func (s *source) add(offset int, pointer, text string) {
	s.faults = append(s.faults, fault{offset, pointer, text})
	for around, ok := pointer, true; ok && !s.bad[around]; around, ok = parent(around) {
		s.bad[around] = true
	}
}

// problem tells of the value at the pointer, or, where there is none, at the nearest value around it.
func (s *source) problem(pointer, format string, args ...any) {
	if !s.failed[pointer] {
		s.add(s.offset(pointer, false), pointer, fmt.Sprintf(format, args...)+s.origin(pointer))
	}
}

// nameProblem tells of the name of a property.
func (s *source) nameProblem(pointer, format string, args ...any) {
	s.add(s.offset(pointer, true), pointer, fmt.Sprintf(format, args...))
}

// note tells of something at the pointer that need not be mended.
func (s *source) note(pointer, format string, args ...any) {
	s.notes = append(s.notes, fault{s.offset(pointer, false), pointer, fmt.Sprintf(format, args...) + s.origin(pointer)})
}

func (s *source) placed(f fault) Problem {
	line, column := s.lines.place(s.data, f.offset)
	return Problem{File: s.file, Line: line, Column: column, Pointer: f.pointer, Text: f.text}
}

// written is the text at the pointer as it stands in the file, or "".
func (s *source) written(pointer string) string {
	n, exact := s.root.find(pointer)
	if !exact {
		return ""
	}
	text, _ := n.scalar.(string)
	return text
}

// writtenWithin are the texts within the value at the pointer that name variables, as they stand in the file, by their
// pointers relative to it.
func (s *source) writtenWithin(pointer string) map[string]string {
	texts := make(map[string]string)
	for place := range s.fromEnv {
		if within, ok := strings.CutPrefix(place, pointer+"/"); ok {
			texts["/"+within] = s.written(place)
		}
	}
	return texts
}

// origin names the variables that a value comes from, or is "".
func (s *source) origin(pointer string) string {
	var names []string
	for _, r := range s.fromEnv[pointer] {
		if name := "$env(" + r.Name + ")"; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return " (this value is a string that comes from " + strings.Join(names, " and ") + ")"
}

func (s *source) offset(pointer string, atName bool) int {
	if s.root == nil {
		return 0
	}
	n, exact := s.root.find(pointer)
	if exact && atName {
		return n.nameAt
	}
	return n.start
}

// nearest is the pointer itself, or that of the nearest value around it.
func (s *source) nearest(pointer string) string {
	for !exists(s.value, pointer) {
		outer, ok := parent(pointer)
		if !ok {
			return ""
		}
		pointer = outer
	}
	return pointer
}

// line is where the value at the pointer begins.
func (s *source) line(pointer string) int {
	return s.lines.line(s.offset(pointer, true))
}

// where says, in a text about a place in s, where the name or value at a pointer of a file stands.
func (s *source) where(other *source, pointer string) string {
	if other == s {
		return fmt.Sprintf("on line %d", s.line(pointer))
	}
	return fmt.Sprintf("in %s on line %d", other.name, other.line(pointer))
}

// sound says that nothing at the pointer or within has a problem so far.
func (s *source) sound(pointer string) bool { return !s.bad[pointer] }

// settled answers faults or notes in the order of their places, each once, without those that lie within properties that
// must not be there. It makes at most limit of them, and one more that counts the rest.
func (s *source) settled(faults []fault, limit int) (problems []Problem) {
	faults = slices.DeleteFunc(slices.Clone(faults), s.meaningless)
	slices.SortStableFunc(faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), strings.Compare(a.pointer, b.pointer), strings.Compare(a.text, b.text))
	})
	faults = slices.Compact(faults)
	for i, f := range faults {
		if i == limit {
			f.pointer, f.text = "", fmt.Sprintf("and %d more problems from here on", len(faults)-limit)
			return append(problems, s.placed(f))
		}
		problems = append(problems, s.placed(f))
	}
	return problems
}

func (s *source) meaningless(f fault) bool {
	for around, ok := parent(f.pointer); ok; around, ok = parent(around) {
		if s.unknown[around] {
			return true
		}
	}
	return false
}

// check adds what a schema says of the value at the pointer. Of a file that could not be read there is nothing to say.
func (s *source) check(sc *schema.Schema, at string, value any) {
	if s.root == nil {
		return
	}
	for _, p := range sc.Check(value) {
		if p.AtKey {
			s.unknown[at+p.Pointer] = true
			s.nameProblem(at+p.Pointer, "%s", p.Text)
		} else {
			s.problem(at+p.Pointer, "%s", p.Text)
		}
	}
}

// resolve sets value: what the file says, with references resolved as treat has it for each place.
func (s *source) resolve(treat func(names []string) treatment, lookup reference.Lookup) {
	if s.root != nil {
		s.value = s.resolved(s.root, "", nil, treat, lookup)
	}
}

func (s *source) resolved(
	n *node, pointer string, names []string, treat func([]string) treatment, lookup reference.Lookup,
) any {
	names = slices.Clip(names)
	switch n.kind {
	case '{':
		object := make(map[string]any, len(n.members))
		for _, m := range n.members {
			inner := append(names, m.name)
			if hasReference(m.name) && treat(inner) != reference.Free {
				s.nameProblem(jsonpointer.Join(pointer, m.name), "$env(...) is not resolved in a name")
			}
			object[m.name] = s.resolved(m.value, jsonpointer.Join(pointer, m.name), inner, treat, lookup)
		}
		return object
	case '[':
		array := make([]any, len(n.items))
		for i, item := range n.items {
			array[i] = s.resolved(item, at(pointer, i), append(names, ""), treat, lookup)
		}
		return array
	}
	if text, ok := n.scalar.(string); ok {
		return s.expand(n, pointer, text, treat(names), lookup)
	}
	return n.scalar
}

func (s *source) expand(n *node, pointer, text string, how treatment, lookup reference.Lookup) string {
	out, used, faults := reference.Expand(text, how, lookup)
	if len(used) > 0 {
		s.fromEnv[pointer] = used
	}
	if len(used)+len(faults) == 0 {
		return out
	}
	plain := s.plain(n, text)
	for _, u := range used {
		s.named = append(s.named, named{u.Name, pointer, n.within(u.Written, plain)})
	}
	for _, f := range faults {
		s.failed[pointer] = true
		s.add(n.within(f.At, plain), pointer, f.Text)
		if f.Name != "" {
			s.named = append(s.named, named{f.Name, pointer, n.within(f.At, plain)})
		}
	}
	if len(faults) > 0 {
		return text
	}
	return out
}

// plain is how many bytes of a text are written in the file without escapes.
func (s *source) plain(n *node, text string) int {
	for i, c := range s.data[n.start+1:] {
		if i == len(text) || c == '\\' || c != text[i] {
			return i
		}
	}
	return 0
}

// within is the offset of a place in a text, if all before it is plain; else the text's own.
func (n *node) within(at, plain int) int {
	if at <= plain {
		return n.start + 1 + at
	}
	return n.start
}

// get answers what the names lead to in decoded JSON, or nil.
func get(value any, names ...string) any {
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// text is get for a string; "" if there is none.
func text(value any, names ...string) string {
	s, _ := get(value, names...).(string)
	return s
}

// canonical is the one way to write decoded JSON: names sorted, no space, whole numbers in digits ("9e2" is 900, which a
// Go int can read).
func canonical(value any) (json.RawMessage, error) {
	raw, err := json.Marshal(wholeNumbers(value))
	if err != nil {
		return nil, fmt.Errorf("write options: %w", err)
	}
	return raw, nil
}
