package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Type is a policy type, as an editor and a reader need to know it.
type Type struct {
	// Name is policyType, Export is handler.export.
	Name, Export string
	// Modules are the modules it is exported from, as they stand within $import(...). The first is the one to write.
	Modules []string
	// Options is the schema of handler.options, one that CompileOptions takes.
	Options json.RawMessage
}

// options decodes the options schema anew. Without its $schema and $id it may become a part of another schema.
func (t Type) options() (map[string]any, error) {
	source, err := decode(t.Options)
	if err != nil {
		return nil, fmt.Errorf("read options schema: %w", err)
	}
	options, ok := source.(map[string]any)
	if !ok {
		return nil, errors.New("read options schema: it is no object")
	}
	delete(options, "$schema")
	delete(options, "$id")
	return options, nil
}

// Example is an entry of policies.json: a policy of the type, called as its type without what says where it stands, with
// the options that must be there, each as its schema's first example has it. A schema that has an example itself, beside
// its type, is taken at its word.
func (t Type) Example() (any, error) {
	options, err := t.options()
	if err != nil {
		return nil, err
	}
	name := strings.TrimSuffix(strings.TrimSuffix(t.Name, "-inbound"), "-outbound")
	handler := map[string]any{"export": t.Export}
	if len(t.Modules) > 0 {
		handler["module"] = "$import(" + t.Modules[0] + ")"
	}
	if example := exampleOptions(options); len(example) > 0 {
		handler["options"] = example
	}
	return map[string]any{"name": name, "policyType": t.Name, "handler": handler}, nil
}

func exampleOptions(options map[string]any) map[string]any {
	if whole, ok := firstOf(options["examples"]).(map[string]any); ok {
		return whole
	}
	example := map[string]any{}
	properties, _ := options["properties"].(map[string]any)
	required, _ := options["required"].([]any)
	for _, item := range required {
		name, _ := item.(string)
		property, _ := properties[name].(map[string]any)
		if value := firstOf(property["examples"]); value != nil {
			example[name] = value
		}
	}
	return example
}

// firstOf answers the first item of a list, or nil.
func firstOf(list any) any {
	items, _ := list.([]any)
	if len(items) == 0 {
		return nil
	}
	return items[0]
}

// indented prints JSON for people, names sorted. It ends with a line end.
func indented(value any) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return fmt.Sprintln(value)
	}
	return out.String()
}
