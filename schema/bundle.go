package schema

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"durward/schema/jsonpointer"
)

// Bundle answers one self-contained schema (draft 2020-12) for a kind of document, for editors to complete and check by:
// that of the document and, for Policies, the options schemas of all types, of which the policyType picks the one that
// counts. In the places where the gateway resolves them it also accepts $env(NAME), $import(./FILE) and, in routes,
// ${env.NAME}, for which the gateway then checks what they stand for. The same input gives the same bytes.
//
// A bundle accepts all that the gateway accepts, but not the other way round: what a schema cannot say is found by
// `durward validate` alone. Beside what the draft knows it has patternErrorMessage, errorMessage and enumDescriptions, with
// which VS Code and its kin speak our words.
func Bundle(d Document, types []Type) ([]byte, error) {
	raw, err := d.Source()
	if err != nil {
		return nil, err
	}
	source, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read schema of %s: %w", d, err)
	}
	root, _ := source.(map[string]any)
	definitions, _ := root["$defs"].(map[string]any)
	if definitions == nil {
		definitions = map[string]any{}
		root["$defs"] = definitions
	}
	l := loosening{root: root}
	switch d {
	case Policies:
		l.variables(definitions["corsPolicy"])
		err = l.types(definitions, types)
	case Routes:
		handler, _ := definitions["handler"].(map[string]any)
		l.options(handler)
	case Gateway:
		l.secrets(root)
	}
	if err != nil {
		return nil, err
	}
	maps.Copy(definitions, references(d))
	forEditors(root)
	return []byte(indented(root)), nil
}

// options loosens the options of a handler, and what is within them.
func (l loosening) options(handler map[string]any) {
	if properties, ok := handler["properties"].(map[string]any); ok {
		l.children(properties["options"])
		properties["options"] = l.loosened(properties["options"])
	}
}

// types makes the policyType of a policy decide what its handler may be.
func (l loosening) types(definitions map[string]any, types []Type) error {
	policy, _ := definitions["policy"].(map[string]any)
	properties, _ := policy["properties"].(map[string]any)
	policyType, _ := properties["policyType"].(map[string]any)
	handler, _ := properties["handler"].(map[string]any)
	if policyType == nil || handler == nil {
		return errors.New("bundle schemas: the schema of policies has no policyType or no handler")
	}
	l.options(handler)
	var names, titles, conditions, examples []any
	for _, t := range types {
		options, err := t.options()
		if err != nil {
			return fmt.Errorf("bundle policy type %q: %w", t.Name, err)
		}
		example, err := t.Example()
		if err != nil {
			return fmt.Errorf("bundle policy type %q: %w", t.Name, err)
		}
		names, examples = append(names, t.Name), append(examples, any(example))
		titles = append(titles, firstText(options["title"], options["description"], t.Name))
		conditions = append(conditions, condition(t, options))
		moveReferences(options, optionsOf(t))
		definitions[optionsName(t)] = options
		l.children(options)
	}
	policyType["enum"], policyType["enumDescriptions"] = names, titles
	delete(policyType, "examples")
	policy["allOf"], policy["examples"] = conditions, examples
	return nil
}

// optionsName is what the options schema of a type is called in a bundle, optionsOf where it is.
func optionsName(t Type) string { return "options." + t.Name }

func optionsOf(t Type) string { return "#" + jsonpointer.Join("/$defs", optionsName(t)) }

// condition says what a policy of a type is: the name of its export, its modules, its options.
func condition(t Type, options map[string]any) map[string]any {
	modules := make([]any, len(t.Modules))
	for i, m := range t.Modules {
		modules[i] = "$import(" + m + ")"
	}
	handler := map[string]any{
		"properties": map[string]any{
			"export": map[string]any{"const": t.Export},
			"module": map[string]any{"enum": modules},
			"options": map[string]any{
				"if":   map[string]any{"$ref": "#/$defs/" + wholeReference},
				"else": map[string]any{"$ref": optionsOf(t)},
			},
		},
	}
	if required, _ := options["required"].([]any); len(required) > 0 {
		handler["required"] = []any{"options"}
	}
	return map[string]any{
		"if": map[string]any{
			"required":   []any{"policyType"},
			"properties": map[string]any{"policyType": map[string]any{"const": t.Name}},
		},
		"then": map[string]any{"properties": map[string]any{"handler": handler}},
	}
}

// moveReferences makes what a schema refers to within itself be found below another place.
func moveReferences(schema map[string]any, to string) {
	if ref, ok := schema["$ref"].(string); ok {
		schema["$ref"] = to + strings.TrimPrefix(ref, "#")
	}
	for _, sub := range subschemas(schema) {
		if object, ok := sub.schema.(map[string]any); ok {
			moveReferences(object, to)
		}
	}
}

// forEditors replaces the keywords that are ours by those that editors know.
func forEditors(schema map[string]any) {
	expects, ok := schema["x-expects"].(string)
	switch {
	case ok && schema["pattern"] != nil:
		schema["patternErrorMessage"] = "must be " + expects
	case ok && schema["not"] != nil: // on its own, since the words would be taken for those of a wrong type, too
		others, _ := schema["allOf"].([]any)
		schema["allOf"] = append(others, map[string]any{"not": schema["not"], "errorMessage": "must be " + expects})
		delete(schema, "not")
	}
	for name := range schema {
		if strings.HasPrefix(name, "x-") {
			delete(schema, name)
		}
	}
	for _, sub := range subschemas(schema) {
		if object, ok := sub.schema.(map[string]any); ok {
			forEditors(object)
		}
	}
}

// firstText answers the first of several values that is a text with something in it.
func firstText(values ...any) string {
	for _, value := range values {
		if text, _ := value.(string); text != "" {
			return text
		}
	}
	return ""
}
