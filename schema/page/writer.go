package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writer writes a page about one schema.
type writer struct {
	out  bytes.Buffer
	root map[string]any
	// mentioned are the definitions that the page leads to, in the order of their mention.
	mentioned []string
}

func newWriter(raw []byte) (*writer, error) {
	source, err := decode(raw, false)
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	w := &writer{}
	var ok bool
	if w.root, ok = source.(map[string]any); !ok {
		return nil, errors.New("read schema: it is no object")
	}
	w.line("%s", notice)
	return w, nil
}

// decode reads a schema. Examples and defaults stay as they are written, with their members in the order of the source;
// names says that the members of an object are names of the schema's own, and no keywords.
func decode(raw json.RawMessage, names bool) (any, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		return decodeOther(raw)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	object := make(map[string]any, len(members))
	for name, value := range members {
		var err error
		switch {
		case !names && name == "default":
			object[name] = value
		case !names && name == "examples":
			var list []json.RawMessage
			err = json.Unmarshal(value, &list)
			object[name] = list
		default:
			within := !names && slices.Contains([]string{"properties", "patternProperties", "$defs"}, name)
			object[name], err = decode(value, within)
		}
		if err != nil {
			return nil, err
		}
	}
	return object, nil
}

func decodeOther(raw json.RawMessage) (any, error) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil && list != nil {
		items := make([]any, len(list))
		for i, item := range list {
			var err error
			if items[i], err = decode(item, false); err != nil {
				return nil, err
			}
		}
		return items, nil
	}
	var value any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	err := dec.Decode(&value)
	return value, err
}

func (w *writer) line(format string, args ...any) { fmt.Fprintf(&w.out, format+"\n", args...) }

// about writes what the schema says of the whole.
func (w *writer) about() {
	title, _ := w.root["title"].(string)
	description, _ := w.root["description"].(string)
	if title != "" {
		title = "**" + title + ".** "
	}
	if title+description != "" {
		w.line("%s%s", title, description)
		w.line("")
	}
}

// property is a property of an object, or of an object within a list.
type property struct {
	path     string // as a reader knows it: "headers[].name"
	schema   map[string]any
	required bool
}

// options writes the properties of an object: an overview if it is wanted, then each.
func (w *writer) options(path string, object map[string]any, overview bool) {
	properties := w.properties(path, object)
	if overview && len(properties) > 0 {
		w.line("| name | what it is | without it |")
		w.line("|---|---|---|")
		for _, p := range properties {
			w.line("| [`%s`](#%s) | %s | %s |", p.path, anchor(p.path), cell(w.kind(p.schema)), cell(otherwise(p)))
		}
		w.line("")
	}
	for _, p := range properties {
		w.option(p)
	}
}

// definitions writes what the page has led to so far, and what that leads to.
func (w *writer) definitions() {
	named, _ := w.root["$defs"].(map[string]any)
	for i := 0; i < len(w.mentioned); i++ {
		if schema, ok := named[w.mentioned[i]].(map[string]any); ok {
			w.definition(w.mentioned[i], schema)
		}
	}
}

// definition writes what several places have in common.
func (w *writer) definition(name string, schema map[string]any) {
	w.line("## %s", titled(name))
	w.line("")
	if text, _ := schema["description"].(string); text != "" {
		w.line("%s", text)
		w.line("")
	}
	properties := w.properties("", schema)
	if len(properties) == 0 {
		for _, fact := range w.facts(schema) {
			w.line("- %s", fact)
		}
		w.line("")
		return
	}
	for _, p := range properties {
		w.option(p)
	}
}

// option writes one property and what is within it.
func (w *writer) option(p property) {
	w.line("### `%s`", p.path)
	w.line("")
	if text, _ := p.schema["description"].(string); text != "" {
		w.line("%s", text)
		w.line("")
	}
	for _, fact := range w.facts(p.schema) {
		w.line("- %s", fact)
	}
	switch fallback, there := p.schema["default"]; {
	case p.required:
		w.line("- required")
	case there:
		w.line("- default: `%s`", compact(fallback))
	}
	if p.schema["writeOnly"] == true {
		w.line("- kept secret: it stands in no log and no message. Write what nobody may read as `$env(NAME)`")
	}
	examples, _ := p.schema["examples"].([]json.RawMessage)
	for i, example := range examples {
		if text := compact(example); len(text) > longExample {
			w.line("- example:")
			w.line("")
			w.line("  ```json")
			w.line("  %s", strings.ReplaceAll(indented(example), "\n", "\n  "))
			w.line("  ```")
		} else if i == 0 {
			w.line("- example: `%s`", text)
		} else {
			w.line("- or: `%s`", text)
		}
	}
	w.line("")
	for _, inner := range w.within(p) {
		w.options(inner.path, inner.schema, false)
	}
}

// longExample is how many bytes of an example fit on a line.
const longExample = 90

// within answers the objects whose properties are written below a property: itself, the items of a list, or what stands
// under names of the reader's own. What refers to a definition leads there.
func (w *writer) within(p property) (objects []property) {
	add := func(path string, schema map[string]any) {
		if schema["properties"] != nil {
			objects = append(objects, property{path: path, schema: schema})
		}
		if items, ok := schema["items"].(map[string]any); ok && items["properties"] != nil {
			objects = append(objects, property{path: path + "[]", schema: items})
		}
		if values, ok := schema["additionalProperties"].(map[string]any); ok && values["properties"] != nil {
			objects = append(objects, property{path: path + ".NAME", schema: values})
		}
	}
	add(p.path, p.schema)
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		choices, _ := p.schema[key].([]any)
		for _, choice := range choices {
			if schema, ok := choice.(map[string]any); ok {
				add(p.path, schema)
			}
		}
	}
	return objects
}

// properties answers the properties of an object: those that must be there in the order of their list, then the others by
// name, $schema last.
func (w *writer) properties(path string, object map[string]any) (all []property) {
	named, _ := object["properties"].(map[string]any)
	required, _ := object["required"].([]any)
	var order []string
	for _, item := range required {
		if name, _ := item.(string); named[name] != nil {
			order = append(order, name)
		}
	}
	needed := len(order)
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(named)), func(name string) bool { return slices.Contains(order, name) })
	if i := slices.Index(rest, "$schema"); i >= 0 {
		rest = append(slices.Delete(rest, i, i+1), "$schema")
	}
	for i, name := range append(order, rest...) {
		schema, ok := named[name].(map[string]any)
		if !ok {
			continue
		}
		if path != "" {
			name = path + "." + name
		}
		all = append(all, property{path: name, schema: schema, required: i < needed})
	}
	return all
}

// otherwise says what holds where a property is missing.
func otherwise(p property) string {
	if p.required {
		return "required"
	}
	if fallback, there := p.schema["default"]; there {
		return "`" + compact(fallback) + "`"
	}
	return ""
}

// anchor is how GitHub calls the place of a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

// titled is the heading of a definition, which no property has.
func titled(name string) string {
	if strings.ContainsAny(name[:min(1, len(name))], "aeiou") {
		return "An " + name
	}
	return "A " + name
}
