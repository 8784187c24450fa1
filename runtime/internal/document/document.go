// Package document reads one JSON file, strictly, and keeps where everything in it stands.
//
// It owns the grammar (RFC 8259, and for a .jsonc file comments and a comma before a closing bracket beside it), the words
// in which a person is told what is wrong with it, and positions.
//
// It promises: no name counts twice in an object, whatever its spelling in escapes or case; a Document is what
// encoding/json would make of the same bytes, where that is one thing only; every fault has the offset at which a person
// would mend it, and no fault quotes a value; what a file costs in memory is at most 24 times its size, whatever is in it,
// and what its faults cost, of which there are 500 at most; no bytes make it panic.
//
// It is not for what values mean: schemas, references and other files are its callers'.
package document

import (
	"encoding/json"
	"iter"
	"slices"
	"sort"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// Limits of a document.
const (
	// MaxDepth is how many objects and arrays may lie within each other.
	MaxDepth = 100
	// MaxPath is how long the names that lead to a value may be together, in bytes, so that pointers stay short.
	MaxPath = 1024
	// MaxFaults bounds how many faults of names are told.
	MaxFaults = 501
)

// Kind says what a value is.
type Kind uint8

// The kinds. None is that of a Value that is not there.
const (
	None Kind = iota
	Null
	False
	True
	Number
	Text
	Array
	Object

	name // of a member: the value is the node after it
)

// Document is a file that has been read. Nobody changes it, nor the bytes it was read from.
type Document struct {
	data []byte
	// chunks hold the nodes, in the order of the file; all but the last are full. There is one for each value and each
	// name, so a hundred thousand of them must not be moved as they grow.
	chunks [][]node
	size   int // of a full chunk
	nodes  int // how many there are
	// indexes are the names within objects that have many: nodes, sorted as compareNames has it.
	indexes map[uint32][]uint32
	dropped []uint32 // the names that do not count, in their order; none that lies within the value of another
}

// node is a value or a name. What lies within an object or an array follows it.
type node struct {
	start, end uint32 // the bytes, quotes and brackets included
	next       uint32 // the node after all that lies within
	kind       Kind
	escaped    bool // a text or name that has escapes
	dropped    bool // a name that is another's twin
}

// indexed is the number of members from which an object has an index.
const indexed = 16

// Value is a value within a document, or none: the zero Value.
type Value struct {
	d    *Document
	at   uint32
	name uint32 // the node of the name, in an object; at otherwise
}

// Root answers the value that the whole document is.
func (d *Document) Root() Value {
	if d == nil {
		return Value{}
	}
	return Value{d: d}
}

func (d *Document) node(i uint32) *node {
	return &d.chunks[int(i)/d.size][int(i)%d.size]
}

// Find answers the value at the JSON pointer (RFC 6901), or the nearest one around the place where it would be.
func (d *Document) Find(pointer string) (found Value, exact bool) {
	v := d.Root()
	for rest := pointer; rest != ""; {
		var name string
		name, rest, _ = cutSlash(strings.TrimPrefix(rest, "/"))
		next := v.step(jsonpointer.Unescape(name))
		if next.Kind() == None {
			return v, false
		}
		v = next
	}
	return v, v.Kind() != None
}

// cutSlash is strings.Cut that keeps the slash, since "/a/" leads on to the name "".
func cutSlash(pointer string) (name, rest string, more bool) {
	if i := strings.IndexByte(pointer, '/'); i >= 0 {
		return pointer[:i], pointer[i:], true
	}
	return pointer, "", false
}

// Token is a name or a value as it is written.
type Token struct {
	// Start and End are the offsets of its first byte and after its last one.
	Start, End int
	Kind       Kind
	// Name says that it is a name, whose Kind is Text. Dropped are a name that does not count, since another one does, and
	// all of its value.
	Name, Dropped bool
}

// Token answers what begins at the offset, or false.
func (d *Document) Token(offset int) (Token, bool) {
	if d == nil {
		return Token{}, false
	}
	i := sort.Search(d.nodes, func(i int) bool { return int(d.node(uint32(i)).start) >= offset })
	if i == d.nodes || int(d.node(uint32(i)).start) != offset {
		return Token{}, false
	}
	n := d.node(uint32(i))
	t := Token{Start: offset, End: int(n.end), Kind: n.kind, Dropped: d.isDropped(uint32(i))}
	if n.kind == name {
		t.Name, t.Kind = true, Text
	}
	return t, true
}

// isDropped says whether a node is a name that does not count, or lies within its value.
func (d *Document) isDropped(at uint32) bool {
	i, exact := slices.BinarySearch(d.dropped, at)
	return exact || i > 0 && at < d.node(d.dropped[i-1]+1).next
}

// step goes one name down.
func (v Value) step(name string) Value {
	switch v.Kind() {
	case Object:
		return v.Member(name)
	case Array:
		i, err := strconv.Atoi(name)
		if err != nil {
			return Value{}
		}
		for at, item := range v.Items() {
			if at == i {
				return item
			}
		}
	}
	return Value{}
}

// Kind answers what the value is; None if there is no value.
func (v Value) Kind() Kind {
	if v.d == nil {
		return None
	}
	return v.d.node(v.at).kind
}

// Start is the offset of the value's first byte, End that after its last one.
func (v Value) Start() int {
	if v.d == nil {
		return 0
	}
	return int(v.d.node(v.at).start)
}

// End is the offset after the value's last byte.
func (v Value) End() int {
	if v.d == nil {
		return 0
	}
	return int(v.d.node(v.at).end)
}

// NameStart is the offset of the quote before the name of a member; Start for any other value.
func (v Value) NameStart() int {
	if v.d == nil {
		return 0
	}
	return int(v.d.node(v.name).start)
}

// Scalar answers nil, a bool, a string or a json.Number, as encoding/json would with UseNumber; nil for what is no scalar.
func (v Value) Scalar() any {
	switch v.Kind() {
	case False:
		return false
	case True:
		return true
	case Number:
		return json.Number(v.d.data[v.Start():v.End()])
	case Text:
		return v.d.text(v.at)
	}
	return nil
}

// String is the text of a Text, and "" for anything else.
func (v Value) String() string {
	if v.Kind() != Text {
		return ""
	}
	return v.d.text(v.at)
}

// Member answers the member of an object that has the name, or none.
func (v Value) Member(name string) Value {
	if v.Kind() != Object {
		return Value{}
	}
	if index, ok := v.d.indexes[v.at]; ok {
		i, found := slices.BinarySearchFunc(index, []byte(name), func(i uint32, name []byte) int {
			return compareNames(v.d.bytes(i), name)
		})
		if !found {
			return Value{}
		}
		return Value{v.d, index[i] + 1, index[i]}
	}
	for i := range v.d.names(v.at) {
		if string(v.d.bytes(i)) == name {
			return Value{v.d, i + 1, i}
		}
	}
	return Value{}
}

// Members are the members of an object in their order; nothing for anything else.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for i := range v.d.names(v.at) {
			if !yield(v.d.text(i), Value{v.d, i + 1, i}) {
				return
			}
		}
	}
}

// names are the nodes of the names of an object that count.
func (d *Document) names(object uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		end := d.node(object).next
		for i := object + 1; i < end; i = d.node(i + 1).next {
			if !d.node(i).dropped && !yield(i) {
				return
			}
		}
	}
}

// Items are the items of an array in their order, with their places; nothing for anything else.
func (v Value) Items() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != Array {
			return
		}
		end := v.d.node(v.at).next
		for i, n := v.at+1, 0; i < end; i, n = v.d.node(i).next, n+1 {
			if !yield(n, Value{v.d, i, i}) {
				return
			}
		}
	}
}

// Size is the number of items or members that count, 0 for a scalar.
func (v Value) Size() (n int) {
	switch v.Kind() {
	case Object:
		for range v.d.names(v.at) {
			n++
		}
	case Array:
		for range v.Items() {
			n++
		}
	}
	return n
}

// text is what the name or text says.
func (d *Document) text(i uint32) string { return string(d.bytes(i)) }

// bytes are what the name or text says. They are the file's own where there is no escape.
func (d *Document) bytes(i uint32) []byte {
	n := d.node(i)
	written := d.data[n.start+1 : n.end-1]
	if !n.escaped {
		return written
	}
	return unescaped(written)
}
