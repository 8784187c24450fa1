package route

import (
	"slices"
	"strings"
)

// special are the signs that mean something in mode URLPattern. After a \ they mean themselves.
const special = `:*+()`

// readURLPattern reads a path of mode URLPattern (https://urlpattern.spec.whatwg.org, section 1.1, of the pathname).
func readURLPattern(path string) (pieces []piece, fault string) {
	r := urlPatternReader{rest: path}
	for r.rest != "" {
		if fault := r.piece(); fault != "" {
			return nil, fault
		}
	}
	return r.pieces, ""
}

type urlPatternReader struct {
	rest   string
	pieces []piece
	names  []string
}

// text adds a literal text.
func (r *urlPatternReader) text(text string) {
	if last := len(r.pieces) - 1; last >= 0 && r.pieces[last].expr == nil {
		r.pieces[last].text += text
		return
	}
	r.pieces = append(r.pieces, piece{text: text})
}

// behindVariable says that what comes next would be a modifier of a variable.
func (r *urlPatternReader) behindVariable() bool {
	return len(r.pieces) > 0 && r.pieces[len(r.pieces)-1].variable()
}

// piece reads the next piece.
func (r *urlPatternReader) piece() (fault string) {
	sign := r.rest[0]
	switch {
	case sign == '{' || sign == '}':
		return "groups in braces are not known here: write a path for each form, or pathMode open-api for {name}"
	case sign == '+', (sign == '*' || sign == '?') && r.behindVariable():
		return "a variable that may be missing or there several times (? + *) is not known here: write a path for each form" +
			hintFor(sign)
	case sign == '?' || sign == '#':
		return "a path has no query and no fragment"
	case sign == ')':
		return `a ) has no ( before it: \) is the sign itself`
	case sign == '*':
		r.rest = r.rest[1:]
		return r.variable(everything)
	case sign == ':':
		return r.named()
	case sign == '(':
		return r.expression()
	case sign == '\\':
		if len(r.rest) == 1 || !strings.ContainsRune(special, rune(r.rest[1])) {
			return `a \ stands only before one of ` + special
		}
		r.text(r.rest[1:2])
		r.rest = r.rest[2:]
		return ""
	}
	text := r.rest
	if end := strings.IndexAny(text, special+`{}?#\`); end >= 0 {
		text = text[:end]
	}
	r.text(text)
	r.rest = r.rest[len(text):]
	return textFault(text)
}

func hintFor(sign byte) string {
	if sign == '?' {
		return ""
	}
	return `, and \` + string(sign) + ` for the sign itself`
}

// named reads ":name", with a regular expression behind it or not.
func (r *urlPatternReader) named() (fault string) {
	name := r.rest[1:]
	if end := strings.IndexFunc(name, notInName); end >= 0 {
		name = name[:end]
	}
	switch {
	case name == "" || '0' <= name[0] && name[0] <= '9':
		return `a variable is :name with letters, digits and _, no digit first: \: is the sign itself`
	case slices.Contains(r.names, name):
		return twice
	}
	r.names = append(r.names, name)
	r.rest = r.rest[1+len(name):]
	if strings.HasPrefix(r.rest, "(") {
		return r.expression()
	}
	return r.variable(oneSegment)
}

// expression reads a regular expression in parentheses.
func (r *urlPatternReader) expression() (fault string) {
	depth := 0
	for i := 0; i < len(r.rest); i++ {
		switch r.rest[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				source := r.rest[1:i]
				r.rest = r.rest[i+1:]
				return r.variable(source)
			}
		}
	}
	return `a ( has no ) behind it: \( is the sign itself`
}

func (r *urlPatternReader) variable(source string) (fault string) {
	expr, fault := newExpression(source)
	r.pieces = append(r.pieces, piece{expr: expr})
	return fault
}
