package config

import (
	"maps"

	"durward/schema/jsonpointer"
)

// checkPolicies and checkRoutes check a document piece by piece: what is said of one policy or path is not kept in memory
// for ten thousand of them, and nothing is looked for that nobody would be told of.

func (b *build) checkPolicies() {
	s := b.policies
	root, _ := s.value.(map[string]any)
	list, ok := root["policies"].([]any)
	if !ok {
		s.check(b.schemas.Policies, "", s.value)
		return
	}
	around := maps.Clone(root)
	around["policies"] = []any{}
	s.check(b.schemas.Policies, "", around)
	for i, policy := range list {
		if s.full() {
			return
		}
		s.check(b.schemas.Policy, at("/policies", i), policy)
	}
}

func (b *build) checkRoutes(s *source) {
	root, _ := s.value.(map[string]any)
	if s.isSwagger(root) {
		return
	}
	paths, ok := root["paths"].(map[string]any)
	if !ok {
		s.check(b.schemas.Routes, "", s.value)
		return
	}
	around := maps.Clone(root)
	around["paths"] = map[string]any{}
	s.check(b.schemas.Routes, "", around)
	for path := range s.doc.Root().Member("paths").Members() {
		if s.full() {
			return
		}
		s.check(b.schemas.Path, jsonpointer.Join("/paths", path), paths[path])
	}
}

// isSwagger tells of a document that is of OpenAPI's predecessor. What it says has no meaning here to be wrong.
func (s *source) isSwagger(root map[string]any) bool {
	_, swagger := root["swagger"]
	if _, openapi := root["openapi"]; openapi || !swagger {
		return false
	}
	s.problemAt(s.offset("/swagger", true), "", `this is Swagger 2.0: the gateway reads OpenAPI 3.1, which begins with "openapi": "3.1.0"`)
	s.unknown[""] = true
	return true
}
