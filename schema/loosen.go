package schema

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// What a bundle calls the texts that stand for something else: variableReference those that hold $env(NAME), textReference
// those that stand for a text, or for a part of one; wholeReference those that stand for any value.
const (
	variableReference = "reference.variable"
	textReference     = "reference.text"
	wholeReference    = "reference.value"
)

// references are the schemas of those texts, in the form that the gateway resolves in that kind of document.
func references(d Document) map[string]any {
	const variable, file = `\$env\([A-Za-z0-9_]+\)`, `^\$import\(\./[^()]+\.jsonc?\)$`
	text := func(patterns ...string) map[string]any {
		return map[string]any{"type": "string", "pattern": strings.Join(patterns, "|")}
	}
	switch d {
	case Policies:
		return map[string]any{variableReference: text(variable), textReference: text(variable, file), wholeReference: text(file)}
	case Routes:
		return map[string]any{textReference: text(variable, `\$\{env\.[A-Za-z0-9_]+\}`, file), wholeReference: text(file)}
	}
	return map[string]any{variableReference: text(variable)}
}

// loosening makes the schemas within one accept references in place of values. Where there is no reference all stays as
// it was, and so do the messages: a value that is one leads to no schema at all, any other to the one there was.
type loosening struct{ root map[string]any }

// children loosens the schemas of properties and items, at any depth. Those in a condition stay: they would hold where
// they must not.
func (l loosening) children(schema any) {
	object, ok := schema.(map[string]any)
	if !ok {
		return
	}
	for _, sub := range subschemas(object) {
		if sub.keyword == "if" || sub.keyword == "not" {
			continue
		}
		l.children(sub.schema)
		if !isChild(sub.keyword) {
			continue
		}
		loose := l.loosened(sub.schema)
		switch within := object[sub.keyword].(type) {
		case map[string]any:
			if keyword(sub.keyword) == mapOfSchemas {
				within[sub.name] = loose
			} else {
				object[sub.keyword] = loose
			}
		case []any:
			if i, err := strconv.Atoi(sub.name); err == nil {
				within[i] = loose
			}
		}
	}
}

// secrets lets variables stand for what a document marks as secret.
func (l loosening) secrets(schema map[string]any) {
	for _, sub := range subschemas(schema) {
		object, ok := sub.schema.(map[string]any)
		if !ok {
			continue
		}
		if properties, ok := schema["properties"].(map[string]any); ok && sub.keyword == "properties" && object["writeOnly"] == true {
			properties[sub.name] = unless(variableReference, object)
			continue
		}
		l.secrets(object)
	}
}

// variables lets variables stand for the texts among the direct properties of an object, and for nothing within.
func (l loosening) variables(object any) {
	found, _ := jsonpointer.Find(object, []string{"properties"})
	properties, _ := found.(map[string]any)
	for name, property := range properties {
		if schema, ok := property.(map[string]any); ok && l.admitsText(schema, 0) && !anyText(schema) {
			properties[name] = unless(variableReference, schema)
		}
	}
}

// isChild says whether a keyword is about values within the value at hand.
func isChild(keyword string) bool {
	switch keyword {
	case "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "items", "prefixItems",
		"unevaluatedItems":
		return true
	}
	return false
}

// loosened answers a schema that accepts references, too.
func (l loosening) loosened(schema any) any {
	object, ok := schema.(map[string]any)
	switch {
	case !ok || anyText(object):
		return schema
	case l.admitsText(object, 0):
		return unless(textReference, object)
	}
	return unless(wholeReference, object)
}

// unless answers a schema that holds unless the value is a reference. What it says for people stays at the surface, where
// editors look.
func unless(reference string, schema map[string]any) map[string]any {
	outer, inner := map[string]any{}, map[string]any{}
	for name, value := range schema {
		if isAnnotation(name) {
			outer[name] = value
		} else {
			inner[name] = value
		}
	}
	outer["if"] = map[string]any{"$ref": "#/$defs/" + reference}
	outer["else"] = inner
	return outer
}

// isAnnotation says whether a keyword tells of a value and asks nothing of it.
func isAnnotation(keyword string) bool {
	switch keyword {
	case "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "$comment":
		return true
	}
	return false
}

// anyText says that a schema takes every text that is not empty, and therefore every reference.
func anyText(schema map[string]any) bool {
	for name, value := range schema {
		switch {
		case isAnnotation(name), name == "type" && value == "string":
		case name == "minLength" && (value == json.Number("0") || value == json.Number("1")):
		default:
			return false
		}
	}
	return true
}

// maxReferences bounds how far admitsText follows references; a schema that compiles has no endless ones.
const maxReferences = 32

// admitsText says whether a schema may take a text, so that $env(NAME), which is always one, has a use there.
func (l loosening) admitsText(schema any, depth int) bool {
	object, ok := schema.(map[string]any)
	if !ok || depth > maxReferences {
		return true
	}
	switch types := object["type"].(type) {
	case string:
		return types == "string"
	case []any:
		return slices.Contains(types, "string")
	}
	if values, ok := object["enum"].([]any); ok {
		return slices.ContainsFunc(values, func(v any) bool { _, text := v.(string); return text })
	}
	if ref, ok := object["$ref"].(string); ok {
		target, _ := jsonpointer.Find(l.root, jsonpointer.Split(plain(strings.TrimPrefix(ref, "#"))))
		return l.admitsText(target, depth+1)
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if choices, ok := object[key].([]any); ok {
			return slices.ContainsFunc(choices, func(c any) bool { return l.admitsText(c, depth+1) })
		}
	}
	return true
}
