package document

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// This file holds what is told where the grammar fails. Each text names one mistake that people make, and the last one of
// each function is for all others.

// rename is the hint for what may stand in a .jsonc file.
func (p *parser) rename() string {
	name, ok := strings.CutSuffix(p.options.Name, ".json")
	if !ok {
		return ""
	}
	return fmt.Sprintf(", or rename the file to %s.jsonc, which may have it", name)
}

// unreadable answers why bytes are no text in UTF-8 at all.
func unreadable(data []byte, o Options) *Fault {
	switch {
	case len(data) > o.MaxBytes:
		return &Fault{Text: fmt.Sprintf("is larger than %d MiB", o.MaxBytes>>20)}
	case bytes.HasPrefix(data, []byte("\uFEFF")):
		return &Fault{Text: "begins with a byte order mark: save it as UTF-8 without one"}
	case bytes.HasPrefix(data, []byte("\xFF\xFE")), bytes.HasPrefix(data, []byte("\xFE\xFF")):
		return &Fault{Text: "begins with the byte order mark of UTF-16: save it as UTF-8"}
	case len(data) > 1 && (data[0] == 0) != (data[1] == 0):
		return &Fault{Text: "is written in UTF-16 or UTF-32: save it as UTF-8"}
	case !utf8.Valid(data):
		at := firstInvalid(data)
		return &Fault{Offset: at, Text: fmt.Sprintf("is not valid UTF-8: byte 0x%02x does not belong here", data[at])}
	case bytes.IndexByte(data, 0) >= 0:
		return &Fault{Offset: bytes.IndexByte(data, 0), Text: "holds a NUL byte, which no text has"}
	case len(bytes.TrimLeft(data, " \t\r\n")) == 0:
		return &Fault{Text: "is empty: a JSON object is expected"}
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

// opened says where the innermost open object or array began.
func (p *parser) opened() string {
	n := p.doc.node(p.frame().node)
	line, _ := p.lines().Place(int(n.start))
	return fmt.Sprintf("the %c of line %d", p.data[n.start], line)
}

func shutOf(kind Kind) byte {
	if kind == Array {
		return ']'
	}
	return '}'
}

// ended tells that the file ends where something is missing.
func (p *parser) ended() bool {
	at := len(bytes.TrimRight(p.data, " \t\r\n"))
	if len(p.frames) == 0 {
		return p.fault(0, "has comments only: a JSON object is expected")
	}
	return p.fault(at, "the file ends before %s is closed: %c is missing", p.opened(), shutOf(p.doc.node(p.frame().node).kind))
}

// trailing tells of what comes after the value that the document is.
func (p *parser) trailing() bool {
	switch c := p.data[p.at]; c {
	case '}', ']':
		return p.fault(p.at, "this %c closes nothing: one bracket too many, here or before", c)
	case '{', '[':
		return p.fault(p.at, "the document has ended: a file holds one JSON value")
	}
	return p.fault(p.at, "the document has ended: there is something after it")
}

// noComma tells what is wrong after a value.
func (p *parser) noComma(shut byte) bool {
	if p.at == len(p.data) {
		return p.ended()
	}
	end := int(p.doc.node(p.lastNode()).end)
	switch c := p.data[p.at]; {
	case c == '}' || c == ']':
		return p.fault(p.at, "this %c closes nothing: %s is still open, and %c closes that", c, p.opened(), shut)
	case c == ';':
		return p.fault(p.at, "a ; is no comma")
	case c == ':' && shut == ']':
		return p.fault(p.at, "a name with its value must stand in { }: this is an array")
	case c == ':':
		return p.fault(p.at, "a : does not belong here: is a comma or a quote missing before it?")
	case c == '"' || c == '{' || c == '[' || c == '-' || c == '\'' || isWordByte(c) && p.at > end:
		return p.fault(end, "a comma is missing after this value")
	case isWordByte(c):
		return p.fault(p.at, "a comma is missing here, or a quote too many is before it")
	}
	return p.strange("a comma or %c", shut)
}

// lastNode is the value that has been read last.
func (p *parser) lastNode() uint32 {
	f := p.frame()
	if f.name != 0 {
		return f.name + 1
	}
	i := f.node + 1
	for p.doc.node(i).next < p.nodes {
		i = p.doc.node(i).next
	}
	return i
}

// noName tells what is wrong where a name must stand.
func (p *parser) noName() bool {
	if p.at == len(p.data) {
		return p.ended()
	}
	switch c := p.data[p.at]; {
	case c == '\'':
		return p.fault(p.at, "a name stands in double quotes, not in single ones")
	case c == ',':
		return p.fault(p.at, "a comma with nothing before it: remove it")
	case c == ':':
		return p.fault(p.at, "a name is missing before the :")
	case c == ']':
		return p.fault(p.at, "this ] closes nothing: %s is still open, and } closes that", p.opened())
	case c == '{' || c == '[':
		return p.fault(p.at, "a name and a : are missing before this value, as the members of { } have names")
	case c < utf8.RuneSelf && isWordByte(c):
		return p.fault(p.at, "a name stands in double quotes")
	}
	return p.strange("a name in double quotes")
}

// noColon tells what is wrong after a name, which ended at the offset. It does not name it: where quotes are wrong, a
// secret may well be in it.
func (p *parser) noColon(after int) bool {
	p.frame().name = 0
	if p.at == len(p.data) {
		return p.ended()
	}
	switch c := p.data[p.at]; {
	case c == '=':
		return p.fault(p.at, "a : stands between a name and its value, no =")
	case c == ',' || c == '}':
		return p.fault(after, "this name has no value: a : and a value are missing")
	case isWordByte(c) && p.at == after:
		return p.fault(after, "a : is missing after the name, or a quote before it is missing or one too many")
	}
	return p.fault(after, "a : is missing after this name")
}

// noValue tells what is wrong where a value must stand. word is what stands there, if it is a word.
func (p *parser) noValue(word string) bool {
	c := p.data[p.at]
	if len(p.frames) == 0 && c < utf8.RuneSelf && word != "" {
		return p.fault(p.at, "this is no JSON: a file begins with {")
	}
	switch strings.ToLower(word) {
	case "null", "true", "false":
		return p.fault(p.at, "write %s in small letters", strings.ToLower(word))
	case "nan", "infinity", "undefined":
		return p.fault(p.at, "JSON has no %s: remove the property, or write its value", word)
	case "none", "nil":
		return p.fault(p.at, "JSON has no %s: write null", word)
	case "yes", "no", "on", "off":
		return p.fault(p.at, "JSON has no %s: write true or false, or put it in double quotes", word)
	}
	switch {
	case c == '\'':
		return p.fault(p.at, "a text stands in double quotes, not in single ones")
	case c == '`':
		return p.fault(p.at, "a text stands in double quotes, not in backquotes")
	case c == ',' && len(p.frames) > 0:
		return p.fault(p.at, "a value is missing before this comma")
	case (c == '}' || c == ']') && len(p.frames) > 0:
		return p.fault(p.at, "a value is missing before this %c", c)
	case c == '}' || c == ']':
		return p.trailing()
	case c == '+' || c == '.':
		return p.noNumber(p.at)
	case c == '$':
		return p.fault(p.at, `a reference stands in double quotes: "$env(NAME)"`)
	case c < utf8.RuneSelf && isWordByte(c):
		return p.fault(p.at, "a text stands in double quotes")
	}
	return p.strange("a value")
}

// noNumber tells what is wrong with what begins as a number. It ends at p.at or goes on there.
func (p *parser) noNumber(start int) bool {
	p.at = start
	word := p.word()
	digits := strings.TrimLeft(word, "+-")
	switch {
	case strings.EqualFold(digits, "infinity"):
		return p.fault(start, "JSON has no Infinity: remove the property, or write its value")
	case strings.EqualFold(digits, "nan"):
		return p.fault(start, "JSON has no NaN: remove the property, or write its value")
	case word[0] == '+':
		return p.fault(start, "a number has no + before it")
	case strings.HasPrefix(digits, "."):
		return p.fault(start, "a number has a digit before its point")
	case strings.HasPrefix(strings.ToLower(digits), "0x"):
		return p.fault(start, "a number is written in decimal digits")
	case strings.Contains(digits, "_"):
		return p.fault(start, "a number has no _ between its digits")
	}
	return p.fault(start, "this is no number: a text stands in double quotes")
}

// unclosedText tells of a text or name that has no end on its line.
func (p *parser) unclosedText(i uint32) bool {
	return p.fault(int(p.doc.node(i).start), `the text that begins here has no " at its end: it must end on the same line`)
}

// controlCharacter tells of one within a text.
func (p *parser) controlCharacter(c byte) bool {
	if c == '\t' {
		return p.fault(p.at, `a text holds no tab: write \t`)
	}
	return p.fault(p.at, `a text holds no control character: write \u%04x`, c)
}

// noEscape tells of a backslash with something else after it than an escape has.
func (p *parser) noEscape(at int) bool {
	return p.fault(at, `a backslash must be written as \\, unless it begins one of \" \\ \/ \b \f \n \r \t \u0000`)
}

// strange tells of a character that has no meaning outside of texts.
func (p *parser) strange(expected string, args ...any) bool {
	expected = fmt.Sprintf(expected, args...)
	r, _ := utf8.DecodeRune(p.data[p.at:])
	rest := p.data[p.at:]
	switch {
	case strings.ContainsRune("“”„‟«»‘’‚‛′″", r):
		return p.fault(p.at, `%c is no quote in JSON: write "`, r)
	case r == '#' && p.comments:
		return p.fault(p.at, "a comment begins with //, not with #")
	case r == '#':
		return p.fault(p.at, "JSON has no comments: remove it%s after //", p.rename())
	case bytes.HasPrefix(rest, []byte("<<<<<<<")), bytes.HasPrefix(rest, []byte("=======")), bytes.HasPrefix(rest, []byte(">>>>>>>")):
		return p.fault(p.at, "this line is left over from a merge: decide which of the two versions stays")
	case unicode.IsPrint(r) && !unicode.IsSpace(r):
		return p.fault(p.at, "%s is expected here, not %c", expected, r)
	}
	return p.fault(p.at, "%s is expected here, not the invisible character U+%04X", expected, r)
}
