package route

import "slices"

// Table finds routes. Build it with Add, then only Match it: it is then safe for concurrent use.
//
// Literal paths are found by one look-up. The others are tried in order, and only as far as the literal one that was
// found.
type Table[T any] struct {
	literal  map[string]*path[T]
	patterns []*path[T]
	byShape  map[string]*path[T] // of patterns
	count    int
}

type path[T any] struct {
	pattern *Pattern
	order   int
	methods map[string]T
	first   T
	allow   []string
}

// Add makes a route of a path and its methods. A method that an earlier Add of the same path took stays with the earlier
// one.
func (t *Table[T]) Add(at *Pattern, methods []string, value T) {
	p := t.find(at)
	if p == nil {
		p = &path[T]{pattern: at, order: t.count, methods: make(map[string]T, len(methods)), first: value}
		if at.literal {
			t.literal = set(t.literal, at.path, p)
		} else {
			t.patterns = append(t.patterns, p)
			t.byShape = set(t.byShape, at.shape, p)
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

func (t *Table[T]) find(at *Pattern) *path[T] {
	if at.literal {
		return t.literal[at.path]
	}
	return t.byShape[at.shape]
}

// set is m[key] = value, which makes the map if need be.
func set[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = make(map[string]V)
	}
	m[key] = value
	return m
}

// Match finds the route. With no route for the path, allow is nil; with one for other methods only, allow names them.
func (t *Table[T]) Match(method, escapedPath string) (value T, allow []string, ok bool) {
	p := t.literal[escapedPath]
	limit := t.count
	if p != nil {
		limit = p.order
	}
	for i, c := range t.patterns {
		if limit < c.order || i == 0 && !ordinary(escapedPath) {
			break
		}
		if c.pattern.matches(escapedPath) {
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

// Cover answers the first route of the first path that takes every request which at means, as far as Pattern.Covers can
// tell. What is added after it can never be reached.
func (t *Table[T]) Cover(at *Pattern) (value T, ok bool) {
	p := t.find(at)
	for _, c := range t.patterns {
		if p != nil && p.order < c.order {
			break
		}
		if c.pattern.Covers(at) {
			p = c
			break
		}
	}
	if p == nil {
		return value, false
	}
	return p.first, true
}
