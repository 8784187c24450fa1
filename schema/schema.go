package schema

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"durward/schema/jsonpointer"
)

//go:embed policies.schema.json routes.schema.json gateway.schema.json
var files embed.FS

// Problem is one fault of a document.
type Problem struct {
	// Pointer is the JSON pointer (RFC 6901) of the value at fault: for a property that must not be there it includes
	// the property, for one that is missing it is the object that lacks it. "" is the document as a whole.
	Pointer string
	// AtKey says that the fault is the property's name and not its value: it must not be there, or is ill-formed.
	AtKey bool
	// Missing is the name of the property that the object lacks, if that is the fault.
	Missing string
	// Meant is the name of the property, which the object does not have, that this one probably stands for, if it must not be
	// there.
	Meant string
	// Text says what is wrong. It never quotes a value of the document.
	Text string
}

// Set holds the schemas of Durward's own documents. It is safe for concurrent use.
type Set struct {
	Policies *Schema // policies.json
	Routes   *Schema // routes.oas.json
	Gateway  *Schema // gateway.json
	// Policy and Path are what Policies says of one policy and Routes of one path: a large document is checked piece by
	// piece, so that its faults can stop being looked for.
	Policy, Path *Schema
}

// New compiles the embedded schemas. An error means that the binary itself is faulty.
func New() (*Set, error) {
	var set Set
	for name, into := range map[string]**Schema{
		"policies.schema.json": &set.Policies,
		"routes.schema.json":   &set.Routes,
		"gateway.schema.json":  &set.Gateway,
	} {
		raw, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read schema: %w", err)
		}
		if *into, err = compile(raw); err != nil {
			return nil, fmt.Errorf("compile %s: %w", name, err)
		}
	}
	var err error
	if set.Policy, err = set.Policies.definition("policy"); err != nil {
		return nil, err
	}
	if set.Path, err = set.Routes.definition("path"); err != nil {
		return nil, err
	}
	return &set, nil
}

// Schema is one compiled schema. It is safe for concurrent use.
type Schema struct {
	compiler *jsonschema.Compiler
	compiled *jsonschema.Schema
	// source is the schema's own document: the words for a fault are made from it, not from the library's message,
	// which quotes values. root is the schema itself, taken apart.
	source any
	root   *part
	parts  *parts
}

// CompileOptions compiles the options schema of a policy type: a self-contained schema of draft 2020-12 that describes
// an object and refuses properties it does not name. The error tells the type's author what to mend.
func CompileOptions(raw []byte) (*Schema, error) {
	s, err := compile(raw)
	if err != nil {
		return nil, err
	}
	root, _ := s.source.(map[string]any)
	if root["type"] != "object" {
		return nil, errors.New(`the options schema must have "type": "object"`)
	}
	if root["additionalProperties"] != false && root["unevaluatedProperties"] != false {
		return nil, errors.New(`the options schema must refuse unknown properties: "additionalProperties": false`)
	}
	return s, nil
}

// location is where the one document of a compiler lives. Nothing is ever read from there.
const location = "schema:///schema.json"

func compile(raw []byte) (*Schema, error) {
	source, err := decode(raw)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	if err := lint(source); err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.Draft = jsonschema.Draft2020
	c.AssertFormat = true
	c.LoadURL = func(url string) (io.ReadCloser, error) {
		return nil, fmt.Errorf("schema refers to %s, which is outside of it", url)
	}
	if err := c.AddResource(location, bytes.NewReader(raw)); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	compiled, err := c.Compile(location)
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	all := newParts(source)
	return &Schema{compiler: c, compiled: compiled, source: source, parts: all, root: all.at("")}, nil
}

// definition answers a schema that is one of the definitions.
func (s *Schema) definition(name string) (*Schema, error) {
	names := []string{"$defs", name}
	root := s.parts.at(jsonpointer.Join("", names...))
	if root == nil {
		return nil, fmt.Errorf("compile schema: there is no definition %q", name)
	}
	compiled, err := s.compiler.Compile(location + "#" + jsonpointer.Join("", names...))
	if err != nil {
		return nil, fmt.Errorf("compile definition %q: %w", name, err)
	}
	return &Schema{compiler: s.compiler, compiled: compiled, source: s.source, parts: s.parts, root: root}, nil
}

func decode(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// Names says whether the document's own object may have a property of this name.
func (s *Schema) Names(name string) bool {
	root, _ := s.source.(map[string]any)
	properties, _ := root["properties"].(map[string]any)
	_, there := properties[name]
	return there
}

// Check answers every fault of value, or nil. The value is as encoding/json decodes it with UseNumber: nil, bool,
// string, json.Number, []any and map[string]any.
func (s *Schema) Check(value any) []Problem {
	if found := undecidable(value); len(found) > 0 {
		return tidy(found)
	}
	if found := s.overlong(value); len(found) > 0 {
		return tidy(found)
	}
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	fault, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return []Problem{{Text: "cannot be checked against its schema"}}
	}
	w := newWording(s.source, value)
	return tidy(w.onceEach(w.explain(fault)))
}

// tidy puts problems into an order that does not depend on the order of maps, each once.
func tidy(found []Problem) []Problem {
	slices.SortFunc(found, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(found)
}
