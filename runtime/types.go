package runtime

import (
	"cmp"
	"encoding/json"
	"slices"

	"durward/runtime/internal/config"
	"durward/runtime/internal/middleware"
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
