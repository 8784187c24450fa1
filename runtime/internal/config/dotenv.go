package config

import (
	"durward/runtime/internal/reference"
)

// openVariables makes what references stand for during this load.
func (b *build) openVariables() {
	b.variables = reference.New(reference.Options{LookupEnv: b.options.LookupEnv})
}
