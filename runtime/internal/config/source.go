package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"durward/schema"
)

// source is one file on its way to a Config: its bytes, its values with references resolved, and what is wrong with it.
type source struct {
	file  string // as it is printed
	data  []byte
	lines lines
	root  *node // nil if the file is missing or no strict JSON
	value any   // root as encoding/json gives it, references resolved

	missing bool
	// failed are the pointers of texts with references that could not be resolved. What else could be said of such a
	// value would be said of the reference.
	failed map[string]bool
	// fromEnv are the references within the text at a pointer.
	fromEnv map[string][]reference
	// bad are the pointers of all problems, and of everything around them.
	bad      map[string]bool
	problems []Problem
}

// open reads a file. A missing one is a problem unless it is optional.
func open(folder fs.FS, printed, name string, optional bool) *source {
	s := &source{file: path.Join(printed, name), failed: map[string]bool{}, fromEnv: map[string][]reference{}, bad: map[string]bool{}}
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
	line, column := s.lines.place(s.data, offset)
	s.problems = append(s.problems, Problem{File: s.file, Line: line, Column: column, Pointer: pointer, Text: text})
	for around, ok := pointer, true; ok && !s.bad[around]; around, ok = parent(around) {
		s.bad[around] = true
	}
}

// problem tells of the value at the pointer, or, where there is none, at the nearest value around it.
func (s *source) problem(pointer, format string, args ...any) {
	if !s.failed[pointer] {
		p := s.note(pointer, format, args...)
		s.add(s.offset(pointer, false), pointer, p.Text)
	}
}

// nameProblem tells of the name of a property.
func (s *source) nameProblem(pointer, format string, args ...any) {
	s.add(s.offset(pointer, true), pointer, fmt.Sprintf(format, args...))
}

// note is a Problem that is not counted as one.
func (s *source) note(pointer, format string, args ...any) Problem {
	text := fmt.Sprintf(format, args...)
	if used := s.fromEnv[pointer]; len(used) > 0 {
		names := make([]string, len(used))
		for i, r := range used {
			names[i] = "$env(" + r.name + ")"
		}
		text += " (this value comes from " + strings.Join(names, " and ") + ", as a string)"
	}
	line, column := s.lines.place(s.data, s.offset(pointer, false))
	return Problem{File: s.file, Line: line, Column: column, Pointer: pointer, Text: text}
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

// line is where the value at the pointer begins.
func (s *source) line(pointer string) int {
	line, _ := s.lines.place(s.data, s.offset(pointer, true))
	return line
}

// sound says that nothing at the pointer or within has a problem so far.
func (s *source) sound(pointer string) bool { return !s.bad[pointer] }

// check adds what a schema says of the value at the pointer.
func (s *source) check(sc *schema.Schema, at string, value any) {
	for _, p := range sc.Check(value) {
		if p.AtKey {
			s.nameProblem(at+p.Pointer, "%s", p.Text)
		} else {
			s.problem(at+p.Pointer, "%s", p.Text)
		}
	}
}

// resolve sets value: what the file says, with references resolved as treat has it for each place.
func (s *source) resolve(treat func(names []string) treatment, lookup func(string) (string, bool)) {
	if s.root != nil {
		s.value = s.resolved(s.root, "", nil, treat, lookup)
	}
}

func (s *source) resolved(n *node, pointer string, names []string, treat func([]string) treatment, lookup func(string) (string, bool)) any {
	names = names[:len(names):len(names)]
	switch n.kind {
	case '{':
		object := make(map[string]any, len(n.members))
		for _, m := range n.members {
			inner := append(names, m.name)
			if hasReference(m.name) && treat(inner) != free {
				s.nameProblem(join(pointer, m.name), "$env(...) is not resolved in a name")
			}
			object[m.name] = s.resolved(m.value, join(pointer, m.name), inner, treat, lookup)
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

func (s *source) expand(n *node, pointer, text string, how treatment, lookup func(string) (string, bool)) string {
	if how == free {
		return text
	}
	out, used, faults := expand(text, how, lookup)
	if len(used) > 0 {
		s.fromEnv[pointer] = used
	}
	for _, f := range faults {
		s.failed[pointer] = true
		s.add(s.within(n, text[:f.at]), pointer, f.text)
	}
	if len(faults) > 0 {
		return text
	}
	return out
}

// within is the offset at which a text goes on after what precedes, if it is written there without escapes; else the
// text's own.
func (s *source) within(n *node, precedes string) int {
	if !strings.Contains(precedes, `\`) && strings.HasPrefix(string(s.data[n.start+1:]), precedes) {
		return n.start + 1 + len(precedes)
	}
	return n.start
}

func hasReference(text string) bool {
	return strings.Contains(text, "$env(") || strings.Contains(text, "${env.")
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
