package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"durward/schema/jsonpointer"
)

// wording turns the library's faults into problems. Of a fault only its two places are used, never its message: from
// the keyword's place the schema says what is expected, from the instance's place the document says which names are
// there.
//
// A schema may say in "x-expects" what a pattern, format, choice or number of properties of its stands for, in words that
// go after "must be".
type wording struct {
	source   any
	document any
	// meant are the properties that misspelt ones stand for, lacks are the problems that tell of a missing property.
	meant map[member]bool
	lacks map[Problem]member
}

func newWording(source, document any) *wording {
	return &wording{source: source, document: document, meant: map[member]bool{}, lacks: map[Problem]member{}}
}

// The library's only messages that are read. None of them holds a value, and each tells what a place alone does not.
const (
	saysFalse = "not allowed"
	saysAny   = "anyOf failed"
	saysOne   = "oneOf failed"
	saysFew   = "valid must be >= " // of contains, with counts after it
)

func (w *wording) explain(fault *jsonschema.ValidationError) (found []Problem) {
	switch {
	case len(fault.Causes) == 0:
		return w.leaf(fault)
	case fault.Message == saysAny, fault.Message == saysOne:
		return w.choice(fault)
	case strings.HasPrefix(fault.Message, saysFew):
		return w.leaf(fault)
	}
	for _, cause := range fault.Causes {
		found = append(found, w.explain(cause)...)
	}
	return found
}

// choice explains that none of several schemas holds: by the one that is of the right type, if there is one such.
func (w *wording) choice(fault *jsonschema.ValidationError) []Problem {
	at := plain(fault.InstanceLocation)
	schema, _ := w.keywordOf(fault)
	if expects, ok := schema["x-expects"].(string); ok {
		return []Problem{{Pointer: at, Text: "must be " + expects}}
	}
	var fits []*jsonschema.ValidationError
	var types []string
	for _, cause := range fault.Causes {
		wrong := w.wrongTypes(cause, fault.InstanceLocation)
		if len(wrong) == 0 {
			fits = append(fits, cause)
		}
		types = append(types, wrong...)
	}
	switch len(fits) {
	case 0:
		slices.Sort(types)
		return []Problem{{Pointer: at, Text: "must be " + strings.Join(slices.Compact(types), " or ")}}
	case 1:
		return w.explain(fits[0])
	}
	return []Problem{{Pointer: at, Text: "has none of the allowed forms"}}
}

// wrongTypes answers the types that the fault misses at the place itself.
func (w *wording) wrongTypes(fault *jsonschema.ValidationError, place string) (types []string) {
	if len(fault.Causes) == 0 && fault.InstanceLocation == place {
		if schema, key := w.keywordOf(fault); key == "type" {
			return typeNames(schema["type"])
		}
	}
	for _, cause := range fault.Causes {
		types = append(types, w.wrongTypes(cause, place)...)
	}
	return types
}

// keywordOf answers the schema that the failed keyword is part of, and the keyword.
func (w *wording) keywordOf(fault *jsonschema.ValidationError) (map[string]any, string) {
	_, pointer, _ := strings.Cut(fault.AbsoluteKeywordLocation, "#")
	names := jsonpointer.Split(plain(pointer))
	// dependentRequired points at one name of one list, the others at the keyword itself.
	for cut := len(names) - 1; cut >= 0 && cut >= len(names)-3; cut-- {
		value, _ := jsonpointer.Find(w.source, names[:cut])
		schema, ok := value.(map[string]any)
		if _, there := schema[names[cut]]; !ok || !there || keyword(names[cut]) == 0 {
			continue
		}
		if cut == len(names)-1 || names[cut] == "dependentRequired" {
			return schema, names[cut]
		}
	}
	return nil, ""
}

func (w *wording) leaf(fault *jsonschema.ValidationError) []Problem {
	at := plain(fault.InstanceLocation)
	if fault.Message == saysFalse {
		names := jsonpointer.Split(at)
		if len(names) == 0 {
			return []Problem{{Text: "must not be there"}}
		}
		return []Problem{{Pointer: at, AtKey: true, Text: fmt.Sprintf("unknown property %q", names[len(names)-1])}}
	}
	schema, key := w.keywordOf(fault)
	if key == "" && strings.HasPrefix(fault.Message, saysFew) {
		key = "contains" // minContains, which is 1 where the schema does not say
	}
	value, _ := jsonpointer.Find(w.document, jsonpointer.Split(at))
	members, _ := value.(map[string]any)
	var found []Problem
	switch key {
	case "additionalProperties":
		return w.unknown(at, schema, members)
	case "required":
		required, _ := schema["required"].([]any)
		for _, item := range required {
			name, _ := item.(string)
			if _, there := members[name]; !there {
				found = append(found, w.missing(at, name, schema, members, ""))
			}
		}
		return found
	case "dependentRequired":
		return w.dependents(at, schema, members)
	case "uniqueItems":
		for _, place := range repeated(value) {
			found = append(found, Problem{Pointer: jsonpointer.Join(at, strconv.Itoa(place)), Text: "is listed already"})
		}
		if len(found) > 0 {
			return found
		}
	}
	// What propertyNames finds is a name, which the library places where its value is.
	if strings.Contains(fault.KeywordLocation, "/propertyNames/") {
		return []Problem{{Pointer: at, AtKey: true, Text: "the name " + text(schema, key, nil)}}
	}
	return []Problem{{Pointer: at, Text: text(schema, key, value)}}
}

func (w *wording) dependents(at string, schema, members map[string]any) (found []Problem) {
	named, _ := schema["dependentRequired"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(named)) {
		if _, there := members[name]; !there {
			continue
		}
		needed, _ := named[name].([]any)
		for _, item := range needed {
			other, _ := item.(string)
			if _, there := members[other]; !there {
				found = append(found, w.missing(at, other, schema, members, fmt.Sprintf(", which %q needs", name)))
			}
		}
	}
	return found
}

// text words a fault of one value.
func text(schema map[string]any, key string, value any) string {
	limit := schema[key]
	switch key {
	case "type":
		return "must be " + strings.Join(typeNames(limit), " or ")
	case "const":
		return "must be " + literal(limit)
	case "enum":
		values, _ := limit.([]any)
		return chosen(values, value)
	case "minimum":
		return fmt.Sprintf("must be at least %v", limit)
	case "maximum":
		return fmt.Sprintf("must be at most %v", limit)
	case "exclusiveMinimum":
		return fmt.Sprintf("must be greater than %v", limit)
	case "exclusiveMaximum":
		return fmt.Sprintf("must be less than %v", limit)
	case "multipleOf":
		return fmt.Sprintf("must be a multiple of %v", limit)
	case "minLength":
		if fmt.Sprint(limit) == "1" {
			return "must not be empty"
		}
		return fmt.Sprintf("must be at least %v characters long", limit)
	case "maxLength":
		return fmt.Sprintf("must be at most %v characters long", limit)
	case "minItems":
		return fmt.Sprintf("must list at least %v", limit)
	case "maxItems":
		return fmt.Sprintf("must list at most %v", limit)
	case "uniqueItems":
		return "must not list anything twice"
	case "minProperties":
		if fmt.Sprint(limit) == "1" {
			return "must not be empty"
		}
		return fmt.Sprintf("must have at least %v properties", limit)
	}
	if expects, ok := schema["x-expects"].(string); ok {
		return "must be " + expects
	}
	switch key {
	case "maxProperties":
		return fmt.Sprintf("must have at most %v properties", limit)
	case "pattern":
		return fmt.Sprintf("must match the pattern %v", limit)
	case "format":
		return "must be " + formatName(limit)
	case "oneOf":
		return "has more than one of the allowed forms"
	case "contains", "minContains", "maxContains":
		return "does not list what it must"
	}
	return "is not allowed by the schema"
}

func typeNames(value any) []string {
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	names := make([]string, len(list))
	for i, item := range list {
		switch item {
		case "string":
			names[i] = "a string"
		case "integer":
			names[i] = "an integer"
		case "number":
			names[i] = "a number"
		case "boolean":
			names[i] = "true or false"
		case "object":
			names[i] = "an object"
		case "array":
			names[i] = "an array"
		default:
			names[i] = "null"
		}
	}
	return names
}

func formatName(value any) string {
	switch value {
	case "uri":
		return "a URL with its scheme"
	case "hostname":
		return "a host name"
	case "email":
		return "an e-mail address"
	case "ipv4":
		return "an IPv4 address"
	case "ipv6":
		return "an IPv6 address"
	}
	return fmt.Sprintf("a valid %v", value)
}

// literal prints a value of the schema as JSON.
func literal(value any) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSpace(out.String())
}
