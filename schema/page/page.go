// Package page owns the pages of documentation that are made of JSON Schemas: one for each policy type, one for each kind
// of document, and an index.
//
// It promises that a page names every property that its schema names, with its type, bounds, default and example, in the
// schema's own words, and that the same schema gives the same page. It is not for guides: why and how things are done
// together is written by people.
package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"durward/schema"
)

// Markdown answers the page of a policy type, in GitHub's Markdown.
func Markdown(t schema.Type) ([]byte, error) {
	w, err := newWriter(t.Options)
	if err != nil {
		return nil, fmt.Errorf("write page of %s: %w", t.Name, err)
	}
	example, err := t.Example()
	if err != nil {
		return nil, fmt.Errorf("write page of %s: %w", t.Name, err)
	}
	w.line("# %s", t.Name)
	w.line("")
	w.about()
	w.line("| in policies.json | |")
	w.line("|---|---|")
	w.line("| `policyType` | `%s` |", t.Name)
	w.line("| `handler.export` | `%s` |", t.Export)
	w.line("| `handler.module` | %s |", modules(t.Modules))
	for _, way := range []string{"inbound", "outbound"} {
		if strings.HasSuffix(t.Name, "-"+way) {
			w.line("| listed by routes under | `x-zuplo-route.policies.%s` |", way)
		}
	}
	w.line("")
	w.line("## Example")
	w.line("")
	w.line("An entry of `policies`, with what must be there:")
	w.line("")
	w.line("```json")
	w.line("%s", indented(example))
	w.line("```")
	w.line("")
	w.line("## Options")
	w.line("")
	w.line("Texts may hold `$env(NAME)`, and any value may come from a file: `$import(./FILE)`.")
	w.line("")
	w.options("", w.root, true)
	w.definitions()
	return w.out.Bytes(), nil
}

// Document answers the page of a kind of document.
func Document(d schema.Document) ([]byte, error) {
	raw, err := d.Source()
	if err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	w, err := newWriter(raw)
	if err != nil {
		return nil, fmt.Errorf("write page of %s: %w", d, err)
	}
	title, _ := w.root["title"].(string)
	w.line("# %s", title)
	w.line("")
	delete(w.root, "title") // it is the heading
	w.about()
	w.options("", w.root, true)
	w.definitions()
	return w.out.Bytes(), nil
}

// Index answers the page that leads to those of policy types.
func Index(types []schema.Type) ([]byte, error) {
	w := &writer{}
	w.line("%s", notice)
	w.line("# Policies")
	w.line("")
	w.line("The types of policy that ship: what `policyType` may be in `policies.json`.")
	w.line("")
	w.line("| policyType | |")
	w.line("|---|---|")
	for _, t := range types {
		var about struct{ Title, Description string }
		if err := json.Unmarshal(t.Options, &about); err != nil {
			return nil, fmt.Errorf("write index: read options schema of %s: %w", t.Name, err)
		}
		w.line("| [%s](%s.md) | %s |", t.Name, t.Name, cell(about.Title+": "+firstSentence(about.Description)))
	}
	return w.out.Bytes(), nil
}

// notice stands at the top of every page. It is no part of what is shown.
const notice = "<!-- Made of the JSON Schemas by `go test ./cmd/durward -run TestPolicyPages -update`: change those. -->"

func modules(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = "`$import(" + name + ")`"
	}
	return strings.Join(quoted, " or ")
}

func firstSentence(text string) string {
	if sentence, _, more := strings.Cut(text, ". "); more {
		return sentence + "."
	}
	return text
}

// cell makes a text fit into a cell of a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// indented prints JSON on several lines, compact on one; names sorted.
func indented(value any) string { return printed(value, "  ") }

func compact(value any) string { return printed(value, "") }

func printed(value any, indent string) string {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	if err := enc.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
