package route

import (
	"errors"
	"regexp/syntax"
	"slices"
	"strings"
)

// The regular expressions of variables that are written without one.
const (
	oneSegment = "[^/]+"
	everything = ".*"
)

// expression is what a variable stands for.
type expression struct {
	source string
	// slash: it may match one, and so stand for several segments. filled: it never matches nothing.
	slash, filled bool
	steps         int
}

func segmentExpression() *expression {
	return &expression{source: oneSegment, filled: true, steps: 2}
}

// newExpression checks a regular expression: RE2's (https://github.com/google/re2/wiki/Syntax), of what the standard
// allows, which is ASCII without groups of its own.
func newExpression(source string) (_ *expression, fault string) {
	switch {
	case source == oneSegment:
		return segmentExpression(), ""
	case source == "":
		return nil, "a regular expression is not empty"
	case strings.IndexFunc(source, func(r rune) bool { return r < ' ' || r > '~' }) >= 0:
		return nil, "a regular expression holds ASCII characters only"
	}
	if fault := groupFault(source); fault != "" {
		return nil, fault
	}
	parsed, err := syntax.Parse(source, syntax.Perl)
	if err != nil {
		reason := "it is too complex"
		if bad, ok := errors.AsType[*syntax.Error](err); ok {
			reason = string(bad.Code)
		}
		return nil, "a regular expression cannot be used, as RE2 understands it: " + reason
	}
	if fault := anchorFault(parsed); fault != "" {
		return nil, fault
	}
	return &expression{source, mayMatchSlash(parsed), filled(parsed), steps(parsed)}, ""
}

// groupFault refuses groups that name or remember something, and those that look around.
func groupFault(source string) string {
	if strings.HasPrefix(source, "?") {
		return "a regular expression does not begin with ?"
	}
	for i := 0; i < len(source); i++ {
		switch {
		case source[i] == '\\':
			i++
		case source[i] != '(' || strings.HasPrefix(source[i:], "(?:"):
		case strings.HasPrefix(source[i:], "(?=") || strings.HasPrefix(source[i:], "(?!") || strings.HasPrefix(source[i:], "(?<"):
			return "a regular expression cannot look around with (?=, (?! or (?<: a match takes linear time (RE2)"
		default:
			return "a group within a regular expression is written (?:...)"
		}
	}
	return ""
}

// anchorFault refuses what holds at the edges of the path only, of which a variable is a part.
func anchorFault(e *syntax.Regexp) string {
	switch e.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary,
		syntax.OpNoWordBoundary:
		return `a regular expression has no ^, $ or \b: it must match the whole of its part of the path anyway`
	}
	for _, sub := range e.Sub {
		if fault := anchorFault(sub); fault != "" {
			return fault
		}
	}
	return ""
}

func mayMatchSlash(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpLiteral:
		return slices.Contains(e.Rune, '/')
	case syntax.OpCharClass:
		for i := 0; i+1 < len(e.Rune); i += 2 {
			if e.Rune[i] <= '/' && '/' <= e.Rune[i+1] {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(e.Sub, mayMatchSlash)
}

// filled says that an expression does not match the empty text. In doubt it does not say so.
func filled(e *syntax.Regexp) bool {
	switch e.Op {
	case syntax.OpLiteral:
		return len(e.Rune) > 0
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true
	case syntax.OpPlus, syntax.OpCapture:
		return filled(e.Sub[0])
	case syntax.OpRepeat:
		return e.Min > 0 && filled(e.Sub[0])
	case syntax.OpConcat:
		return slices.ContainsFunc(e.Sub, filled)
	case syntax.OpAlternate:
		return !slices.ContainsFunc(e.Sub, func(sub *syntax.Regexp) bool { return !filled(sub) })
	}
	return false
}

// steps is how large an expression becomes once counts are written out, up to a bound past maxSteps.
func steps(e *syntax.Regexp) int {
	n := 1 + len(e.Rune)
	for _, sub := range e.Sub {
		n += steps(sub)
	}
	if e.Op == syntax.OpRepeat {
		n = steps(e.Sub[0]) * max(1, e.Min, e.Max)
	}
	return min(n, 2*maxSteps)
}
