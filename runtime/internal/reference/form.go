package reference

import "strings"

// form is a way to write a reference, or what might be taken for one.
type form int

const (
	noForm   form = iota
	envForm       // $env(NAME)
	urlForm       // ${env.NAME}
	fileForm      // $import(NAME)
	nearForm      // all that a person might take for the first
	partForm      // ${...}, a part of the request, such as another gateway puts into a URL
)

// open is how the form begins.
func (f form) open() string {
	return [...]string{noForm: "", envForm: "$env(", urlForm: "${env.", fileForm: "$import(", nearForm: "$", partForm: "${"}[f]
}

// shut is how a form that is resolved ends.
func (f form) shut() string {
	if f == urlForm {
		return "}"
	}
	return ")"
}

// formAt answers the form that begins at a place, as far as the treatment takes it for more than text.
func (e *expansion) formAt(start int) form {
	text := e.text[start:]
	switch {
	case strings.HasPrefix(text, envForm.open()):
		return envForm
	case strings.HasPrefix(text, urlForm.open()):
		return urlForm
	case e.how == Refuse:
		return noForm
	case strings.HasPrefix(text, fileForm.open()):
		return fileForm
	case looksNear(text):
		return nearForm
	case e.how == ResolveURL && strings.HasPrefix(text, partForm.open()):
		return partForm
	}
	return noForm
}

// objection answers why a form cannot stand where the treatment applies, or "".
func (e *expansion) objection(f form) string {
	switch {
	case f == fileForm:
		return `an import is a whole value, within options: "$import(./FILE)" with nothing before or behind it`
	case f == nearForm:
		return e.nearly()
	case f == partForm:
		return "only ${env.NAME} and $env(NAME) are resolved here: an upstream cannot depend on the request"
	case e.how == Refuse && f == envForm:
		return "$env(...) is not resolved here"
	case e.how == Refuse && f == urlForm:
		return "${env.NAME} is not resolved here"
	case e.how == Resolve && f == urlForm:
		return "${env.NAME} is resolved in rewritePattern only: write $env(NAME)"
	}
	return ""
}

// nearly says what to write in place of what looks like a reference and is none. It does not repeat the name: it may be a
// secret that begins with a dollar.
func (e *expansion) nearly() string {
	if e.how == ResolveURL {
		return "looks like a variable and would stay as it is: write ${env.NAME} or $env(NAME); " +
			"text that is meant to look so must come from a variable"
	}
	return "looks like a variable and would stay as it is: write $env(NAME); " +
		"text that is meant to look so must come from a variable"
}

// looksNear says whether a text begins with what nobody writes but for a variable: the word env with another bracket, in
// capitals or with what other programs put after it, and a conventional name in ${...}.
func looksNear(text string) bool {
	text = text[1:] // the dollar
	if inner, braced := strings.CutPrefix(text, "{"); braced {
		inner, closed := before(inner, '}')
		return closed && (isConventional(inner) || afterEnv(inner))
	}
	if len(text) < 4 || !strings.EqualFold(text[:3], "env") {
		return false
	}
	text = strings.TrimLeft(text[3:min(len(text), 3+maxName)], " ")
	for _, brackets := range [...]string{"()", "{}", "[]"} {
		if text != "" && text[0] == brackets[0] {
			name, closed := before(text[1:], brackets[1])
			return closed && IsName(strings.TrimSpace(name))
		}
	}
	return false
}

// looksWhole says whether a text is nothing but what other programs replace by a variable.
func looksWhole(text string) bool {
	if len(text) < 3 || len(text) > maxName {
		return false
	}
	if inner, ok := strings.CutPrefix(text, "{{"); ok {
		inner, ok = strings.CutSuffix(inner, "}}")
		inner = strings.TrimSpace(inner)
		return ok && (isConventional(inner) || afterEnv(strings.TrimPrefix(inner, ".")))
	}
	inner, ok := strings.CutPrefix(text, "$")
	if !ok { // env(NAME), which lacks it
		return strings.HasSuffix(text, ")") && len(text) > 5 && strings.EqualFold(text[:4], "env(") &&
			IsName(text[4:len(text)-1])
	}
	if name, opened := strings.CutPrefix(inner, "("); opened {
		name, shut := strings.CutSuffix(name, ")")
		return shut && isConventional(name)
	}
	return isConventional(inner) || afterEnv(inner)
}

// afterEnv says whether a text is a name after the word env: "env.NAME", "ENV:NAME", "env NAME".
func afterEnv(text string) bool {
	return len(text) > 4 && strings.EqualFold(text[:3], "env") && strings.IndexByte(".: ", text[3]) >= 0 &&
		IsName(strings.TrimSpace(text[4:]))
}

// isConventional says whether a name is one as variables have them: capitals, digits and _, more than one of them, and a
// letter first.
func isConventional(name string) bool {
	for i, c := range []byte(name) {
		letter := 'A' <= c && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || '9' < c) {
			return false
		}
	}
	return len(name) > 1
}

// before answers what stands before the closing bracket, if that is no further away than a name is long.
func before(text string, shut byte) (inner string, closed bool) {
	text = text[:min(len(text), maxName+1)]
	end := strings.IndexByte(text, shut)
	if end < 0 {
		return "", false
	}
	return text[:end], true
}
