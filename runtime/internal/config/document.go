package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"durward/schema/jsonpointer"
)

// Limits of a file.
const (
	maxBytes = 4 << 20
	maxDepth = 100 // objects and arrays within each other
)

// node is a value of a document. Of scalar, members and items one is in use.
type node struct {
	start   int // offset of the value's first byte
	nameAt  int // offset of the quote before the name of a member; start for others
	scalar  any // nil, bool, string or json.Number
	members []member
	byName  map[string]*node
	items   []*node
	kind    json.Delim // '{', '[' or 0 for a scalar
}

type member struct {
	name  string
	value *node
}

// parser reads one document. It stops at what leaves the rest without a meaning, and goes on after a duplicate.
type parser struct {
	data   []byte
	lines  lines
	dec    *json.Decoder
	faults []fault
}

// fault is a problem whose place is not yet a line.
type fault struct {
	offset  int
	pointer string
	text    string
}

// parse reads strict JSON: one value in valid UTF-8, no name twice in an object (encoding/json would take the last,
// another reader the first), not too large and not too deep. The node is nil if there are faults.
func parse(data []byte) (*node, []fault) {
	if stop := unreadable(data); stop != nil {
		return nil, []fault{*stop}
	}
	p := parser{data: data, lines: newLines(data), dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	root, err := p.value("", 0)
	if err != nil {
		p.faults = append(p.faults, *err)
	}
	if len(p.faults) > 0 {
		return nil, p.faults
	}
	return root, nil
}

// unreadable answers why the bytes are not a JSON document at all.
func unreadable(data []byte) *fault {
	if len(data) > maxBytes {
		return &fault{text: fmt.Sprintf("is larger than %d MiB", maxBytes>>20)}
	}
	if bytes.HasPrefix(data, []byte("\uFEFF")) {
		return &fault{text: "begins with a byte order mark: save it as UTF-8 without one"}
	}
	if !utf8.Valid(data) {
		return &fault{offset: firstInvalid(data), text: "is not valid UTF-8"}
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return &fault{text: "is empty: a JSON object is expected"}
	}
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		if bad, ok := errors.AsType[*json.SyntaxError](err); ok {
			// The offset counts the bytes read, the offending one included unless the text just ends.
			offset := max(0, int(bad.Offset)-1)
			if bad.Error() == "unexpected end of JSON input" {
				offset = len(bytes.TrimRight(data, " \t\r\n"))
			}
			return &fault{offset: offset, text: "is not valid JSON: " + bad.Error()}
		}
		return &fault{text: "is not valid JSON"}
	}
	return nil
}

func firstInvalid(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// next answers the next token and where it starts.
func (p *parser) next() (json.Token, int, error) {
	start := int(p.dec.InputOffset())
	for start < len(p.data) && strings.IndexByte(" \t\r\n,:", p.data[start]) >= 0 {
		start++
	}
	token, err := p.dec.Token()
	return token, start, err
}

func (p *parser) value(pointer string, depth int) (*node, *fault) {
	token, start, err := p.next()
	if err != nil {
		// The bytes are valid JSON, so this is the end of them at most.
		return nil, &fault{offset: start, pointer: pointer, text: "is not valid JSON"}
	}
	n := &node{start: start, nameAt: start}
	delim, ok := token.(json.Delim)
	if !ok {
		n.scalar = token
		return n, nil
	}
	if depth == maxDepth {
		return nil, &fault{offset: start, pointer: pointer, text: fmt.Sprintf("is nested more than %d deep", maxDepth)}
	}
	n.kind = delim
	var stop *fault
	if delim == '{' {
		stop = p.object(n, pointer, depth)
	} else {
		stop = p.array(n, pointer, depth)
	}
	return n, stop
}

func (p *parser) object(n *node, pointer string, depth int) *fault {
	n.byName = map[string]*node{}
	for p.dec.More() {
		token, nameAt, err := p.next()
		name, ok := token.(string)
		if err != nil || !ok {
			return &fault{offset: nameAt, pointer: pointer, text: "is not valid JSON"}
		}
		value, stop := p.value(jsonpointer.Join(pointer, name), depth+1)
		if stop != nil {
			return stop
		}
		value.nameAt = nameAt
		if first, twice := n.byName[name]; twice {
			p.faults = append(p.faults, fault{nameAt, jsonpointer.Join(pointer, name),
				fmt.Sprintf("duplicate property %q, first on line %d", name, p.lines.line(first.nameAt))})
			continue
		}
		n.byName[name] = value
		n.members = append(n.members, member{name, value})
	}
	return p.end(pointer)
}

func (p *parser) array(n *node, pointer string, depth int) *fault {
	for p.dec.More() {
		item, stop := p.value(at(pointer, len(n.items)), depth+1)
		if stop != nil {
			return stop
		}
		n.items = append(n.items, item)
	}
	return p.end(pointer)
}

// end reads the closing bracket.
func (p *parser) end(pointer string) *fault {
	if _, start, err := p.next(); err != nil && !errors.Is(err, io.EOF) {
		return &fault{offset: start, pointer: pointer, text: "is not valid JSON"}
	}
	return nil
}

// find answers the value at the pointer, or the nearest value around the place where it would be.
func (n *node) find(pointer string) (found *node, exact bool) {
	for _, name := range jsonpointer.Split(pointer) {
		var next *node
		switch n.kind {
		case '{':
			next = n.byName[name]
		case '[':
			if i, err := strconv.Atoi(name); err == nil && 0 <= i && i < len(n.items) {
				next = n.items[i]
			}
		}
		if next == nil {
			return n, false
		}
		n = next
	}
	return n, true
}

// lines are the offsets at which the lines of a file begin.
type lines []int

func newLines(data []byte) lines {
	starts := lines{0}
	for i, b := range data {
		if b == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// place answers the line and the column, in code points, of an offset.
func (l lines) place(data []byte, offset int) (line, column int) {
	offset = min(offset, len(data))
	line = l.line(offset)
	return line, utf8.RuneCount(data[l[line-1]:offset]) + 1
}

// line answers the line of an offset.
func (l lines) line(offset int) int {
	i, exact := slices.BinarySearch(l, offset)
	if exact {
		i++
	}
	return i
}
