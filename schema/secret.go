package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// Secrets answers the JSON pointers of everything in value that the schema marks "writeOnly": true, sorted. Where the
// schema has alternatives, what any of them marks counts as marked.
func (s *Schema) Secrets(value any) []string {
	var found []string
	w := walk{source: s.source, patterns: patterns{}, visit: func(schema map[string]any, at string, _ any) bool {
		if schema["writeOnly"] == true {
			found = append(found, at)
			return false
		}
		return true
	}}
	w.walk(s.part, "", value)
	slices.Sort(found)
	return slices.Compact(found)
}

// walk applies a schema to a value: visit is called with each schema that has a say in the value, or in one within it, and
// answers whether to go further. Of alternatives all have. It ends, since the compiler refuses references that go round
// without going deeper into the value.
type walk struct {
	source   any
	visit    func(schema map[string]any, at string, value any) bool
	choice   int // how many alternatives the schema being applied lies in
	patterns patterns
}

func (w *walk) walk(schema any, at string, value any) {
	object, ok := schema.(map[string]any)
	if !ok || !w.visit(object, at, value) {
		return
	}
	if ref, ok := object["$ref"].(string); ok {
		if schema, ok := jsonpointer.Find(w.source, jsonpointer.Split(plain(strings.TrimPrefix(ref, "#")))); ok {
			w.walk(schema, at, value)
		}
	}
	members, _ := value.(map[string]any)
	items, _ := value.([]any)
	for _, sub := range subschemas(object) {
		switch sub.keyword {
		case "allOf":
			w.walk(sub.schema, at, value)
		case "anyOf", "oneOf", "if", "then", "else", "dependentSchemas":
			w.choice++
			w.walk(sub.schema, at, value)
			w.choice--
		case "properties":
			if member, ok := members[sub.name]; ok {
				w.walk(sub.schema, jsonpointer.Join(at, sub.name), member)
			}
		case "patternProperties":
			pattern := w.patterns.compiled(sub.name)
			for name, member := range members {
				if pattern != nil && pattern.MatchString(name) {
					w.walk(sub.schema, jsonpointer.Join(at, name), member)
				}
			}
		case "additionalProperties", "unevaluatedProperties":
			for _, name := range unnamed(object, members, w.patterns) {
				w.walk(sub.schema, jsonpointer.Join(at, name), members[name])
			}
		case "prefixItems":
			if i, _ := strconv.Atoi(sub.name); i < len(items) {
				w.walk(sub.schema, at+"/"+sub.name, items[i])
			}
		case "items", "contains", "unevaluatedItems":
			for i, item := range items {
				w.walk(sub.schema, at+"/"+strconv.Itoa(i), item)
			}
		}
	}
}

// unnamed answers the members that neither properties nor patternProperties of the schema name, sorted.
func unnamed(schema, members map[string]any, patterns patterns) (names []string) {
	properties, _ := schema["properties"].(map[string]any)
	matched, _ := schema["patternProperties"].(map[string]any)
	var compiled []*regexp.Regexp
	for pattern := range matched {
		if re := patterns.compiled(pattern); re != nil {
			compiled = append(compiled, re)
		}
	}
	for name := range members {
		_, named := properties[name]
		if !named && !slices.ContainsFunc(compiled, func(re *regexp.Regexp) bool { return re.MatchString(name) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// patterns are regular expressions that have been compiled, each once for the many values that it is applied to.
type patterns map[string]*regexp.Regexp

// compiled answers one; nil if it cannot be compiled, and so matches nothing.
func (p patterns) compiled(text string) *regexp.Regexp {
	re, known := p[text]
	if !known {
		re, _ = regexp.Compile(text)
		p[text] = re
	}
	return re
}
