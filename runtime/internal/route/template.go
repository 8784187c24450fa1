package route

import (
	"slices"
	"strings"
)

// readTemplate reads a path of mode OpenAPI.
func readTemplate(path string) (pieces []piece, fault string) {
	if strings.ContainsAny(path, "?#") {
		return nil, "a path has no query and no fragment"
	}
	if !strings.ContainsAny(path, "{}") {
		return []piece{{text: path}}, textFault(path)
	}
	var names []string
	text := ""
	for segment := range strings.SplitSeq(path[1:], "/") {
		text += "/"
		name, isVariable := variable(segment)
		switch {
		case isVariable && slices.Contains(names, name):
			return nil, twice
		case isVariable:
			names = append(names, name)
			pieces = append(pieces, piece{text: text}, piece{expr: segmentExpression()})
			text = ""
		case strings.ContainsAny(segment, "{}"):
			return nil, "a variable is a whole segment, {name} with letters, digits and _"
		default:
			text += segment
		}
	}
	if text != "" {
		pieces = append(pieces, piece{text: text})
	}
	for _, p := range pieces {
		if fault := textFault(p.text); fault != "" {
			return nil, fault
		}
	}
	return pieces, ""
}

const twice = "a path names no variable twice"

// variable answers the name within a {name} segment.
func variable(segment string) (name string, ok bool) {
	name, opened := strings.CutPrefix(segment, "{")
	name, shut := strings.CutSuffix(name, "}")
	return name, opened && shut && name != "" && strings.IndexFunc(name, notInName) < 0
}

func notInName(r rune) bool {
	return r != '_' && (r < '0' || '9' < r) && (r < 'a' || 'z' < r) && (r < 'A' || 'Z' < r)
}

// textFault refuses what is no pchar of RFC 3986 section 3.3. A percent sign is refused too: an escape would give one
// path two spellings.
func textFault(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r != '/' && notInPath(r) }) >= 0 {
		return "a path holds letters, digits and -._~!$&'()*+,;=:@ only"
	}
	return ""
}

func notInPath(r rune) bool { return notInName(r) && !strings.ContainsRune("-.~!$&'()*+,;=:@", r) }
