package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"durward/runtime/internal/document"
	"durward/runtime/internal/reference"
	"durward/schema"
	"durward/schema/jsonpointer"
)

// source is one file on its way to a Config: its bytes, its values with references resolved, and what is wrong with it.
//
// What stands in it may be imported from another file. To whoever asks about a pointer it is as if it stood here: what is
// told of the value is told where it is written.
type source struct {
	file  string // as it is printed
	name  string // within the folder
	data  []byte
	lines *document.Lines
	doc   *document.Document // nil if the file is missing or has no meaning
	value any                // doc as encoding/json gives it, references resolved; without what nobody reads

	missing, tooLarge bool
	used              bool // it has been imported
	// doubted says that the same file is there in another form, so that nobody can say which names there are.
	doubted bool
	// unreadable says why the file could not be read, or is "".
	unreadable string
	// imported are the files that values come from, by the pointers of the values.
	imported map[string]*source
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
	// strangers are the names of those by the pointers of their objects, and belongs says of some where they ought to be.
	strangers map[string][]string
	belongs   map[string]string
	faults    []fault // to be mended
	notes     []fault // to be thought about
	dangers   []fault // to be mended in production
	hidden    []span  // what must not be shown of the file
}

// fault is a problem whose place is not yet a line.
type fault struct {
	offset  int
	pointer string
	text    string
	// by is the source in which the value counts, and at its pointer there: another one, if the value is imported.
	by *source
	at string
}

// locate answers the file in which the value at a pointer is written, and the pointer within that file.
func (s *source) locate(pointer string) (file *source, within string) {
	for around, ok := pointer, len(s.imported) > 0; ok; around, ok = parent(around) {
		if file := s.imported[around]; file != nil {
			return file, pointer[len(around):]
		}
	}
	return s, pointer
}

// locateName is locate for the name of a property: it is written in the file that its object is written in.
func (s *source) locateName(pointer string) (file *source, within string) {
	outer, ok := parent(pointer)
	if !ok {
		return s, pointer
	}
	file, within = s.locate(outer)
	return file, within + pointer[len(outer):]
}

// problem tells of the value at the pointer, or, where there is none, at the nearest value around it.
func (s *source) problem(pointer, format string, args ...any) {
	if s.failed[pointer] {
		return
	}
	file, within := s.locate(pointer)
	file.add(fault{file.offset(within, false), within, fmt.Sprintf(format, args...) + s.origin(pointer), s, pointer})
}

// nameProblem tells of the name of a property.
func (s *source) nameProblem(pointer, format string, args ...any) {
	file, within := s.locateName(pointer)
	file.add(fault{file.offset(within, true), within, fmt.Sprintf(format, args...), s, pointer})
}

// problemAt tells of the file as such.
func (s *source) problemAt(offset int, pointer, text string) {
	s.add(fault{offset, pointer, text, s, pointer})
}

// note tells of something at the pointer that need not be mended.
func (s *source) note(pointer, format string, args ...any) {
	file, within := s.locate(pointer)
	file.notes = append(file.notes, fault{file.offset(within, false), within, fmt.Sprintf(format, args...) + s.origin(pointer), s, pointer})
}

// nameNote tells of the name of a property that need not be mended.
func (s *source) nameNote(pointer, format string, args ...any) {
	file, within := s.locateName(pointer)
	file.notes = append(file.notes, fault{file.offset(within, true), within, fmt.Sprintf(format, args...), s, pointer})
}

// add keeps a fault. Far more than anybody is told are not kept: a hostile file would have them by the million.
func (s *source) add(f fault) {
	f.by.spoil(f.at)
	if len(s.faults) < 2*maxProblems {
		s.faults = append(s.faults, f)
	}
}

// spoil notes that what is at the pointer has a problem.
func (s *source) spoil(pointer string) {
	for around, ok := pointer, true; ok && !s.bad[around]; around, ok = parent(around) {
		s.bad[around] = true
	}
}

// full says that nobody would be told of any more problems.
func (s *source) full() bool { return len(s.faults) > maxProblems }

func (s *source) placed(f fault) Problem {
	line, column := s.lines.Place(f.offset)
	return Problem{File: s.file, Line: line, Column: column, Pointer: f.pointer, Text: f.text}
}

// written is the text at the pointer as it stands in the file, or "".
func (s *source) written(pointer string) string {
	file, within := s.locate(pointer)
	v, exact := file.doc.Find(within)
	if !exact {
		return ""
	}
	return v.String()
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

// offset is where the value at a pointer within the file is written, or its name.
func (s *source) offset(pointer string, atName bool) int {
	v, exact := s.doc.Find(pointer)
	if exact && atName {
		return v.NameStart()
	}
	return v.Start()
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

// line is where the name or value at the pointer begins.
func (s *source) line(pointer string) int {
	line, _ := s.lines.Place(s.offset(pointer, true))
	return line
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
	faults = slices.DeleteFunc(slices.Clone(faults), fault.meaningless)
	for i, f := range faults {
		faults[i].text = f.inPlace()
	}
	slices.SortStableFunc(faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), strings.Compare(a.pointer, b.pointer), strings.Compare(a.text, b.text))
	})
	faults = slices.CompactFunc(faults, func(a, b fault) bool {
		return a.offset == b.offset && a.pointer == b.pointer && a.text == b.text
	})
	for i, f := range faults {
		if i == limit {
			f.pointer, f.text = "", "and more problems from here on"
			return append(problems, s.placed(f))
		}
		p := s.placed(f)
		p.Excerpt = s.excerpt(f.offset)
		problems = append(problems, p)
	}
	return problems
}

func (f fault) meaningless() bool {
	if f.by.unknown[f.at] && f.by.failed[f.at] && !f.isUnknown() {
		return true
	}
	for around, ok := parent(f.at); ok; around, ok = parent(around) {
		if f.by.unknown[around] {
			return true
		}
	}
	return false
}

// check adds what a schema says of the value at the pointer. Of a file that could not be read there is nothing to say.
func (s *source) check(sc *schema.Schema, at string, value any) {
	if s.doc == nil {
		return
	}
	found := sc.Check(value)
	for _, p := range found {
		if p.AtKey {
			s.stranger(at + p.Pointer)
			if !s.isTwin(at+p.Pointer, p.Meant) {
				s.nameProblem(at+p.Pointer, "%s", p.Text)
			}
		}
	}
	for _, p := range found {
		if p.AtKey || s.isElsewhere(at+p.Pointer, p.Missing) {
			continue
		}
		s.problem(at+p.Pointer, "%s", p.Text)
		if at+p.Pointer == "" && p.Missing == "" { // no such document: nothing within has a meaning to be wrong
			s.unknown[""] = true
		}
	}
}

// isTwin says whether the property that an unknown one stands for is there, too, and does not count because it differs from
// that one only in case. It has been told of then.
func (s *source) isTwin(unknown, meant string) bool {
	object, inside := parent(unknown)
	if !inside || !strings.EqualFold(lastName(unknown), meant) {
		return false
	}
	file, within := s.locateName(jsonpointer.Join(object, meant))
	return file.bad[within]
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
