package runtime

import (
	"fmt"
	"strings"

	"durward/runtime/internal/config"
	"durward/runtime/internal/reference"
	"durward/runtime/internal/watch"
)

// Problem is a fault in the configuration that a person must mend, or a note. It holds no value of an option.
type Problem struct {
	File string `json:"file"`
	// Line and Column count from 1; the column counts characters.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Pointer is the JSON pointer (RFC 6901) in the file.
	Pointer string `json:"pointer"`
	Text    string `json:"text"`
	// Excerpt is the place as a person may look at it.
	Excerpt Excerpt `json:"-"`
}

// Excerpt is the part of a line of a file around a problem. What must not be printed is masked in it (G10).
type Excerpt struct {
	// Line is "" if nothing of the file may be shown, or there is nothing to show.
	Line string
	// Column counts the characters of Line from 1, up to where the problem begins; Width is how many of them it is about.
	Column, Width int
}

// String is "file:line:column: /pointer: text".
func (p Problem) String() string {
	return config.Problem{File: p.File, Line: p.Line, Column: p.Column, Pointer: p.Pointer, Text: p.Text}.String()
}

// ConfigError is a configuration with problems.
type ConfigError struct{ Problems []Problem }

func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Where the value of a variable comes from.
const (
	FromEnvironment = string(reference.FromEnvironment)
	// FromFile: the variable NAME_FILE names a file that holds it.
	FromFile   = string(reference.FromFile)
	FromDotEnv = string(reference.FromDotEnv)
	NotSet     = string(reference.NotSet)
)

// Reference is a variable that the configuration names.
type Reference struct {
	Name string `json:"name"`
	// From is FromEnvironment, FromFile, FromDotEnv or NotSet.
	From string `json:"from"`
	// Places are where it is named, in the order of the files.
	Places []Place `json:"places"`
}

// Place is a place in a file of the configuration; its fields are those of a Problem.
type Place struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Pointer string `json:"pointer"`
}

// String is "file:line:column".
func (p Place) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Validation is what can be said of a configuration without running it.
type Validation struct {
	Problems, Notes []Problem
	// Unsafe are what should not be so where others than this machine's user can reach the gateway. It is told of a
	// configuration without problems.
	Unsafe           []Problem
	Policies, Routes int
	// References are the variables that are named, also if there are problems, by name. A name that is not set and may be
	// a secret in the wrong place is not told.
	References []Reference
	// Files are the names, within the folder, of every file that was read or looked for, also if there are problems.
	Files []string
}

// Validate loads and checks the configuration. It starts nothing and writes nothing. An error is a fault of the
// catalogue in o, not of the configuration.
func Validate(o Options) (Validation, error) {
	v, err := NewValidator(o)
	if err != nil {
		return Validation{}, err
	}
	return v.Validate(), nil
}

// Validator is Validate for who asks often: what the catalogue costs is paid once. It is for one goroutine at a time.
type Validator struct{ loader *config.Loader }

// NewValidator makes a Validator. The error is as in Validate.
func NewValidator(o Options) (*Validator, error) {
	loader, err := o.withDefaults().loader(&watch.Reader{})
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	return &Validator{loader: loader}, nil
}

// Validate loads the configuration as it is now, and checks it.
func (of *Validator) Validate() Validation {
	loaded := of.loader.Load()
	v := Validation{Problems: publicProblems(loaded.Problems), Files: loaded.Files}
	for _, r := range loaded.References {
		public := Reference{Name: r.Name, From: string(r.From)}
		for _, p := range r.Places {
			public.Places = append(public.Places, Place(p))
		}
		v.References = append(v.References, public)
	}
	if cfg := loaded.Config; cfg != nil {
		v.Notes, v.Unsafe = publicProblems(cfg.Notes), publicProblems(cfg.Unsafe)
		v.Policies, v.Routes = len(cfg.Policies), len(cfg.Routes)
	}
	return v
}

func publicProblems(problems []config.Problem) []Problem {
	public := make([]Problem, len(problems))
	for i, p := range problems {
		public[i] = Problem{File: p.File, Line: p.Line, Column: p.Column, Pointer: p.Pointer, Text: p.Text, Excerpt: Excerpt(p.Excerpt)}
	}
	return public
}
