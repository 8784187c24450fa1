package architecture

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
)

// neverSays complains of Go files below a folder, tests too, in which a word occurs in any case.
func neverSays(folder, word string) func(product) []string {
	pattern := regexp.MustCompile("(?i)" + regexp.QuoteMeta(word))
	return func(p product) (broken []string) {
		for _, f := range p.files {
			if !strings.HasPrefix(f.path, folder+"/") {
				continue
			}
			for i, line := range strings.Split(f.text, "\n") {
				if pattern.MatchString(line) {
					broken = append(broken, fmt.Sprintf("%s:%d says %s", f.path, i+1, word))
				}
			}
		}
		return broken
	}
}

// keepsNoState complains of package-level variables, tests and generated code aside. Errors to compare with, embedded
// files and interface guards are no state.
func keepsNoState(p product) []string {
	return declarations(p, func(d ast.Decl) (broken []string) {
		general, ok := d.(*ast.GenDecl)
		if !ok || general.Tok != token.VAR {
			return nil
		}
		for _, spec := range general.Specs {
			value := spec.(*ast.ValueSpec)
			if embeds(general.Doc) || embeds(value.Doc) {
				continue
			}
			for i, name := range value.Names {
				if name.Name == "_" || len(value.Values) == len(value.Names) && sentinel(name.Name, value.Values[i]) {
					continue
				}
				broken = append(broken, "package-level variable "+name.Name)
			}
		}
		return broken
	})
}

// runsNothingByItself complains of init functions, tests and generated code aside.
func runsNothingByItself(p product) []string {
	return declarations(p, func(d ast.Decl) []string {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
			return []string{"func init"}
		}
		return nil
	})
}

func embeds(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, line := range doc.List {
		if strings.HasPrefix(line.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// sentinel says that a variable is an error made once, to be compared with: errors.New or fmt.Errorf, named as such.
func sentinel(name string, value ast.Expr) bool {
	call, ok := value.(*ast.CallExpr)
	if !ok || !strings.HasPrefix(name, "Err") && !strings.HasPrefix(name, "err") {
		return false
	}
	function, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := function.X.(*ast.Ident)
	return ok && (from.Name == "errors" && function.Sel.Name == "New" || from.Name == "fmt" && function.Sel.Name == "Errorf")
}

// declarations asks judge about every top-level declaration that a person wrote for the product itself.
func declarations(p product, judge func(ast.Decl) []string) (broken []string) {
	for _, f := range p.files {
		if f.test() {
			continue
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, f.path, f.text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			broken = append(broken, err.Error())
			continue
		}
		if ast.IsGenerated(parsed) {
			continue
		}
		for _, d := range parsed.Decls {
			for _, fault := range judge(d) {
				broken = append(broken, fmt.Sprintf("%s:%d has a %s", f.path, files.Position(d.Pos()).Line, fault))
			}
		}
	}
	return broken
}
