package schema

import (
	"regexp"
	"slices"
	"strconv"

	"durward/schema/jsonpointer"
)

// Secrets answers the JSON pointers of everything in value that the schema marks "writeOnly": true, sorted. Where the
// schema has alternatives, what any of them marks counts as marked.
func (s *Schema) Secrets(value any) []string {
	var found []string
	w := walk{visit: func(schema map[string]any, at string, _ any) bool {
		if schema["writeOnly"] == true {
			found = append(found, at)
			return false
		}
		return true
	}}
	w.walk(s.root, "", value)
	slices.Sort(found)
	return slices.Compact(found)
}

// Hidden is Secrets, and with them whatever stands in the place of an object or array in which there may be a secret: a text
// may be that secret, one level too high, and what has another form may hold it where the schema does not look.
func (s *Schema) Hidden(value any) []string {
	found := s.Secrets(value)
	w := walk{visit: func(schema map[string]any, at string, value any) bool {
		form := ""
		switch value.(type) {
		case map[string]any:
			form = "object"
		case []any:
			form = "array"
		}
		if (form == "" || otherForm(schema["type"], form)) && marks(schema) {
			found = append(found, at)
		}
		return schema["writeOnly"] != true
	}}
	w.walk(s.root, "", value)
	slices.Sort(found)
	return slices.Compact(found)
}

// otherForm says whether a schema's type is none that an object, or an array, has.
func otherForm(types any, form string) bool {
	list, several := types.([]any)
	return types != nil && types != form && (!several || !slices.Contains(list, any(form)))
}

// marks says whether anything within a schema, as it is written, is a secret.
func marks(schema any) bool {
	switch v := schema.(type) {
	case map[string]any:
		if v["writeOnly"] == true {
			return true
		}
		for _, inner := range v {
			if marks(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, marks)
	}
	return false
}

// walk applies a schema to a value: visit is called with each schema that has a say in the value, or in one within it, and
// answers whether to go further. Of alternatives all have. It ends, since the compiler refuses references that go round
// without going deeper into the value.
type walk struct {
	visit  func(schema map[string]any, at string, value any) bool
	choice int // how many alternatives the schema being applied lies in
}

func (w *walk) walk(p *part, at string, value any) {
	if p == nil || !w.visit(p.schema, at, value) {
		return
	}
	w.walk(p.ref, at, value)
	members, _ := value.(map[string]any)
	items, _ := value.([]any)
	for _, sub := range p.subs {
		switch sub.keyword {
		case "allOf":
			w.walk(sub.part, at, value)
		case "anyOf", "oneOf", "if", "then", "else", "dependentSchemas":
			w.choice++
			w.walk(sub.part, at, value)
			w.choice--
		case "properties":
			if member, ok := members[sub.name]; ok {
				w.walk(sub.part, jsonpointer.Join(at, sub.name), member)
			}
		case "patternProperties":
			for name, member := range members {
				if sub.pattern != nil && sub.pattern.MatchString(name) {
					w.walk(sub.part, jsonpointer.Join(at, name), member)
				}
			}
		case "additionalProperties", "unevaluatedProperties":
			for _, name := range unnamed(p.schema, members) {
				w.walk(sub.part, jsonpointer.Join(at, name), members[name])
			}
		case "prefixItems":
			if i, _ := strconv.Atoi(sub.name); i < len(items) {
				w.walk(sub.part, at+"/"+sub.name, items[i])
			}
		case "items", "contains", "unevaluatedItems":
			for i, item := range items {
				w.walk(sub.part, at+"/"+strconv.Itoa(i), item)
			}
		}
	}
}

// unnamed answers the members that neither properties nor patternProperties of the schema name, sorted.
func unnamed(schema, members map[string]any) (names []string) {
	properties, _ := schema["properties"].(map[string]any)
	patterns, _ := schema["patternProperties"].(map[string]any)
	var compiled []*regexp.Regexp
	for pattern := range patterns {
		if re, err := regexp.Compile(pattern); err == nil {
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
