package mutation

import (
	"fmt"
	"strconv"
	"strings"
)

// node is a value of a JSON text, with where it stands.
type node struct {
	pointer    string
	parent     *node
	key        string // of a member of an object
	keyAt      int    // where the key begins; of what is no member, where the value begins
	start, end int    // of the value
	children   []*node
}

// kind is what the text of a value begins with: '{', '[', '"', 't', 'n' or '0'.
func (n *node) kind(text string) byte {
	switch c := text[n.start]; c {
	case '{', '[', '"', 'n':
		return c
	case 't', 'f':
		return 't'
	}
	return '0'
}

// all calls visit for the node and every node within, in the order of the text.
func (n *node) all(visit func(*node)) {
	visit(n)
	for _, child := range n.children {
		child.all(visit)
	}
}

// parse reads a JSON text that is known to be well-formed.
func parse(text string) (*node, error) {
	p := &parser{text: text}
	root := p.value(nil, "")
	if p.skip(); p.fault == "" && p.at != len(text) {
		p.fault = "more than one value"
	}
	if p.fault != "" {
		return nil, fmt.Errorf("parse JSON at byte %d: %s", p.at, p.fault)
	}
	return root, nil
}

type parser struct {
	text  string
	at    int
	fault string
}

// skip goes on to what is no space, and answers it; 0 at the end.
func (p *parser) skip() byte {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	if p.at == len(p.text) {
		return 0
	}
	return p.text[p.at]
}

func (p *parser) value(parent *node, pointer string) *node {
	c := p.skip()
	n := &node{pointer: pointer, parent: parent, keyAt: p.at, start: p.at}
	switch c {
	case '{', '[':
		p.within(n, c)
	case '"':
		p.literal()
	default:
		for p.at < len(p.text) && strings.IndexByte(",]} \t\r\n", p.text[p.at]) < 0 {
			p.at++
		}
		if p.at == n.start {
			p.fault = "no value"
		}
	}
	n.end = p.at
	return n
}

// within reads the members of an object, or the items of an array.
func (p *parser) within(n *node, c byte) {
	p.at++
	for p.fault == "" {
		switch p.skip() {
		case '}', ']':
			p.at++
			return
		case ',':
			p.at++
			continue
		case 0:
			p.fault = "no end"
			return
		}
		if c == '[' {
			n.children = append(n.children, p.value(n, n.pointer+"/"+strconv.Itoa(len(n.children))))
			continue
		}
		keyAt := p.at
		key := p.literal()
		if p.skip() == ':' {
			p.at++
		}
		child := p.value(n, n.pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
		child.key, child.keyAt = key, keyAt
		n.children = append(n.children, child)
	}
}

// literal reads a text and answers what is within the quotes.
func (p *parser) literal() string {
	start := p.at
	for p.at++; p.at < len(p.text) && p.text[p.at] != '"'; p.at++ {
		if p.text[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
	if p.at > len(p.text) {
		p.fault = "no end of a text"
		p.at = len(p.text)
		return ""
	}
	return p.text[start+1 : p.at-1]
}
