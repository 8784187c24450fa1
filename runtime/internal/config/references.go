package config

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"durward/runtime/internal/reference"
)

// hiddenName stands for the name of a variable that is not set and that no variable would have: who writes a secret in
// place of its name is told where, and not what.
const hiddenName = "(not shown)"

// named is a reference to a variable at a place of a file.
type named struct {
	name, pointer string
	offset        int
}

// references are the variables that the files name, in the order of their names.
func (b *build) references() []Reference {
	places := make(map[string][]Place)
	for _, s := range b.sources() {
		slices.SortFunc(s.named, func(a, b named) int {
			return cmp.Or(cmp.Compare(a.offset, b.offset), strings.Compare(a.name, b.name))
		})
		s.named = slices.Compact(s.named) // a file may be imported twice
		for _, n := range s.named {
			at := s.placed(fault{offset: n.offset, pointer: n.pointer})
			places[n.name] = append(places[n.name], Place{at.File, at.Line, at.Column, at.Pointer})
		}
	}
	var all []Reference
	for _, v := range b.variables.Used() {
		name := v.Shown()
		if name == "" {
			name = hiddenName
		}
		all = append(all, Reference{Name: name, From: v.From, Places: places[v.Name]})
	}
	slices.SortStableFunc(all, func(a, b Reference) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// lookup answers what a variable holds.
func (b *build) lookup(name string) (value, fault string) {
	v := b.variables.Lookup(name)
	return v.Value, v.Fault
}

// openVariables makes what references stand for during this load. .env counts in development only: where nobody but this
// machine's user can reach the gateway. Elsewhere it would be one more place for secrets, and one that is saved by
// accident with the configuration.
func (b *build) openVariables() {
	o := reference.Options{LookupEnv: b.options.LookupEnv}
	if read := b.options.ReadFile; read != nil {
		o.ReadFile = func(path string) reference.Content { return read(path, reference.MaxFile) }
		if why := b.production(); why == "" {
			o.DotEnv = b.options.DotEnv
		} else if aside := b.readAside(); aside != nil {
			o.Aside = aside.Data
			b.dotEnvNotes = append(b.dotEnvNotes, b.ofDotEnv(1, "is not read: it counts in development only, and "+why))
		}
	}
	b.variables = reference.New(o)
}

// readAside reads a .env that does not count, if there is one.
func (b *build) readAside() *reference.Content {
	if b.options.DotEnv == "" {
		return nil
	}
	if c := b.options.ReadFile(b.options.DotEnv, reference.MaxFile); !c.Missing {
		return &c
	}
	return nil
}

// production says why this is no gateway for development, or "". Of a gateway.json that cannot be read it says nothing:
// nothing is served, and that a variable is not set would not be the fault.
func (b *build) production() (why string) {
	// Neither of the two has references.
	b.resolve(b.gateway, meaning{treat: func([]string) treatment { return reference.Free }})
	origins, _ := get(b.gateway.value, "publicUrl").([]any)
	if origin, ok := get(b.gateway.value, "publicUrl").(string); ok {
		origins = []any{origin}
	}
	for _, origin := range origins {
		if text, ok := origin.(string); ok && !isLoopbackOrigin(text) {
			return "publicUrl is no loopback address"
		}
	}
	listen := b.options.Listen
	if listen == "" {
		listen = text(b.gateway.value, "listen")
	}
	if host, ok := splitListen(listen); listen != "" && (!ok || !IsLoopbackHost(host)) {
		return "the gateway listens on an address that is no loopback one"
	}
	return ""
}

// dotEnvProblems are what is wrong with .env, by line.
func (b *build) dotEnvProblems() (problems []Problem) {
	for _, f := range b.variables.DotEnvFaults() {
		problems = append(problems, b.ofDotEnv(f.Line, f.Text))
	}
	return problems
}

// ofDotEnv says something of .env, of which nothing is quoted. It lies beside the folder.
func (b *build) ofDotEnv(line int, text string) Problem {
	return Problem{File: path.Join(b.options.Name, "..", ".env"), Line: line, Column: 1, Text: text}
}
