package middleware

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"durward/policies"
)

// template is the value of a header: a text, in which parts of the principal may stand.
type template struct {
	// fixed is the value if it names no principal, as a header holds it.
	fixed  []string
	pieces []piece
}

// piece is a text, or a part of the principal.
type piece struct {
	text string
	part part
}

// part is a part of the principal that a value may name.
type part int

const (
	noPart part = iota
	sub
	email
	issuer
)

// partNamed answers the part that stands between "${" and "}".
func partNamed(name string) part {
	switch name {
	case "principal.sub":
		return sub
	case "principal.email":
		return email
	case "principal.issuer":
		return issuer
	}
	return noPart
}

func (p part) of(who *policies.Principal) (name, value string) {
	switch p {
	case sub:
		return "sub", who.Subject
	case email:
		return "email", who.Email
	default:
		return "issuer", who.Issuer
	}
}

// parse reads a value. The faults are for a person and quote nothing of it.
//
// What a variable holds is taken as it is. Everywhere else "${" begins a part of the principal: a misspelt one sent to
// the upstream as it stands would look like a value. Who needs those two characters takes them from a variable.
//
// Where values are plain, there is no principal to name, and "${" would only ever be a mistake.
func parse(text string, fromEnv []Span, plain bool) (t template, faults []string) {
	rest := 0
	for _, span := range fromEnv {
		t.read(text[rest:span.From], plain, &faults)
		t.add(piece{text: text[span.From:span.To]})
		if fault := variableFault(text[span.From:span.To]); fault != "" {
			faults = append(faults, fault)
		}
		rest = span.To
	}
	t.read(text[rest:], plain, &faults)
	if !t.namesPrincipal() {
		t.fixed = []string{text}
	}
	if len(faults) == 0 {
		if fault := t.fault(); fault != "" {
			faults = append(faults, fault)
		}
	}
	slices.Sort(faults)
	return t, slices.Compact(faults)
}

// read reads what the file itself says.
func (t *template) read(text string, plain bool, faults *[]string) {
	for {
		before, after, found := strings.Cut(text, "${")
		t.add(piece{text: before})
		if !found {
			return
		}
		if plain {
			*faults = append(*faults, "${ means nothing in a header of the answer, save in what $env(NAME) stands for")
			return
		}
		name, rest, closed := strings.Cut(after, "}")
		p := partNamed(name)
		if p == noPart || !closed {
			*faults = append(*faults, "${ can begin only ${principal.sub}, ${principal.email} or ${principal.issuer}, "+
				"save in what $env(NAME) stands for")
			return
		}
		t.add(piece{part: p})
		text = rest
	}
}

func (t *template) add(p piece) {
	if p != (piece{}) {
		t.pieces = append(t.pieces, p)
	}
}

func (t *template) namesPrincipal() bool {
	return slices.ContainsFunc(t.pieces, func(p piece) bool { return p.part != noPart })
}

// variableFault answers what is wrong with what a variable holds.
func variableFault(value string) string {
	switch {
	case value == "":
		return "a variable in it is empty"
	case strings.HasSuffix(value, "\n"), strings.HasSuffix(value, "\r"):
		return "a variable in it ends in a line end, which cannot stand in a header: give the variable its value without one"
	}
	return ""
}

// fault answers why the texts cannot stand in a header, or "" (RFC 9110 section 5.5).
func (t *template) fault() string {
	for i, p := range t.pieces {
		switch {
		case strings.ContainsFunc(p.text, isControl):
			return "holds a line end or another control character, which cannot stand in a header"
		case i == 0 && strings.TrimLeft(p.text, " \t") != p.text,
			i == len(t.pieces)-1 && strings.TrimRight(p.text, " \t") != p.text:
			return "begins or ends with a space, which would not arrive: leave it out"
		}
	}
	return ""
}

func isControl(r rune) bool { return unicode.IsControl(r) && r != '\t' }

// values answers the header's values for a principal: none if the principal has no e-mail address and the template names
// it. fault is why a request cannot be sent on; it quotes nothing.
func (t *template) values(who *policies.Principal) (_ []string, fault string) {
	if t.fixed != nil {
		return t.fixed, ""
	}
	if who == nil {
		return nil, "no policy has said who is calling"
	}
	size := 0
	for _, p := range t.pieces {
		size += len(p.text)
		if p.part == noPart {
			continue
		}
		name, value := p.part.of(who)
		switch {
		case value == "" && p.part == email:
			return nil, ""
		case !whole(value):
			return nil, "the principal's " + name + " cannot stand in a header as it is"
		}
		size += len(value)
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range t.pieces {
		b.WriteString(p.text)
		if p.part != noPart {
			_, value := p.part.of(who)
			b.WriteString(value)
		}
	}
	return []string{b.String()}, ""
}

// whole says that a value arrives in a header as it is: without control characters, and without space around it, which
// is no part of a header's value and would make one person of two (RFC 9110 section 5.5).
func whole(value string) bool {
	return value != "" && utf8.ValidString(value) && strings.IndexFunc(value, unicode.IsControl) < 0 &&
		strings.TrimSpace(value) == value
}
