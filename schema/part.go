package schema

import (
	"regexp"
	"strings"

	"durward/schema/jsonpointer"
)

// part is a schema within a document, taken apart once for the many values that it is applied to.
type part struct {
	schema map[string]any
	ref    *part // what $ref leads to; nil without one
	subs   []subpart
}

// subpart is a schema within a schema.
type subpart struct {
	subschema
	*part                  // never nil: true and false, which have nothing to visit, are left out
	pattern *regexp.Regexp // of patternProperties; nil if it cannot be compiled
}

// parts takes a document apart. Parts are kept by their pointers, since references may go round.
type parts struct {
	document any
	known    map[string]*part
}

func newParts(document any) *parts { return &parts{document, make(map[string]*part)} }

// at answers the part at a pointer; nil if there is no schema, or one that is true or false.
func (p *parts) at(pointer string) *part {
	if known, ok := p.known[pointer]; ok {
		return known
	}
	found, _ := jsonpointer.Find(p.document, jsonpointer.Split(pointer))
	object, ok := found.(map[string]any)
	if !ok {
		return nil
	}
	of := &part{schema: object}
	p.known[pointer] = of
	if ref, ok := object["$ref"].(string); ok {
		of.ref = p.at(plain(strings.TrimPrefix(ref, "#")))
	}
	for _, sub := range subschemas(object) {
		within := subpart{subschema: sub, part: p.at(pointer + sub.at)}
		if within.part == nil {
			continue
		}
		if sub.keyword == "patternProperties" {
			within.pattern, _ = regexp.Compile(sub.name)
		}
		of.subs = append(of.subs, within)
	}
	return of
}
