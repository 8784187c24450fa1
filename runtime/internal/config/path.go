package config

import (
	"cmp"
	"strings"

	"durward/runtime/internal/route"
)

// pathPlace is a path and where it stands.
type pathPlace struct {
	path, at string
	source   *source
}

// readPattern reads a path as its pathMode has it. The path must be in a normal form, and differ from every other. nil: it
// is not known which requests it means.
func (b *routesReader) readPattern(s *source, path, pathAt string) *route.Pattern {
	modeAt := pathAt + "/x-zuplo-path/pathMode"
	if !s.sound(modeAt) {
		return nil
	}
	mode := route.Mode(cmp.Or(text(s.value, "paths", path, "x-zuplo-path", "pathMode"), string(route.OpenAPI)))
	pattern, fault := route.Parse(mode, path)
	if fault != "" {
		s.nameProblem(pathAt, "%s", fault)
		return nil
	}
	if mode == route.OpenAPI && strings.Contains(path, "/:") {
		s.nameNote(pathAt, "a : means itself in pathMode open-api: for a variable write {name}, or pathMode url-pattern")
	}
	b.checkOrder(s, pattern, pathPlace{path, pathAt, s})
	return pattern
}

// checkOrder refuses a path that matches what an earlier one matches, and notes one that no request reaches.
func (b *routesReader) checkOrder(s *source, pattern *route.Pattern, here pathPlace) {
	shape := strings.TrimSuffix(pattern.Shape(), "/")
	other, taken := b.shapes[shape]
	switch {
	case !taken:
		b.shapes[shape] = here
		if cover, covered := b.paths.Cover(pattern); covered {
			s.nameNote(here.at, "can never be reached: everything that it matches is taken by path %q %s",
				cover.path, s.where(cover.source, cover.at))
		}
	case strings.HasSuffix(here.path, "/") != strings.HasSuffix(other.path, "/"):
		s.nameProblem(here.at, "differs from path %q %s in its last slash only: keep one of them",
			other.path, s.where(other.source, other.at))
	default:
		s.nameProblem(here.at, "matches the same requests as path %q %s", other.path, s.where(other.source, other.at))
	}
	b.paths.Add(pattern, nil, here)
}
