package schema

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// place says what the value of a keyword is made of.
type place int

const (
	plainValue place = iota + 1 // no schema within
	oneSchema
	listOfSchemas
	mapOfSchemas
)

// keyword answers what the value of a keyword of draft 2020-12 is made of, 0 for a keyword that is not known here.
// Those which would let a schema be extended from outside ($dynamicRef, $vocabulary, $anchor, a nested $id) are left
// out: an options schema is one document.
func keyword(name string) place {
	switch name {
	case "items", "contains", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "propertyNames",
		"not", "if", "then", "else":
		return oneSchema
	case "allOf", "anyOf", "oneOf", "prefixItems":
		return listOfSchemas
	case "properties", "patternProperties", "dependentSchemas", "$defs":
		return mapOfSchemas
	case "$schema", "$ref", "$comment", "title", "description", "default", "examples", "deprecated", "readOnly",
		"writeOnly", "type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
		"maxLength", "minLength", "pattern", "format", "maxItems", "minItems", "uniqueItems", "maxContains",
		"minContains", "maxProperties", "minProperties", "required", "dependentRequired":
		return plainValue
	}
	// x-expects is ours, see wording; others may have keywords of their own that begin so.
	if strings.HasPrefix(name, "x-") {
		return plainValue
	}
	return 0
}

// draft is the one value of $schema that is understood.
const draft = "https://json-schema.org/draft/2020-12/schema"

// lint refuses what the library would pass over in silence.
func lint(source any) error {
	if root, ok := source.(map[string]any); ok {
		if named, there := root["$schema"]; there && named != draft {
			return fmt.Errorf("schema must be of draft 2020-12: \"$schema\": %q", draft)
		}
	}
	return lintAt(source, "", source)
}

func lintAt(schema any, at string, source any) error {
	if _, ok := schema.(bool); ok {
		return nil
	}
	object, ok := schema.(map[string]any)
	if !ok {
		return fmt.Errorf("schema at %q: must be an object, true or false", at)
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		switch {
		case name == "$id" && at == "":
		case keyword(name) == 0:
			return fmt.Errorf("schema at %q: unknown keyword %q (one of your own begins with x-)", at, name)
		}
	}
	if ref, there := object["$ref"]; there {
		text, _ := ref.(string)
		if target, ok := strings.CutPrefix(text, "#"); !ok {
			return fmt.Errorf("schema at %q: $ref must be within the document, as in #/$defs/name", at)
		} else if _, ok := jsonpointer.Find(source, jsonpointer.Split(plain(target))); !ok {
			return fmt.Errorf("schema at %q: $ref leads nowhere", at)
		}
	}
	for _, sub := range subschemas(object) {
		if err := lintAt(sub.schema, at+sub.at, source); err != nil {
			return err
		}
	}
	return nil
}

// subschema is a schema within a schema.
type subschema struct {
	keyword, name string // name is a property, a pattern or a place in a list
	at            string // the JSON pointer from the outer schema
	schema        any
}

// subschemas answers the schemas directly within one, sorted by keyword and name.
func subschemas(object map[string]any) (subs []subschema) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		switch keyword(key) {
		case oneSchema:
			subs = append(subs, subschema{keyword: key, at: jsonpointer.Join("", key), schema: object[key]})
		case listOfSchemas:
			list, _ := object[key].([]any)
			for i, item := range list {
				name := strconv.Itoa(i)
				subs = append(subs, subschema{key, name, jsonpointer.Join(jsonpointer.Join("", key), name), item})
			}
		case mapOfSchemas:
			named, _ := object[key].(map[string]any)
			for _, name := range slices.Sorted(maps.Keys(named)) {
				subs = append(subs, subschema{key, name, jsonpointer.Join(jsonpointer.Join("", key), name), named[name]})
			}
		}
	}
	return subs
}
