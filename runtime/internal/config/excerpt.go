package config

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"durward/runtime/internal/document"
	"durward/runtime/internal/reference"
)

// Excerpt is the part of a line of a file around a problem. What must not be printed is masked in it (G10).
type Excerpt struct {
	// Line is "" if nothing of the file may be shown, or there is nothing to show.
	Line string
	// Column counts the characters of Line from 1, up to where the problem begins; Width is how many of them it is about.
	Column, Width int
}

const (
	// maxLine is how many bytes a line may have of which something is shown: longer ones are written by programs.
	maxLine = 4 << 10
	// maxExcerpt is how many characters are shown, and before is how many of them at most stand before the place.
	maxExcerpt, before = 160, 100
	mask               = "\u2026"
)

// span is a part of a file, from an offset up to another one.
type span struct{ from, to int }

// hide has the value at a pointer not be shown, wherever it is written. Where something else than an object stands on the
// way to it, that is not shown: it may hold the value in another form.
func (s *source) hide(pointer string) {
	file, within := s.locate(pointer)
	if v, exact := file.doc.Find(within); exact || file.doc != nil && v.Kind() != document.Object {
		file.hidden = append(file.hidden, span{v.Start(), v.End()})
	}
	for at, file := range s.imported {
		if strings.HasPrefix(at, pointer+"/") {
			file.hidden = append(file.hidden, span{0, len(file.data)})
		}
	}
}

// hideSecrets has no secret be shown, nor what may be one: an option of a type that nobody knows, a property that must not
// be there, whose name may be a misspelt one.
func (b *build) hideSecrets(drafts []*policyDraft) {
	for _, s := range b.main {
		for pointer := range s.unknown {
			s.hide(pointer)
		}
	}
	for _, pointer := range b.schemas.Gateway.Hidden(b.gateway.value) {
		b.gateway.hide(pointer)
	}
	if _, ok := get(b.policies.value, "policies").([]any); !ok {
		b.policies.hide("/policies")
	}
	for _, d := range drafts {
		if d.kind == nil || d.options == nil {
			b.policies.hide(d.optionsAt())
			continue
		}
		for _, pointer := range d.kind.options.Hidden(d.options) {
			b.policies.hide(d.optionsAt() + pointer)
		}
	}
	for _, s := range b.sources() {
		slices.SortFunc(s.hidden, func(a, b span) int { return cmp.Compare(a.from, b.from) })
		s.hidden = joined(s.hidden)
	}
}

// joined makes one of spans that overlap. They are sorted.
func joined(spans []span) (out []span) {
	for _, next := range spans {
		if last := len(out) - 1; last >= 0 && next.from <= out[last].to {
			out[last].to = max(out[last].to, next.to)
			continue
		}
		out = append(out, next)
	}
	return out
}

// isHidden says whether what is at an offset must not be shown.
func (s *source) isHidden(offset int) bool {
	i, exact := slices.BinarySearchFunc(s.hidden, offset, func(h span, offset int) int { return cmp.Compare(h.from, offset) })
	return exact || i > 0 && offset < s.hidden[i-1].to
}

// excerpt shows the line of an offset. Names, numbers and brackets are shown, and texts that are certain to be no secret; in
// a file that has no meaning no text is, and nowhere what is between the tokens: a secret is left over in a comment, too.
func (s *source) excerpt(offset int) Excerpt {
	start := s.lines.Start(offset)
	end := len(s.data)
	if i := bytes.IndexByte(s.data[start:], '\n'); i >= 0 {
		end = start + i
	}
	if end-start > maxLine {
		return Excerpt{}
	}
	line := bytes.TrimRight(s.data[start:end], "\r")
	x := excerpting{source: s, line: line, start: start, place: min(offset-start, len(line))}
	x.run()
	return x.clipped()
}

// excerpting is an excerpt in the making.
type excerpting struct {
	*source
	line  []byte
	start int // where the line begins in the file
	place int // where the problem is in the line
	at    int // the next byte of the line

	out           []rune
	column, width int // in out, counted from 0
	begun         bool
}

func (x *excerpting) run() {
	for x.at < len(x.line) {
		from := x.at
		switch c := x.line[x.at]; {
		case strings.IndexByte(" \t{}[],:", c) >= 0:
			x.at++
			x.show(from, string(c))
		case c == '"':
			x.text()
		default:
			x.word()
		}
	}
	if !x.begun {
		x.column, x.width = len(x.out), 1
	}
}

// show writes what stands in place of the bytes from an offset up to x.at.
func (x *excerpting) show(from int, text string) {
	shown := []rune(text)
	if !x.begun && x.place < x.at {
		x.begun = true
		x.column, x.width = len(x.out), max(len(shown), 1)
		if inner := x.place - from; inner > 0 && text == string(x.line[from:x.at]) { // within what is shown as it is
			skipped := utf8.RuneCount(x.line[from:x.place])
			x.column, x.width = x.column+skipped, max(x.width-skipped-1, 1)
		}
	}
	x.out = append(x.out, shown...)
}

// text passes a text or name.
func (x *excerpting) text() {
	from := x.at
	closed := false
	for x.at++; x.at < len(x.line) && !closed; x.at++ {
		switch x.line[x.at] {
		case '\\':
			x.at++
		case '"':
			closed = true
		}
	}
	x.at = min(x.at, len(x.line))
	written := string(x.line[from:x.at])
	switch {
	case x.mayShow(from, closed):
		x.show(from, written)
	case closed:
		x.show(from, `"`+mask+`"`)
	default:
		x.show(from, `"`+mask)
	}
}

// mayShow says whether the text from an offset of the line up to x.at may be shown.
func (x *excerpting) mayShow(from int, closed bool) bool {
	if x.doc == nil {
		return closed && x.isName(from)
	}
	token, ok := x.doc.Token(x.start + from)
	switch {
	case !ok || token.End != x.start+x.at || token.Kind != document.Text:
		return false
	case token.Name:
		return true
	}
	text := x.line[from:x.at]
	return !token.Dropped && (!x.isHidden(token.Start) && !holdsKey(text) || reference.IsWhole(strings.Trim(string(text), `"`)))
}

// isName says, in a file that has no meaning, whether the text from an offset of the line up to x.at is a name as certainly
// as anybody can say: it stands first or after a { or comma, and a colon follows.
func (x *excerpting) isName(from int) bool {
	ahead := bytes.TrimLeft(x.line[x.at:], " \t")
	behind := bytes.TrimRight(x.line[:from], " \t")
	return len(ahead) > 0 && ahead[0] == ':' && (len(behind) == 0 || behind[len(behind)-1] == '{' || behind[len(behind)-1] == ',')
}

// holdsKey says whether a text is a URL with what may let one in: a user or a password, a query, a fragment.
func holdsKey(text []byte) bool {
	_, rest, ok := bytes.Cut(text, []byte("://"))
	return ok && bytes.ContainsAny(rest, "@?#")
}

// word passes what is neither a text nor a bracket: a number or literal, and all else, which is not shown.
func (x *excerpting) word() {
	from := x.at
	for x.at < len(x.line) && strings.IndexByte(" \t{}[],:\"", x.line[x.at]) < 0 {
		x.at++
	}
	written := string(x.line[from:x.at])
	token, ok := x.doc.Token(x.start + from)
	switch {
	case ok && token.End == x.start+x.at && !token.Dropped && !x.isHidden(token.Start),
		x.doc == nil && slices.Contains([]string{"null", "true", "false"}, written):
		x.show(from, written)
	default:
		x.show(from, mask)
	}
}

// clipped is what is shown, clipped around the place.
func (x *excerpting) clipped() Excerpt {
	out, column := x.out, x.column
	if len(out) > maxExcerpt {
		from := min(max(column-before, 0), len(out)-maxExcerpt)
		to := from + maxExcerpt
		out = slices.Clone(out[from:to])
		column -= from
		if from > 0 {
			out[0] = []rune(mask)[0]
		}
		if to < len(x.out) {
			out[len(out)-1] = []rune(mask)[0]
		}
	}
	return Excerpt{Line: string(out), Column: column + 1, Width: max(1, min(x.width, len(out)-column))}
}
