package document

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// Options say how a document is read.
type Options struct {
	// Name is the file's own name, "policies.json". One that ends in .jsonc may have comments and a comma before a closing
	// bracket.
	Name string
	// MaxBytes is how large a document may be.
	MaxBytes int
	// FreeNames answers whether names in the object at a pointer are nobody's business here, so that two may differ only
	// in case. Nil: nowhere.
	FreeNames func(pointer string) bool
}

// Fault is what is wrong at a place.
type Fault struct {
	// Offset is where a person would mend it, in bytes.
	Offset int
	// Pointer is the JSON pointer of the value or member in question, as far as it is known.
	Pointer string
	// Text says what is wrong and what to do. It quotes names and never a value.
	Text string
}

// Parse reads a document. There is none if the bytes have no meaning, and then the last fault tells why. A name that stands
// twice in an object is a fault, too, and only the first of them counts. Nobody may change data from then on.
func Parse(data []byte, o Options) (*Document, []Fault) {
	if fault := unreadable(data, o); fault != nil {
		return nil, []Fault{*fault}
	}
	p := parser{data: data, options: o, comments: strings.HasSuffix(o.Name, ".jsonc")}
	p.doc = &Document{data: data, size: chunkSize(len(data))}
	if !p.document() {
		return nil, p.faults
	}
	p.doc.nodes = int(p.nodes)
	p.doc.sortDropped()
	return p.doc, p.faults
}

// chunkSize is how many nodes there are in a chunk: fewer in a short file, which may be one of many.
func chunkSize(bytes int) int { return max(8, min(bytes/16, 4<<10)) }

// parser reads one document. Its methods answer false when they have met what leaves the rest without a meaning, and have
// told of it.
type parser struct {
	data     []byte
	options  Options
	comments bool
	doc      *Document
	at       int     // the next byte
	nodes    uint32  // how many there are
	frames   []frame // the open objects and arrays
	path     int     // how long the names of all frames are
	faults   []Fault
	named    []namedNode // for twins
	index    *Lines      // see lines
}

// frame is an object or array that is being read.
type frame struct {
	node uint32
	name uint32 // of the member that is being read; 0: none yet
	item int    // which item or member is being read, counted from 0
}

func (p *parser) frame() *frame { return &p.frames[len(p.frames)-1] }

// lines are made when they are first needed: most files have no fault.
func (p *parser) lines() *Lines {
	if p.index == nil {
		p.index = NewLines(p.data)
	}
	return p.index
}

// fault tells of a fault, and answers false.
func (p *parser) fault(offset int, format string, args ...any) bool {
	p.faults = append(p.faults, Fault{offset, p.pointer(), fmt.Sprintf(format, args...)})
	return false
}

// pointer is that of the value being read.
func (p *parser) pointer() string {
	names := make([]string, 0, len(p.frames))
	for _, f := range p.frames {
		switch {
		case p.doc.node(f.node).kind == Array:
			names = append(names, strconv.Itoa(f.item))
		case f.name != 0:
			names = append(names, jsonpointer.Escape(p.doc.text(f.name)))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "/" + strings.Join(names, "/")
}

// add makes a node. Its end and next are set by done.
func (p *parser) add(kind Kind, start int) uint32 {
	d := p.doc
	if int(p.nodes)%d.size == 0 {
		d.chunks = append(d.chunks, make([]node, d.size))
	}
	*d.node(p.nodes) = node{start: uint32(start), kind: kind}
	p.nodes++
	return p.nodes - 1
}

// done ends the node at what has been read.
func (p *parser) done(i uint32) bool {
	n := p.doc.node(i)
	n.end, n.next = uint32(p.at), p.nodes
	return true
}

// is says whether the next byte is this one.
func (p *parser) is(c byte) bool { return p.at < len(p.data) && p.data[p.at] == c }

func (p *parser) document() bool {
	if !p.space() || !p.value() || !p.space() {
		return false
	}
	if p.at < len(p.data) {
		return p.trailing()
	}
	return true
}

// space passes white space, and comments where they may be.
func (p *parser) space() bool {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\r', '\n':
			p.at++
		case '/':
			if !p.comment() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

// value reads a value. What is before it has been passed.
func (p *parser) value() bool {
	if p.at == len(p.data) {
		return p.ended()
	}
	switch c := p.data[p.at]; {
	case c == '{':
		return p.object()
	case c == '[':
		return p.array()
	case c == '"':
		return p.text(Text)
	case c == '-' || '0' <= c && c <= '9':
		return p.number()
	}
	word := p.word()
	i := slices.Index([]string{"null", "false", "true"}, word)
	if i < 0 {
		return p.noValue(word)
	}
	n := p.add(Null+Kind(i), p.at)
	p.at += len(word)
	return p.done(n)
}

// open begins an object or an array.
func (p *parser) open(kind Kind) bool {
	if len(p.frames) == MaxDepth {
		return p.fault(p.at, "is nested more than %d deep", MaxDepth)
	}
	p.frames = append(p.frames, frame{node: p.add(kind, p.at)})
	p.at++
	return p.space()
}

// shut ends it.
func (p *parser) shut() bool {
	p.at++
	i := p.frame().node
	p.frames = p.frames[:len(p.frames)-1]
	return p.done(i)
}

func (p *parser) array() bool {
	if !p.open(Array) {
		return false
	}
	for !p.is(']') {
		if !p.value() || !p.space() {
			return false
		}
		if p.is(']') {
			break
		}
		if !p.comma(']') {
			return false
		}
		p.frame().item++
	}
	return p.shut()
}

func (p *parser) object() bool {
	if !p.open(Object) {
		return false
	}
	for !p.is('}') {
		if !p.member() || !p.space() {
			return false
		}
		if p.is('}') {
			break
		}
		if !p.comma('}') {
			return false
		}
		p.frame().item++
	}
	f := p.frame()
	f.name = 0
	p.doc.node(f.node).next = p.nodes
	if f.item > 0 {
		p.twins(f.node, f.item+1)
	}
	return p.shut()
}

// comma passes the comma after a value, and what follows it. shut is the bracket that may stand in its place.
func (p *parser) comma(shut byte) bool {
	if !p.is(',') {
		return p.noComma(shut)
	}
	at := p.at
	p.at++
	p.frame().name = 0
	if !p.space() {
		return false
	}
	if p.is(shut) && !p.comments {
		return p.fault(at, "a comma before %c has nothing after it: remove it%s", shut, p.rename())
	}
	return true
}

// member reads a name and its value.
func (p *parser) member() bool {
	if !p.is('"') {
		return p.noName()
	}
	i := p.nodes
	if !p.text(name) {
		return false
	}
	length := p.at - int(p.doc.node(i).start) - 2
	if p.path += length; p.path > MaxPath {
		return p.fault(int(p.doc.node(i).start), "the names that lead here are longer than %d bytes together", MaxPath)
	}
	p.frame().name = i
	after := p.at
	if !p.space() {
		return false
	}
	if !p.is(':') {
		return p.noColon(after)
	}
	p.at++
	if !p.space() || !p.value() {
		return false
	}
	p.path -= length
	return true
}
