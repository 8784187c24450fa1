package document

import (
	"bytes"
	"unicode/utf16"
)

// comment passes one. p.at is at its slash.
func (p *parser) comment() bool {
	kind := byte(0)
	if p.at+1 < len(p.data) {
		kind = p.data[p.at+1]
	}
	switch {
	case kind != '/' && kind != '*':
		return p.fault(p.at, "a / does not belong here")
	case !p.comments:
		return p.fault(p.at, "JSON has no comments: remove it%s", p.rename())
	case kind == '/':
		end := bytes.IndexAny(p.data[p.at:], "\r\n")
		if end < 0 {
			end = len(p.data) - p.at
		}
		p.at += end
		return true
	}
	end := bytes.Index(p.data[p.at+2:], []byte("*/"))
	if end < 0 {
		return p.fault(p.at, "the comment that begins here has no */ at its end")
	}
	p.at += 2 + end + 2
	return true
}

// text reads a text or a name. p.at is at its quote.
func (p *parser) text(kind Kind) bool {
	i := p.add(kind, p.at)
	for p.at++; p.at < len(p.data); p.at++ {
		switch c := p.data[p.at]; {
		case c == '"':
			p.at++
			return p.done(i)
		case c == '\\':
			p.doc.node(i).escaped = true
			if !p.escape() {
				return false
			}
		case c == '\n' || c == '\r':
			return p.unclosedText(i)
		case c < ' ':
			return p.controlCharacter(c)
		}
	}
	return p.unclosedText(i)
}

// escape reads an escape within a text, but for its last byte. p.at is at its backslash.
func (p *parser) escape() bool {
	at := p.at
	p.at++
	if p.at == len(p.data) {
		return true // the text has no end: that is told
	}
	switch c := p.data[p.at]; c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return p.noEscape(at)
	}
	r := hex(p.data[p.at+1:])
	if r < 0 {
		return p.fault(at, `\u goes before four hexadecimal digits, as in \u00e9`)
	}
	p.at += 4
	if !utf16.IsSurrogate(r) {
		return true
	}
	rest := p.data[p.at+1:]
	if len(rest) < 6 || rest[0] != '\\' || rest[1] != 'u' || utf16.DecodeRune(r, hex(rest[2:])) == '\uFFFD' {
		return p.fault(at, `\u%04x is half of a character only: write the character itself`, r)
	}
	p.at += 6
	return true
}

// number reads a number (RFC 8259 section 6).
func (p *parser) number() bool {
	i := p.add(Number, p.at)
	start := p.at
	if p.is('-') {
		p.at++
	}
	switch whole := p.at; {
	case p.digits() == 0:
		return p.noNumber(start)
	case p.data[whole] == '0' && p.at > whole+1:
		return p.fault(start, "a number has no 0 before its other digits")
	}
	if p.is('.') {
		p.at++
		if p.digits() == 0 {
			return p.fault(start, "a number has digits after its point")
		}
	}
	if p.is('e') || p.is('E') {
		p.at++
		if p.is('+') || p.is('-') {
			p.at++
		}
		if p.digits() == 0 {
			return p.fault(start, "a number has digits after its e")
		}
	}
	if p.at < len(p.data) && isWordByte(p.data[p.at]) {
		return p.noNumber(start)
	}
	return p.done(i)
}

// digits passes digits and answers how many.
func (p *parser) digits() int {
	from := p.at
	for p.at < len(p.data) && '0' <= p.data[p.at] && p.data[p.at] <= '9' {
		p.at++
	}
	return p.at - from
}

// word answers the letters, digits and the like at p.at, such as null, without passing them.
func (p *parser) word() string {
	end := p.at
	for end < len(p.data) && isWordByte(p.data[end]) {
		end++
	}
	return string(p.data[p.at:end])
}

// isWordByte is true of what cannot stand beside a number or a literal.
func isWordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '_' || c == '.' || c == '-' || c == '+' || c == '$' || c >= 0x80
}
