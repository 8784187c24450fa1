// Package schema checks configuration documents against JSON Schemas (draft 2020-12).
//
// It owns the schemas of policies.json, routes.oas.json and gateway.json, which are embedded here, the compiling of the
// options schemas that policy types bring, and the bundle of both that editors complete and check by. It is the only
// package that imports a JSON Schema library, and no type of that library stands in a signature.
//
// It promises to name every fault at once, in an order that does not vary, in words of its own that never quote a value
// of the document: a value may be a resolved secret (requirement G10). Property names and what the schema itself says
// are quoted. A schema is refused when it has a keyword nobody knows, since a misspelt "required" or "writeOnly" would
// otherwise be passed over in silence, and it reads no file and no network: what it refers to is in itself.
//
// It is not for positions: a Problem has a JSON pointer, and who read the bytes turns that into a line. Nor is it for
// rules that a schema cannot say, such as names that must differ.
package schema
