package schema

import (
	"fmt"
)

// Document is a kind of document that a configuration is made of.
type Document string

// The kinds of documents.
const (
	Policies Document = "policies" // policies.json
	Routes   Document = "routes"   // each *.oas.json
	Gateway  Document = "gateway"  // gateway.json
)

// Documents answers every kind there is.
func Documents() []Document { return []Document{Policies, Routes, Gateway} }

// Source answers the schema of a kind of document, as the gateway checks with it before it asks policy types.
func (d Document) Source() ([]byte, error) {
	raw, err := files.ReadFile(string(d) + ".schema.json")
	if err != nil {
		return nil, fmt.Errorf("read schema: there is none of %q", string(d))
	}
	return raw, nil
}
