// Package route owns the step from a request's path and method to the route that serves it: how a path is written, which
// requests it means, and which of several routes has them. It is compiled once per generation.
//
// It promises exact matching: paths are compared as they stand on the wire, percent-encoding included, without folding
// of case, slashes or dot segments, so that a policy and an upstream can never see two different paths (S74); that the
// first route in the order of definition wins, however many there are and however they are written; that a match takes
// time linear in the length of the path (RE2); and that what Parse takes is what Match knows, since both are one type.
//
// It does not know what a route does.
package route

import (
	"regexp"
	"slices"
	"strings"
)

// Mode is a way to write paths: x-zuplo-path.pathMode.
type Mode string

// The modes.
const (
	// OpenAPI writes a variable as a whole segment, "/files/{name}" (OpenAPI 3.1 section 4.8.8.1).
	OpenAPI Mode = "open-api"
	// URLPattern is the pathname of the URL Pattern standard without what lets one pattern mean several paths of different
	// length: ":name", ":name(regex)", "(regex)" and "*", of which each may be a part of a segment.
	URLPattern Mode = "url-pattern"
)

// Bounds of what a match may cost: how long a path may be that is tried against a pattern, in bytes, and of how many
// steps a pattern with regular expressions may be.
const (
	maxPath  = 4 << 10
	maxSteps = 500
)

// Pattern is a path as a route has it. Make it with Parse; it is safe for concurrent use.
type Pattern struct {
	path    string // as requests have it, if literal; else as it was written
	literal bool
	prefix  string // what every matching path begins with
	shape   string
	// segments are those that matching paths have. nil: a variable may stand for several.
	segments []segment
	// expr says what matches, if segments do not.
	expr *regexp.Regexp
	// tail says that everything below prefix matches.
	tail bool
}

// segment is a part between slashes.
type segment struct {
	text string // what stands there, if it is literal; else its shape
	kind segmentKind
}

type segmentKind int

const (
	literalSegment segmentKind = iota
	anySegment                 // one that is not empty
	filledSegment              // one of some form that is never empty
	looseSegment               // one of some form
)

// piece is a literal text, or a variable if expr is not nil.
type piece struct {
	text string
	expr *expression
}

// Parse reads a path as the mode has it. The fault says what is wrong with it, for a person, and is "" if there is a
// Pattern.
func Parse(mode Mode, path string) (_ *Pattern, fault string) {
	if !strings.HasPrefix(path, "/") {
		return nil, "a path begins with /"
	}
	read := readTemplate
	if mode == URLPattern {
		read = readURLPattern
	}
	pieces, fault := read(path)
	if fault != "" {
		return nil, fault
	}
	if fault := segmentFault(pieces); fault != "" {
		return nil, fault
	}
	return compile(path, pieces)
}

// segmentFault answers why no request could have such segments.
func segmentFault(pieces []piece) string {
	var skeleton strings.Builder
	for _, p := range pieces {
		if p.expr != nil {
			skeleton.WriteByte('{') // anything that is no part of a path
		}
		skeleton.WriteString(p.text)
	}
	segments := strings.Split(skeleton.String()[1:], "/")
	for i, s := range segments {
		switch {
		case s == "" && i < len(segments)-1:
			return "a path has no empty segment: write one / instead of //"
		case s == "." || s == "..":
			return "a path has no segment . or .."
		}
	}
	return ""
}

func compile(path string, pieces []piece) (*Pattern, string) {
	p := &Pattern{path: path, shape: shapeOf(pieces), literal: !slices.ContainsFunc(pieces, piece.variable)}
	if p.literal {
		p.path, p.prefix = p.shape, p.shape
		return p, ""
	}
	p.prefix = pieces[0].text // which begins with /
	steps := 0
	for _, piece := range pieces {
		steps += len(piece.text)
		if piece.expr != nil {
			steps += piece.expr.steps
		}
	}
	p.tail = len(pieces) == 2 && pieces[1].variable() && pieces[1].expr.source == everything
	p.segments = segmentsOf(pieces)
	if p.segments != nil && !slices.ContainsFunc(p.segments, func(s segment) bool { return s.kind > anySegment }) {
		return p, ""
	}
	if steps > maxSteps {
		return nil, "the pattern is too large: write fewer or smaller counts like {1,100} and shorter texts"
	}
	var source strings.Builder
	source.WriteString(`\A`)
	for _, piece := range pieces {
		if piece.expr != nil {
			source.WriteString("(?s:" + piece.expr.source + ")")
		} else {
			source.WriteString(regexp.QuoteMeta(piece.text))
		}
	}
	source.WriteString(`\z`)
	var err error
	if p.expr, err = regexp.Compile(source.String()); err != nil {
		return nil, "the regular expressions of the pattern cannot be joined"
	}
	return p, ""
}

func (p piece) variable() bool { return p.expr != nil }

// shape is the piece so that two of one shape match the same.
func (p piece) shape() string {
	switch {
	case p.expr == nil:
		return p.text
	case p.expr.source == oneSegment:
		return "{}"
	}
	return "{" + p.expr.source + "}"
}

func shapeOf(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.shape())
	}
	return b.String()
}

// segmentsOf answers the segments that the pieces make, or nil if one of them may stand for several.
func segmentsOf(pieces []piece) []segment {
	segments := []segment{{}}
	for _, p := range pieces {
		if p.expr != nil && p.expr.slash {
			return nil
		}
		parts := []string{p.text}
		if p.expr == nil {
			parts = strings.Split(p.text, "/")
		}
		for i, text := range parts {
			if i > 0 {
				segments = append(segments, segment{})
			}
			last := &segments[len(segments)-1]
			last.add(piece{text, p.expr})
		}
	}
	return segments[1:] // nothing stands before the first slash
}

// add joins a piece to a segment. Two texts never follow each other within one.
func (s *segment) add(p piece) {
	first := s.text == ""
	switch {
	case p.expr == nil && p.text == "":
		return
	case p.expr == nil && s.kind != literalSegment:
		s.kind = filledSegment
	case p.expr == nil:
	case first && p.expr.source == oneSegment:
		s.kind = anySegment
	case p.expr.filled || s.kind == anySegment || s.kind == filledSegment || s.kind == literalSegment && !first:
		s.kind = filledSegment
	default:
		s.kind = looseSegment
	}
	s.text += p.shape()
}

// Literal answers the one path that the pattern matches, as it stands on the wire, and whether it is such a pattern.
func (p *Pattern) Literal() (path string, ok bool) {
	if !p.literal {
		return "", false
	}
	return p.path, true
}

// String is the path: of a literal one as requests have it, else as it was written.
func (p *Pattern) String() string { return p.path }

// Shape is the same for two patterns only if they match the same paths. That of a literal one is its path.
func (p *Pattern) Shape() string { return p.shape }

// Match says whether a request for the path, as it stands on the wire, is meant.
func (p *Pattern) Match(escapedPath string) bool {
	if p.literal {
		return p.path == escapedPath
	}
	// The prefix first: it is what most paths fail on, and costs least.
	return strings.HasPrefix(escapedPath, p.prefix) && ordinary(escapedPath) && p.matches(escapedPath)
}

// matches judges an ordinary path by a pattern that is not literal.
func (p *Pattern) matches(path string) bool {
	switch {
	case !strings.HasPrefix(path, p.prefix):
		return false
	case p.expr != nil:
		return p.expr.MatchString(path)
	}
	rest := path[1:]
	for i, s := range p.segments {
		text, tail, more := strings.Cut(rest, "/")
		if more != (i < len(p.segments)-1) {
			return false
		}
		if s.kind == anySegment && text == "" || s.kind == literalSegment && text != s.text {
			return false
		}
		rest = tail
	}
	return true
}

// ordinary says that nobody takes the path for another one: it has no empty segment but the last, and none that are dots,
// plain or escaped, which some would resolve (RFC 3986 section 6.2.2, S74). Others match only who has written them out.
func ordinary(path string) bool {
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted || len(path) > maxPath {
		return false
	}
	for more := true; more; {
		var text string
		text, rest, more = strings.Cut(rest, "/")
		if text == "" && more || dots(text) {
			return false
		}
	}
	return true
}

// dots says that a segment is "." or "..", in any spelling.
func dots(segment string) bool {
	if segment == "" || len(segment) > len("%2e%2e") {
		return false
	}
	plain := strings.ReplaceAll(strings.ToLower(segment), "%2e", ".")
	return plain == "." || plain == ".."
}

// Covers says that every path which other matches is matched by p. It never says so wrongly, and may not see it where
// regular expressions are involved.
func (p *Pattern) Covers(other *Pattern) bool {
	switch {
	case other.literal:
		return p.Match(other.path)
	case p.literal:
		return false
	case p.shape == other.shape:
		return true
	case p.tail:
		return strings.HasPrefix(other.prefix, p.prefix)
	}
	if len(p.segments) == 0 || len(p.segments) != len(other.segments) {
		return false
	}
	for i, s := range p.segments {
		if !s.covers(other.segments[i]) {
			return false
		}
	}
	return true
}

func (s segment) covers(other segment) bool {
	if s.kind == anySegment {
		return other.kind == anySegment || other.kind == filledSegment || other.kind == literalSegment && other.text != ""
	}
	return s == other
}
