// Package reference resolves the references of a configuration: $env(NAME), and ${env.NAME} where a URL stands.
//
// It owns how a reference is written and how one is nearly written, where the value of a name comes from (the process's
// environment, a file that NAME_FILE names, .env), and the form of .env. Variables keep, for one load, what was read: a
// file is read once, so that the value that is used and the content that is watched are of the same bytes.
//
// It promises: what a variable holds is never searched for references; no fault holds a value, a path or a line of a file
// (requirement G10); the bytes that it allocates are bounded by those it is given; no input makes it panic.
//
// It is not for where references may stand, nor for $import, which is only recognised here: both are package config's.
package reference

import "strings"

// How says what happens to the references in a text.
type How int

const (
	// Free text may say what it likes.
	Free How = iota
	// Refuse references, for they would not be resolved.
	Refuse
	// Resolve $env(NAME).
	Resolve
	// ResolveURL resolves $env(NAME) and ${env.NAME}.
	ResolveURL
)

// Lookup answers what a name stands for, or else a fault: a text for a person, without any value.
type Lookup func(name string) (value, fault string)

// Used is a reference that was resolved.
type Used struct {
	Name, Value string
	// Written is where the reference begins in the text, At where its value begins in what came of it: in bytes.
	Written, At int
}

// Fault is what is wrong at a place of a text, in bytes from its beginning.
type Fault struct {
	At   int
	Text string
	// Name is the variable that stands for nothing; "" if that is not the fault.
	Name string
}

// Bounds of a text.
const (
	// maxFaults is how many faults one text is searched for.
	maxFaults = 16
	// maxName is how long a name may be, in bytes.
	maxName = 128
)

// Expand resolves the references of a text from left to right, each once. With any fault, out has no meaning.
func Expand(text string, how How, lookup Lookup) (out string, used []Used, faults []Fault) {
	if how == Free {
		return text, nil, nil
	}
	e := expansion{text: text, how: how, lookup: lookup}
	if how != Refuse && looksWhole(text) {
		return text, nil, []Fault{{Text: e.nearly()}}
	}
	if strings.IndexByte(text, '$') < 0 {
		return text, nil, nil
	}
	for e.step() && len(e.faults) < maxFaults {
	}
	return e.out.String(), e.used, e.faults
}

// expansion is a text on its way to what comes of it. All before rest is done.
type expansion struct {
	text   string
	how    How
	lookup Lookup
	rest   int
	out    strings.Builder
	used   []Used
	faults []Fault
}

// step goes on to behind the next reference, and answers false at the end.
func (e *expansion) step() bool {
	ahead := strings.IndexByte(e.text[e.rest:], '$')
	if ahead < 0 {
		e.out.WriteString(e.text[e.rest:])
		return false
	}
	start := e.rest + ahead
	e.out.WriteString(e.text[e.rest:start])
	f := e.formAt(start)
	switch objection := e.objection(f); {
	case f == noForm:
		e.out.WriteByte('$')
		e.rest = start + 1
	case objection != "":
		e.fail(start, objection)
		e.rest = start + len(f.open())
	default:
		return e.resolve(f, start)
	}
	return true
}

// resolve replaces the reference that begins at start. One that is not closed takes the rest of the text with it.
func (e *expansion) resolve(f form, start int) bool {
	inner := start + len(f.open())
	length := strings.Index(e.text[inner:], f.shut())
	if length < 0 {
		e.fail(start, f.open()+" has no closing "+f.shut())
		return false
	}
	name := e.text[inner : inner+length]
	e.rest = inner + length + 1
	switch {
	case len(name) > maxName:
		e.fail(start, "the name of a variable has at most 128 characters")
		return true
	case !IsName(name):
		e.fail(start, f.open()+f.shut()+" needs a name of letters, digits and _ between")
		return true
	}
	value, fault := e.lookup(name)
	if fault != "" {
		e.faults = append(e.faults, Fault{At: start, Text: fault, Name: name})
		return true
	}
	if e.used == nil {
		e.used = make([]Used, 0, strings.Count(e.text, envForm.open())+strings.Count(e.text, urlForm.open()))
	}
	e.used = append(e.used, Used{Name: name, Value: value, Written: start, At: e.out.Len()})
	e.out.WriteString(value)
	return true
}

func (e *expansion) fail(at int, text string) {
	e.faults = append(e.faults, Fault{At: at, Text: text})
}

// IsWhole says whether a text is nothing but one reference, to a name as variables have them: it may be shown wherever it
// stands, since a secret that was put in place of its name would hardly look so.
func IsWhole(text string) bool {
	name, opened := strings.CutPrefix(text, envForm.open())
	name, closed := strings.CutSuffix(name, envForm.shut())
	return opened && closed && len(name) <= maxName && isConventional(name)
}

// IsName says whether a variable may be called so: letters of ASCII, digits and _.
func IsName(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) && c != '_' {
			return false
		}
	}
	return name != ""
}
