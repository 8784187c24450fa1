package runtime

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"durward/runtime/internal/config"
	"durward/runtime/internal/middleware"
	"durward/schema"
)

// PolicyType is what policies.json has to say to have a policy of a type.
type PolicyType struct {
	// Name is policyType, Export is handler.export.
	Name, Export string
	// Modules are the names by which handler.module may import it: "@durward/runtime" for $import(@durward/runtime).
	Modules []string
	// Schema is the JSON Schema of handler.options; "writeOnly": true marks a secret.
	Schema json.RawMessage
}

// PolicyTypes answers every type that policies.json may name, by name: those of a catalogue and those that run inside the
// host.
func PolicyTypes(catalogue []Plugin) []PolicyType {
	var types []PolicyType
	for _, p := range catalogue {
		types = append(types, PolicyType{Name: p.PolicyType, Export: p.Export, Modules: p.Modules, Schema: p.Schema})
	}
	for _, t := range middleware.Types() {
		types = append(types, PolicyType{Name: t.Name, Export: t.Export, Modules: config.Modules(), Schema: t.Schema})
	}
	slices.SortFunc(types, func(a, b PolicyType) int { return cmp.Compare(a.Name, b.Name) })
	return types
}

// Documents answers the kinds of files that a configuration is made of, as Schema knows them.
func Documents() (names []string) {
	for _, d := range schema.Documents() {
		names = append(names, string(d))
	}
	return names
}

// Schema answers one JSON Schema (draft 2020-12) for a kind of file, by which an editor completes and checks it: see
// schema.Bundle. That of policies.json knows the options of PolicyTypes. An error is a fault of the catalogue, or a kind
// that is none of Documents.
func Schema(document string, catalogue []Plugin) ([]byte, error) {
	var types []schema.Type
	for _, t := range PolicyTypes(catalogue) {
		types = append(types, schema.Type{Name: t.Name, Export: t.Export, Modules: t.Modules, Options: t.Schema})
	}
	bundle, err := schema.Bundle(schema.Document(document), types)
	if err != nil {
		return nil, fmt.Errorf("make schema for editors: %w", err)
	}
	return bundle, nil
}
