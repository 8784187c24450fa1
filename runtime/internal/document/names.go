package document

import (
	"bytes"
	"cmp"
	"slices"
	"unicode"
	"unicode/utf8"
)

// namedNode is a name of an object that is looked through for twins.
type namedNode struct {
	text []byte
	at   uint32
}

// twins drops the names of an object that stand there already, or that differ from one only in case, and tells of them.
// Of an object with many members it makes the index, too.
func (p *parser) twins(object uint32, members int) {
	d := p.doc
	p.named = slices.Grow(p.named[:0], members)
	for i := range d.names(object) {
		p.named = append(p.named, namedNode{d.bytes(i), i})
	}
	slices.SortFunc(p.named, func(a, b namedNode) int {
		return cmp.Or(compareNames(a.text, b.text), cmp.Compare(a.at, b.at))
	})
	for from := 0; from < len(p.named); {
		to := from + 1
		for to < len(p.named) && compareFolded(p.named[from].text, p.named[to].text) == 0 {
			to++
		}
		if to-from > 1 {
			p.alike(p.named[from:to])
		}
		from = to
	}
	if len(p.named) < indexed {
		return
	}
	index := make([]uint32, 0, len(p.named))
	for _, n := range p.named {
		if !d.node(n.at).dropped {
			index = append(index, n.at)
		}
	}
	if d.indexes == nil {
		d.indexes = make(map[uint32][]uint32)
	}
	d.indexes[object] = index
}

// alike deals with names that differ in case at most, sorted by their texts and then by their places. The first of each
// text may stay, and of those only the first, unless names may differ in case here.
func (p *parser) alike(group []namedNode) {
	first := slices.MinFunc(group, func(a, b namedNode) int { return cmp.Compare(a.at, b.at) })
	same := group[0]
	for i, n := range group {
		if i == 0 || !bytes.Equal(n.text, same.text) {
			same = n
			if n.at != first.at && !p.freeHere() {
				p.drop(n, "differs from %q on line %d only in case: keep one of them", first)
			}
			continue
		}
		p.drop(n, "duplicate property %q, first on line %d", same)
	}
}

func (p *parser) freeHere() bool {
	return p.options.FreeNames != nil && p.options.FreeNames(p.pointer())
}

// drop takes the name's member out of the object. What is told names the other.
func (p *parser) drop(n namedNode, format string, other namedNode) {
	node := p.doc.node(n.at)
	node.dropped = true
	p.doc.dropped = append(p.doc.dropped, n.at)
	if len(p.faults) >= MaxFaults {
		return
	}
	line, _ := p.lines().Place(int(p.doc.node(other.at).start))
	p.frame().name = n.at
	p.fault(int(node.start), format, other.text, line)
	p.frame().name = 0
}

// sortDropped puts the names that do not count in order, without those that lie within the value of another.
func (d *Document) sortDropped() {
	slices.Sort(d.dropped)
	end := uint32(0)
	d.dropped = slices.DeleteFunc(d.dropped, func(i uint32) bool {
		if i < end {
			return true
		}
		end = d.node(i + 1).next
		return false
	})
}

// compareNames orders names so that those which differ only in case stand beside each other.
func compareNames(a, b []byte) int { return cmp.Or(compareFolded(a, b), bytes.Compare(a, b)) }

// compareFolded compares names without regard to case, as encoding/json and others do that match names so.
func compareFolded(a, b []byte) int {
	for len(a) > 0 && len(b) > 0 {
		x, y := rune(a[0]), rune(b[0])
		sizeA, sizeB := 1, 1
		if x >= utf8.RuneSelf {
			x, sizeA = utf8.DecodeRune(a)
		}
		if y >= utf8.RuneSelf {
			y, sizeB = utf8.DecodeRune(b)
		}
		if x != y {
			if order := cmp.Compare(folded(x), folded(y)); order != 0 {
				return order
			}
		}
		a, b = a[sizeA:], b[sizeB:]
	}
	return cmp.Compare(len(a), len(b))
}

// folded is the least of the letters that differ from r only in case.
func folded(r rune) rune {
	least := r
	for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
		least = min(least, other)
	}
	return least
}
