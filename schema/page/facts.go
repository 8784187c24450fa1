package page

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// kind says in a few words what a value is: "text", "list of numbers".
func (w *writer) kind(schema map[string]any) string {
	if name, ok := reference(schema); ok {
		if !slices.Contains(w.mentioned, name) {
			w.mentioned = append(w.mentioned, name)
		}
		return "[" + name + "](#" + anchor(titled(name)) + ")"
	}
	if values, ok := schema["enum"].([]any); ok {
		return choice(values)
	}
	if value, ok := schema["const"]; ok {
		return "`" + compact(value) + "`"
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		choices, _ := schema[key].([]any)
		var words []string
		for _, c := range choices {
			if s, ok := c.(map[string]any); ok {
				words = append(words, w.kind(s))
			}
		}
		if len(words) > 0 {
			return strings.Join(words, " or ")
		}
	}
	types, ok := schema["type"].([]any)
	if !ok {
		types = []any{schema["type"]}
	}
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = w.typeName(schema, t)
	}
	return listed(words)
}

func (w *writer) typeName(schema map[string]any, name any) string {
	switch name {
	case "string":
		return "text"
	case "integer":
		return "whole number"
	case "number":
		return "number"
	case "boolean":
		return "true or false"
	case "null":
		return "null"
	case "array":
		if items, ok := schema["items"].(map[string]any); ok {
			return "list of " + several(w.kind(items))
		}
		return "list"
	case "object":
		if values, ok := schema["additionalProperties"].(map[string]any); ok {
			return "object with names of your own; each value: " + w.kind(values)
		}
		return "object"
	}
	return "any value"
}

// several words what a list is of.
func several(kind string) string {
	switch kind {
	case "text", "object", "number", "whole number", "list":
		return kind + "s"
	}
	return kind
}

// facts says what a value is and which bounds it has, and then, each on its own, which form it must have.
func (w *writer) facts(schema map[string]any) (facts []string) {
	first := append([]string{w.kind(schema)}, bounds(schema)...)
	forms := form(schema, "must be ")
	if items, ok := schema["items"].(map[string]any); ok {
		for _, fact := range bounds(items) {
			first = append(first, "each "+fact)
		}
		forms = append(forms, form(items, "each must be ")...)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		choices, _ := schema[key].([]any)
		for _, c := range choices {
			if s, ok := c.(map[string]any); ok {
				for _, fact := range bounds(s) {
					if !slices.Contains(first, fact) {
						first = append(first, fact)
					}
				}
				forms = append(forms, form(s, "must be ")...)
			}
		}
	}
	return append([]string{strings.Join(first, ", ")}, forms...)
}

// form says which form a text must have.
func form(schema map[string]any, must string) []string {
	expects, inWords := schema["x-expects"].(string)
	switch {
	case inWords && schema["not"] == nil: // else it says what a wrong value is, to whoever wrote one
		return []string{must + expects}
	case schema["pattern"] != nil:
		return []string{fmt.Sprintf("%sof the form `%v`", must, schema["pattern"])}
	case schema["format"] != nil:
		return []string{fmt.Sprintf("%sof the format %v", must, schema["format"])}
	}
	return nil
}

func bounds(schema map[string]any) (facts []string) {
	if fact := span(schema["minimum"], schema["maximum"], ""); fact != "" {
		facts = append(facts, fact)
	}
	if least := schema["exclusiveMinimum"]; least != nil {
		facts = append(facts, fmt.Sprintf("more than %v", least))
	}
	if most := schema["exclusiveMaximum"]; most != nil {
		facts = append(facts, fmt.Sprintf("less than %v", most))
	}
	if of := schema["multipleOf"]; of != nil {
		facts = append(facts, fmt.Sprintf("a multiple of %v", of))
	}
	for _, b := range []struct{ least, most, what string }{
		{"minLength", "maxLength", " characters"}, {"minItems", "maxItems", " items"}, {"minProperties", "maxProperties", " properties"},
	} {
		if fact := span(schema[b.least], schema[b.most], b.what); fact != "" {
			facts = append(facts, fact)
		}
	}
	if schema["uniqueItems"] == true {
		facts = append(facts, "nothing twice")
	}
	return facts
}

// span words two limits, of which either may be missing.
func span(least, most any, what string) string {
	switch {
	case isOne(least) && most == nil && what != "":
		return "not empty"
	case isOne(least) && isOne(most) && what == " properties":
		return "just one of its properties"
	case least == nil && most == nil:
		return ""
	case most == nil:
		return fmt.Sprintf("at least %v%s", least, what)
	case least == nil, isOne(least) && what == " characters":
		return fmt.Sprintf("at most %v%s", most, what)
	}
	return fmt.Sprintf("from %v to %v%s", least, most, what)
}

func isOne(limit any) bool { return limit == json.Number("1") }

// reference answers the name of the definition that a schema is.
func reference(schema map[string]any) (string, bool) {
	ref, _ := schema["$ref"].(string)
	return strings.CutPrefix(ref, "#/$defs/")
}

func choice(values []any) string {
	words := make([]string, len(values))
	for i, value := range values {
		words[i] = "`" + compact(value) + "`"
	}
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + listed(words)
}

func listed(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
