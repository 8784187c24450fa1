package reference

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// LineFault is what is wrong with a line of a file. Lines count from 1.
type LineFault struct {
	Line int
	Text string
}

// entry is one variable of .env. A broken one has no value: its line has a fault.
type entry struct {
	name, value string
	line        int
	broken      bool
}

// dotEnv are the variables of a .env file, by name.
type dotEnv []entry

// parseDotEnv reads lines of the form NAME=VALUE. "export " may stand before the name, empty lines and lines that begin
// with # mean nothing. A value is
//
//   - bare: without space, quotes and backslashes in it, and up to a " #" behind it;
//   - '...': as it stands;
//   - "...": where \n, \t, \\ and \" are a line end, a tab, a backslash and a quote.
//
// Nothing is expanded and no value goes on in the next line. What other readers of such files understand in another way
// is a fault, never a guess. Good lines count though others have faults.
func parseDotEnv(data []byte) (vars dotEnv, faults []LineFault) {
	text := string(data)
	if strings.HasPrefix(text, "\uFEFF") {
		return nil, []LineFault{{1, "begins with a byte order mark: save it as UTF-8 without one"}}
	}
	vars = make(dotEnv, 0, strings.Count(text, "="))
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		name, value, fault := parseLine(line)
		if fault != "" && len(faults) < maxFaults {
			faults = append(faults, LineFault{number, fault})
		}
		if name != "" {
			vars = append(vars, entry{name, value, number, fault != ""})
		}
	}
	return vars.sorted(faults)
}

// sorted puts the variables in order, and finds those that have two lines.
func (d dotEnv) sorted(faults []LineFault) (dotEnv, []LineFault) {
	slices.SortStableFunc(d, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	for i := 1; i < len(d); i++ {
		if d[i].name == d[i-1].name && len(faults) < maxFaults {
			faults = append(faults, LineFault{d[i].line, "sets a variable that an earlier line sets: keep one of them"})
		}
	}
	slices.SortStableFunc(faults, func(a, b LineFault) int { return a.Line - b.Line })
	return d, faults
}

func (d dotEnv) find(name string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(d, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
	if !ok {
		return entry{}, false
	}
	return d[i], true
}

// parseLine answers what a line sets, or why it cannot be read; nothing of one that sets nothing.
func parseLine(line string) (name, value, fault string) {
	switch {
	case !utf8.ValidString(line):
		return "", "", "is not valid UTF-8"
	case strings.IndexByte(line, 0) >= 0:
		return "", "", "holds a NUL byte"
	}
	line = strings.TrimLeft(line, " \t")
	if line == "" || line[0] == '#' {
		return "", "", ""
	}
	if rest, ok := strings.CutPrefix(line, "export "); ok {
		line = strings.TrimLeft(rest, " \t")
	}
	name, value, ok := strings.Cut(line, "=")
	if trimmed := strings.TrimRight(name, " \t"); ok && trimmed != name && isVariable(trimmed) {
		return trimmed, "", "has space before the =: write NAME=VALUE"
	}
	if !ok || !isVariable(name) {
		return begins(line), "", "is no NAME=VALUE, where NAME is of letters, digits and _"
	}
	value, fault = parseValue(value)
	return name, value, fault
}

// begins answers the name that a line begins with which sets nothing, as in "NAME: VALUE": who has written the line means
// that variable.
func begins(line string) string {
	end := strings.IndexAny(line, ": \t")
	if end < 0 || !isVariable(line[:end]) {
		return ""
	}
	return line[:end]
}

func isVariable(name string) bool {
	return IsName(name) && len(name) <= maxName && (name[0] < '0' || '9' < name[0])
}

func parseValue(text string) (value, fault string) {
	if text == "" {
		return "", ""
	}
	switch text[0] {
	case '\'':
		value, rest, closed := strings.Cut(text[1:], "'")
		if !closed {
			return "", "has no closing ': a value ends on its line"
		}
		return value, behind(rest)
	case '"':
		return quoted(text[1:])
	case ' ', '\t':
		if rest := strings.TrimLeft(text, " \t"); rest == "" || rest[0] == '#' {
			return "", ""
		}
		return "", "has space behind the =: write NAME=VALUE"
	case '#':
		return "", "has a value that begins with #: put it in '...', or space before a comment"
	}
	end := strings.IndexAny(text, " \t")
	if end < 0 {
		end = len(text)
	}
	value = text[:end]
	switch fault := behind(text[end:]); {
	case fault != "":
		return "", "has a value with space in it: put it in '...' or \"...\""
	case strings.ContainsAny(value, "'\"\\`"):
		return "", "has a value with a quote or a backslash in it: put it in '...'"
	}
	return value, expands(value)
}

// quoted reads what follows a double quote.
func quoted(text string) (value, fault string) {
	if !strings.Contains(text, `\`) {
		value, rest, closed := strings.Cut(text, `"`)
		if !closed {
			return "", `has no closing ": a value ends on its line, and \n is a line end in it`
		}
		if fault := behind(rest); fault != "" {
			return "", fault
		}
		return value, expands(value)
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			if fault := behind(text[i+1:]); fault != "" {
				return "", fault
			}
			return out.String(), expands(out.String())
		case '\\':
			i++
			at := -1
			if i < len(text) {
				at = strings.IndexByte(`nt\"`, text[i])
			}
			if at < 0 {
				return "", `has a \ that is none of \n, \t, \\ and \"`
			}
			out.WriteByte("\n\t\\\""[at])
		default:
			out.WriteByte(c)
		}
	}
	return "", `has no closing ": a value ends on its line, and \n is a line end in it`
}

// behind answers what is wrong with the rest of a line: there may be a comment.
func behind(rest string) string {
	trimmed := strings.TrimLeft(rest, " \t")
	if trimmed == "" || trimmed[0] == '#' && len(trimmed) < len(rest) {
		return ""
	}
	return "has text behind the value's closing quote"
}

// expands refuses what other readers replace by something else.
func expands(value string) string {
	if strings.Contains(value, "${") || strings.Contains(value, "$(") {
		return "has ${ or $( in its value, and nothing is expanded: put the value in '...' if it is meant so"
	}
	return ""
}
