package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"durward/schema"
	"durward/schema/jsonpointer"
)

// A property in the wrong place is one fault that two objects have: one has a property that it must not have, the other
// lacks it, or could have it. It is told once, where it stands, with the place where it belongs.

// stranger notes an unknown property.
func (s *source) stranger(pointer string) {
	s.unknown[pointer] = true
	if s.strangers == nil {
		s.strangers, s.belongs = make(map[string][]string), make(map[string]string)
	}
	object, _ := parent(pointer)
	s.strangers[object] = append(s.strangers[object], lastName(pointer))
}

// misplaced notes, of the unknown properties of the two objects around the value at a pointer, those that belong into the
// value: an option beside "options", say.
func (s *source) misplaced(sc *schema.Schema, at string) {
	outer := at
	for range 2 {
		var inside bool
		if outer, inside = parent(outer); !inside {
			return
		}
		for _, name := range s.strangers[outer] {
			if sc.Names(name) {
				s.belong(jsonpointer.Join(outer, name), fmt.Sprintf("into %q", lastName(at)))
			}
		}
	}
}

// isElsewhere says whether the property that an object lacks stands in an object right within or around it, where it must
// not be. That is noted then, and is all there is to tell.
func (s *source) isElsewhere(lacks, name string) bool {
	if name == "" || len(s.strangers) == 0 {
		return false
	}
	object, _ := find(s.value, lacks).(map[string]any)
	for _, inner := range slices.Sorted(maps.Keys(object)) {
		if s.belong(jsonpointer.Join(jsonpointer.Join(lacks, inner), name), fmt.Sprintf("beside %q", inner)) {
			s.spoil(lacks)
			return true
		}
	}
	outer, ok := parent(lacks)
	if ok && s.belong(jsonpointer.Join(outer, name), fmt.Sprintf("into %q", lastName(lacks))) {
		s.spoil(lacks)
		return true
	}
	return false
}

// belong notes where an unknown property belongs, if there is one at the pointer.
func (s *source) belong(pointer, where string) bool {
	if !s.unknown[pointer] {
		return false
	}
	if s.belongs[pointer] == "" {
		s.belongs[pointer] = where
	}
	return true
}

// inPlace is the text of a fault, which of a property in the wrong place tells where it belongs.
func (f fault) inPlace() string {
	if where := f.by.belongs[f.at]; where != "" && f.isUnknown() {
		return fmt.Sprintf("unknown property %q: it belongs %s", lastName(f.at), where)
	}
	return f.text
}

// isUnknown says whether the fault is that a property must not be there.
func (f fault) isUnknown() bool { return strings.HasPrefix(f.text, "unknown property") }

func lastName(pointer string) string {
	names := jsonpointer.Split(pointer)
	return names[len(names)-1]
}
