package oauth_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"durward/policies"
)

// documented is what docs/audit.md says of an event.
type documented struct {
	outcome                   string
	required, fields, reasons []string
}

// auditDocument reads the tables of docs/audit.md.
var auditDocument = sync.OnceValues(func() (map[string]documented, error) {
	text, err := os.ReadFile("../../docs/audit.md")
	if err != nil {
		return nil, err
	}
	events := map[string]documented{}
	quoted := regexp.MustCompile("`([^`]+)`")
	words := func(cell string) (all []string) {
		for _, match := range quoted.FindAllStringSubmatch(cell, -1) {
			all = append(all, match[1])
		}
		return all
	}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) != 7 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		event := documented{outcome: words(cells[2])[0], reasons: words(cells[4])}
		for _, field := range words(cells[3]) {
			name, optional := strings.CutSuffix(field, "?")
			event.fields = append(event.fields, name)
			if !optional {
				event.required = append(event.required, name)
			}
		}
		events[words(cells[1])[0]] = event
	}
	return events, nil
})

// fieldsOf are an event's fields under the names that they have in the log.
func fieldsOf(e policies.Event) map[string]string {
	fields := map[string]string{
		"issuer": e.Issuer, "subject": e.Subject, "client_id": e.Client, "client_host": e.ClientHost, "grant": e.Grant,
		"resource": e.Resource, "scope": e.Scope, "reason": e.Reason,
	}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	return fields
}

// asDocumented looks that events are what docs/audit.md says. Every test of this package ends with it.
func asDocumented(t *testing.T, events []policies.Event) {
	t.Helper()
	document, err := auditDocument()
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events {
		said, known := document[event.Name]
		fields := fieldsOf(event)
		var wrong []string
		for name := range fields {
			if !slices.Contains(said.fields, name) {
				wrong = append(wrong, "has "+name)
			}
		}
		for _, name := range said.required {
			if fields[name] == "" {
				wrong = append(wrong, "lacks "+name)
			}
		}
		if event.Reason != "" && !slices.Contains(said.reasons, event.Reason) && !slices.Contains(said.reasons, "*") {
			wrong = append(wrong, "its reason is not listed")
		}
		if !known || event.Outcome != said.outcome || len(wrong) > 0 {
			t.Errorf("docs/audit.md has another event in mind: %+v: %s", event, strings.Join(wrong, ", "))
		}
	}
}

// docs/audit.md lists the events of events.go and no others, and nothing else names one.
func TestAuditDocumentListsTheEvents(t *testing.T) {
	document, err := auditDocument()
	if err != nil {
		t.Fatal(err)
	}
	names, constants := map[string]bool{}, map[string]bool{}
	used, words := map[string]bool{}, map[string]bool{}
	files, _ := filepath.Glob("*.go")
	rules, _ := filepath.Glob("internal/access/*.go") // why somebody is kept out is a reason too
	for _, file := range slices.Concat(files, rules) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.ValueSpec:
				for i, name := range n.Names {
					if file == "events.go" && strings.HasPrefix(name.Name, "event") {
						constants[name.Name] = true
						text, _ := strconv.Unquote(n.Values[i].(*ast.BasicLit).Value)
						names[text] = true
					}
				}
			case *ast.BasicLit:
				word, _ := strconv.Unquote(n.Value)
				words[word] = true
			case *ast.Ident:
				if file != "events.go" {
					used[n.Name] = true
				}
			}
			return true
		})
	}
	for name := range names {
		if _, ok := document[name]; !ok {
			t.Errorf("docs/audit.md does not tell of %s", name)
		}
	}
	for name, event := range document {
		if !names[name] {
			t.Errorf("docs/audit.md tells of %s, which is no event", name)
		}
		for _, reason := range event.reasons {
			if !words[reason] && reason != "*" {
				t.Errorf("docs/audit.md tells of %s with the reason %s, which is none", name, reason)
			}
		}
	}
	for name := range constants {
		if !used[name] {
			t.Errorf("nothing is recorded as %s", name)
		}
	}
}
