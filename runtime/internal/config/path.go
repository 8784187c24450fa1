package config

import (
	"slices"
	"strings"

	"durward/runtime/internal/reference"
)

// pathPlace is a path and where it stands.
type pathPlace struct {
	path, at string
	source   *source
}

// checkPath refuses a path that is not in normal form, or that matches what another one matches.
func (s *source) checkPath(path, pathAt string, shapes map[string]pathPlace) {
	if fault := pathFault(path); fault != "" {
		s.nameProblem(pathAt, "%s", fault)
		return
	}
	shape := pathShape(path)
	other, taken := shapes[shape]
	switch {
	case !taken:
		shapes[shape] = pathPlace{path, pathAt, s}
	case strings.HasSuffix(path, "/") != strings.HasSuffix(other.path, "/"):
		s.nameProblem(pathAt, "differs from path %q %s in its last slash only: keep one of them",
			other.path, s.where(other.source, other.at))
	default:
		s.nameProblem(pathAt, "matches the same requests as path %q %s", other.path, s.where(other.source, other.at))
	}
}

// pathFault answers what is wrong with a route's path, or "".
func pathFault(path string) string {
	if !strings.HasPrefix(path, "/") {
		return "a path begins with /"
	}
	if strings.ContainsAny(path, "?#") {
		return "a path has no query and no fragment"
	}
	segments := strings.Split(path[1:], "/")
	var names []string
	for i, segment := range segments {
		last := i == len(segments)-1
		switch {
		case segment == "" && !last:
			return "a path has no empty segment: write one / instead of //"
		case segment == "." || segment == "..":
			return "a path has no segment . or .."
		}
		name, isVariable := variable(segment)
		switch {
		case isVariable && slices.Contains(names, name):
			return "a path names no variable twice"
		case isVariable:
			names = append(names, name)
		case strings.ContainsAny(segment, "{}"):
			return "a variable is a whole segment, {name} with letters, digits and _"
		case strings.IndexFunc(segment, notInPath) >= 0:
			return "a path holds letters, digits and -._~!$&'()*+,;=:@ only"
		}
	}
	return ""
}

// variable answers the name within a {name} segment.
func variable(segment string) (name string, ok bool) {
	name, opened := strings.CutPrefix(segment, "{")
	name, shut := strings.CutSuffix(name, "}")
	return name, opened && shut && reference.IsName(name)
}

// notInPath is true of what is no pchar of RFC 3986 section 3.3. A percent sign is refused too: an escape would give one
// path two spellings.
func notInPath(r rune) bool {
	isLetter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !isLetter && (r < '0' || '9' < r) && !strings.ContainsRune("-._~!$&'()*+,;=:@", r)
}

// pathShape is the same for paths that a request could not choose between.
func pathShape(path string) string {
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, segment := range segments {
		if _, ok := variable(segment); ok {
			segments[i] = "{}"
		}
	}
	return strings.Join(segments, "/")
}
