// Package route owns the step from a request's path and method to the route that serves it, compiled once per
// generation.
//
// It promises exact matching: paths are compared as they stand on the wire, percent-encoding included, without folding
// of case, slashes or dot segments, so that a policy and an upstream can never see two different paths (S74). The
// first route in the order of definition wins.
//
// It does not know what a route does.
package route

import (
	"slices"
	"strings"
)

// Table finds routes. Build it with Add, then only Match it: it is then safe for concurrent use.
type Table[T any] struct {
	literal  map[string]*path[T]
	template []*path[T]
	count    int
}

type path[T any] struct {
	order    int
	segments []string // nil for a literal path; "" matches any one segment
	methods  map[string]T
	allow    []string
}

// Add makes a route of a path and its methods. A segment in braces, "/files/{name}", matches any one non-empty
// segment. A method that an earlier Add of the same path took stays with the earlier one.
func (t *Table[T]) Add(at string, methods []string, value T) {
	p := t.find(at)
	if p == nil {
		p = &path[T]{order: t.count, methods: make(map[string]T)}
		if strings.Contains(at, "{") {
			p.segments = parse(at)
			t.template = append(t.template, p)
		} else {
			if t.literal == nil {
				t.literal = make(map[string]*path[T])
			}
			t.literal[at] = p
		}
	}
	t.count++
	for _, m := range methods {
		if _, taken := p.methods[m]; !taken {
			p.methods[m] = value
			p.allow = append(p.allow, m)
		}
	}
	slices.Sort(p.allow)
}

func (t *Table[T]) find(at string) *path[T] {
	if !strings.Contains(at, "{") {
		return t.literal[at]
	}
	for _, p := range t.template {
		if slices.Equal(p.segments, parse(at)) {
			return p
		}
	}
	return nil
}

func parse(at string) []string {
	segments := strings.Split(at, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") && strings.HasSuffix(s, "}") {
			segments[i] = ""
		}
	}
	segments[0] = "/" // what stands before the first slash; never a parameter
	return segments
}

// Match finds the route. With no route for the path, allow is nil; with one for other methods only, allow names them.
func (t *Table[T]) Match(method, escapedPath string) (value T, allow []string, ok bool) {
	p := t.literal[escapedPath]
	for _, c := range t.template {
		if p != nil && p.order < c.order {
			break
		}
		if c.matches(escapedPath) {
			p = c
			break
		}
	}
	if p == nil {
		return value, nil, false
	}
	value, ok = p.methods[method]
	return value, p.allow, ok
}

func (p *path[T]) matches(escapedPath string) bool {
	if !strings.HasPrefix(escapedPath, "/") {
		return false
	}
	rest := escapedPath[1:]
	for i, want := range p.segments[1:] {
		segment, tail, more := strings.Cut(rest, "/")
		if more == (i == len(p.segments)-2) {
			return false
		}
		if segment == "" || (want != "" && want != segment) || segment == "." || segment == ".." {
			return false
		}
		rest = tail
	}
	return true
}
