package config

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// treatment is what happens to references in a text.
type treatment int

const (
	// free text may say what it likes.
	free treatment = iota
	// refuse: a reference is a problem, as it would not be resolved.
	refuse
	// resolve $env(NAME).
	resolve
	// resolveURL resolves $env(NAME) and ${env.NAME}.
	resolveURL
)

// reference is one resolved variable: its name, its value, and where in the resolved text the value begins.
type reference struct {
	name, value string
	at          int
}

// textFault is a fault at an offset within a text.
type textFault struct {
	at   int
	text string
}

// expand resolves the references of a text from left to right, each once: what a variable holds is never scanned. It
// tells every fault of the text; with any, out has no meaning.
func expand(
	text string, how treatment, lookup func(string) (string, bool),
) (out string, used []reference, faults []textFault) {
	var b strings.Builder
	rest := 0
	fail := func(at int, format string, args ...any) {
		faults = append(faults, textFault{at, fmt.Sprintf(format, args...)})
	}
	for {
		step := strings.IndexByte(text[rest:], '$')
		if step < 0 {
			b.WriteString(text[rest:])
			return b.String(), used, faults
		}
		start := rest + step
		b.WriteString(text[rest:start])
		form := formAt(text[start:], how)
		if form == nil {
			b.WriteByte('$')
			rest = start + 1
			continue
		}
		rest = start + len(form.open)
		if objection := form.objection(how); objection != "" {
			fail(start, "%s", objection)
			continue
		}
		end := strings.IndexByte(text[rest:], form.shut)
		if end < 0 {
			fail(start, "%s has no closing %c", form.open, form.shut)
			continue
		}
		name := text[rest : rest+end]
		rest += end + 1
		if !isEnvName(name) {
			fail(start, "%s%c needs a name of letters, digits and _ between", form.open, form.shut)
			continue
		}
		value, set := lookup(name)
		if !set {
			fail(start, "environment variable %s is not set", name)
			continue
		}
		if !utf8.ValidString(value) {
			fail(start, "environment variable %s is not valid UTF-8", name)
			continue
		}
		used = append(used, reference{name, value, b.Len()})
		b.WriteString(value)
	}
}

// form is a way to write a reference.
type form struct {
	open string
	shut byte
}

// formAt answers the form that the text begins with, or nil where the treatment takes it for plain text.
func formAt(text string, how treatment) *form {
	forms := []form{{"$env(", ')'}, {"${env.", '}'}}
	switch how {
	case resolve:
		forms = append(forms, form{"$import(", ')'})
	case resolveURL:
		forms = append(forms, form{"$import(", ')'}, form{"${", '}'})
	}
	for _, f := range forms {
		if strings.HasPrefix(text, f.open) {
			return &f
		}
	}
	return nil
}

// objection answers why the form cannot stand where the treatment applies, or "".
func (f form) objection(how treatment) string {
	switch {
	case f.open == "$import(":
		return "files cannot be imported: write the value itself"
	case how == refuse && f.open == "$env(":
		return "$env(...) is not resolved here"
	case how == refuse:
		return "${env.NAME} is not resolved here"
	case how == resolve && f.open == "${env.":
		return "${env.NAME} is resolved in rewritePattern only: write $env(NAME)"
	case how == resolveURL && f.open == "${":
		return "only ${env.NAME} and $env(NAME) are resolved here: an upstream cannot depend on the request"
	}
	return ""
}

func isEnvName(name string) bool {
	for _, c := range []byte(name) {
		if (c < '0' || '9' < c) && (c < 'A' || 'Z' < c) && (c < 'a' || 'z' < c) && c != '_' {
			return false
		}
	}
	return name != ""
}
