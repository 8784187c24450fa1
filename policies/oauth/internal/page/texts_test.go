package page

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
	"testing"
	"text/template/parse"
	"time"

	"github.com/google/go-cmp/cmp"

	"durward/policies/oauth/internal/access"
)

func english(t *testing.T) texts {
	t.Helper()
	words, err := readTexts(englishTexts)
	if err != nil {
		t.Fatal(err)
	}
	return words
}

// Every text that a page uses is there, with just the placeholders that the page fills; and every one there is used.
func TestTextsAreThoseThatPagesUse(t *testing.T) {
	words := english(t)
	p, err := Load(Branding{}, provider)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for page, parsed := range p.templates {
		for _, part := range parsed.Templates() {
			for name, given := range textCalls(part.Tree.Root) {
				used[name] = true
				text, ok := words.Words[name]
				if !ok {
					t.Errorf("page %s: no text %q", page, name)
				}
				if diff := cmp.Diff(placeholders(text), given); diff != "" {
					t.Errorf("page %s: text %q (-has +given):\n%s", page, name, diff)
				}
			}
		}
	}
	for _, name := range namesInCode(t) {
		used[name] = true
		if text, ok := words.Words[name]; !ok || len(placeholders(text)) > 0 {
			t.Errorf("text %q is missing or has placeholders", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(words.Words)) {
		if !used[name] {
			t.Errorf("text %q is not used", name)
		}
		if strings.TrimSpace(words.Words[name]) == "" {
			t.Errorf("text %q is empty", name)
		}
	}
}

// textCalls finds {{text "name" "placeholder" value …}} in a template: the placeholders by name.
func textCalls(node parse.Node) map[string][]string {
	found := map[string][]string{}
	var walk func(parse.Node)
	branch := func(b *parse.BranchNode) {
		walk(b.Pipe)
		walk(b.List)
		if b.ElseList != nil {
			walk(b.ElseList)
		}
	}
	walk = func(node parse.Node) {
		switch n := node.(type) {
		case *parse.ListNode:
			for _, inner := range n.Nodes {
				walk(inner)
			}
		case *parse.IfNode:
			branch(&n.BranchNode)
		case *parse.RangeNode:
			branch(&n.BranchNode)
		case *parse.WithNode:
			branch(&n.BranchNode)
		case *parse.ActionNode:
			walk(n.Pipe)
		case *parse.PipeNode:
			for _, command := range n.Cmds {
				walk(command)
			}
		case *parse.CommandNode:
			if function, ok := n.Args[0].(*parse.IdentifierNode); ok && function.Ident == "text" {
				given := []string{}
				for i := 2; i < len(n.Args); i += 2 {
					given = append(given, n.Args[i].(*parse.StringNode).Text)
				}
				slices.Sort(given)
				found[n.Args[1].(*parse.StringNode).Text] = given
			}
			for _, argument := range n.Args {
				walk(argument)
			}
		}
	}
	walk(node)
	return found
}

func placeholders(text string) []string {
	names := []string{}
	for _, found := range regexp.MustCompile(`\{([^}]*)\}`).FindAllStringSubmatch(text, -1) {
		names = append(names, found[1])
	}
	slices.Sort(names)
	return names
}

// namesInCode finds Words["name"] in the package's own files.
func namesInCode(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`\.Words\["([^"]+)"\]`).FindAllStringSubmatch(string(source), -1) {
			names = append(names, found[1])
		}
	}
	return names
}

// Every message and denial that the code names has its words, and no other has.
func TestMessagesAndDenialsHaveWords(t *testing.T) {
	words := english(t)
	messages := constants(t, "message.go")["Message"]
	for _, name := range messages {
		text := words.Messages[Message(name)]
		for part, content := range map[string]string{"heading": text.Heading, "text": text.Text, "advice": text.Advice} {
			if content == "" || strings.ContainsAny(content, "{}<>") {
				t.Errorf("message %s: its %s is %q", name, part, content)
			}
		}
	}
	if len(messages) < 10 || len(words.Messages) != len(messages) {
		t.Errorf("%d messages have words, the code names %d", len(words.Messages), len(messages))
	}
	denials := constants(t, filepath.Join("..", "access", "denial.go"))["Denial"]
	for _, name := range denials {
		if content := words.Denials[access.Denial(name)]; (content == "") != (name == "") || strings.ContainsAny(content, "{}<>") {
			t.Errorf("denial %q: %q", name, content)
		}
	}
	if len(denials) < 4 || len(words.Denials) != len(denials)-1 { // all but Admitted
		t.Errorf("%d denials have words, the code names %d", len(words.Denials), len(denials))
	}
}

// constants finds the values of a file's text constants by their types.
func constants(t *testing.T, file string) map[string][]string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			kind := spec.Type.(*ast.Ident).Name
			values[kind] = append(values[kind], text)
		}
		return true
	})
	return values
}

func TestTextFilling(t *testing.T) {
	words := texts{Words: map[string]string{"greet": "{who} & <friends> of {whose}"}}
	got, err := words.text("greet", "who", `<b>"x"`, "whose", strong("{who}<"))
	if want := "&lt;b&gt;&#34;x&#34; &amp; &lt;friends&gt; of <strong><bdi>{who}&lt;</bdi></strong>"; err != nil || string(got) != want {
		t.Errorf("%v: %s, want %s", err, got, want)
	}
	if got, err := words.text("greet", "who", "x"); err == nil {
		t.Errorf("a placeholder without a value: %s", got)
	}
	if got, err := words.text("part"); err == nil {
		t.Errorf("a text that is not there: %s", got)
	}
	if _, err := readTexts([]byte(`{"language":"en","wrods":{}}`)); err == nil {
		t.Error("a file with a member of no meaning was read")
	}
}

// The day is that of UTC, and nobody can take its month for its day.
func TestDay(t *testing.T) {
	late := time.Date(2026, 5, 3, 23, 30, 0, 0, time.FixedZone("", -5*3600))
	got, err := english(t).day(late)
	if want := `<time datetime="2026-05-04T04:30:00Z">4 May 2026</time>`; err != nil || string(got) != want {
		t.Errorf("%v: %s, want %s", err, got, want)
	}
	months := map[string]bool{}
	for _, month := range english(t).Months {
		months[month] = month != ""
	}
	if len(months) != 12 || months[""] {
		t.Errorf("months %v", months)
	}
}
