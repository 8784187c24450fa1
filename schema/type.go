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
	// Modules are the modules it is exported from, as they stand within $import(...). The last is the one to write.
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

// Example answers an entry of policies.json as a person would write it: a policy of the type with the options that must be
// there, each as its schema's first example has it; or, if the schema has an example of the whole, that.
func (t Type) Example() (json.RawMessage, error) {
	options, err := t.options()
	if err != nil {
		return nil, err
	}
	var entry exampleEntry
	entry.Name = strings.TrimSuffix(strings.TrimSuffix(t.Name, "-inbound"), "-outbound")
	entry.PolicyType, entry.Handler.Export = t.Name, t.Export
	if len(t.Modules) > 0 {
		entry.Handler.Module = "$import(" + t.Modules[len(t.Modules)-1] + ")"
	}
	entry.Handler.Options = exampleOptions(options)
	return json.RawMessage(literal(entry)), nil
}

// exampleEntry has the members of a policy in the order in which they are read best.
type exampleEntry struct {
	Name       string `json:"name"`
	PolicyType string `json:"policyType"`
	Handler    struct {
		Export  string          `json:"export"`
		Module  string          `json:"module"`
		Options json.RawMessage `json:"options,omitempty"`
	} `json:"handler"`
}

// exampleOptions has the options in the order of the list of those that must be there.
func exampleOptions(options map[string]any) json.RawMessage {
	if whole := firstOf(options["examples"]); whole != nil {
		return json.RawMessage(literal(whole))
	}
	properties, _ := options["properties"].(map[string]any)
	required, _ := options["required"].([]any)
	var members []string
	for _, item := range required {
		name, _ := item.(string)
		property, _ := properties[name].(map[string]any)
		if value := firstOf(property["examples"]); value != nil {
			members = append(members, literal(name)+":"+literal(value))
		}
	}
	if len(members) == 0 {
		return nil
	}
	return json.RawMessage("{" + strings.Join(members, ",") + "}")
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
