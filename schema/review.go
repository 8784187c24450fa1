package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Review answers what the author of a schema should mend although it compiles, each as "at POINTER: what": a property
// without description or example; one that may be left out and of which neither a default nor its description ("Without
// it ...") says what holds then; an example or a default that the property's own schema refuses. Examples with references
// are not checked, since what they stand for is not known. An error means that it does not compile.
func Review(raw []byte) ([]string, error) {
	s, err := compile(raw)
	if err != nil {
		return nil, err
	}
	root, _ := s.source.(map[string]any)
	return reviewer{root}.review("", root), nil
}

type reviewer struct{ root map[string]any }

func (r reviewer) review(at string, schema map[string]any) (found []string) {
	for _, sub := range subschemas(schema) {
		inner, ok := sub.schema.(map[string]any)
		if !ok {
			continue
		}
		if sub.keyword == "properties" {
			for _, text := range r.property(sub.name, inner, schema) {
				found = append(found, fmt.Sprintf("at %s: %s", at+sub.at, text))
			}
		}
		found = append(found, r.review(at+sub.at, inner)...)
	}
	return found
}

// property answers what is amiss with one property of an object.
func (r reviewer) property(name string, property, object map[string]any) (found []string) {
	description, _ := property["description"].(string)
	examples, _ := property["examples"].([]any)
	if description == "" {
		found = append(found, "no description")
	}
	if len(examples) == 0 {
		found = append(found, "no example")
	}
	fallback, hasDefault := property["default"]
	if hasDefault {
		examples = append(slices.Clone(examples), fallback)
	}
	_, defined := property["$ref"] // what several properties have in common says for none of them what it is without
	said := strings.Contains(description, "ithout") || name == "$schema"
	required, _ := object["required"].([]any)
	// Of an object that must not be empty some member has to be there: none has a meaning when it is not.
	if !hasDefault && !defined && !said && !slices.Contains(required, any(name)) && object["minProperties"] == nil {
		found = append(found, `neither a default nor a word in its description of how it is "without" it`)
	}
	if defined {
		return found
	}
	alone, err := r.alone(property)
	if err != nil {
		return append(found, err.Error())
	}
	for _, example := range examples {
		if strings.Contains(literal(example), "$env(") {
			continue
		}
		for _, p := range alone.Check(example) {
			found = append(found, fmt.Sprintf("its example or default is refused: %s %s", p.Pointer, p.Text))
		}
	}
	return found
}

// alone is the schema of one property, standing alone.
func (r reviewer) alone(property map[string]any) (*Schema, error) {
	alone := maps.Clone(property)
	if definitions, there := r.root["$defs"]; there {
		alone["$defs"] = definitions
	}
	return compile([]byte(literal(alone)))
}
