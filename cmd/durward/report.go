package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"durward/runtime"
)

// report prints what was found in a configuration.
type report struct {
	folder             string
	format             format
	strict, references bool
}

// print answers the error that ends the command.
func (r report) print(out io.Writer, v runtime.Validation) error {
	form := r.text
	if r.format == formatJSON {
		form = r.json
	}
	if err := form(out, v); err != nil {
		return err
	}
	return r.status(v)
}

// json prints everything, whatever it came to. Programs may count on these names.
func (r report) json(out io.Writer, v runtime.Validation) error {
	answer := struct {
		Problems   []runtime.Problem   `json:"problems"`
		Notes      []runtime.Problem   `json:"notes"`
		Unsafe     []runtime.Problem   `json:"unsafe"`
		Policies   int                 `json:"policies"`
		Routes     int                 `json:"routes"`
		References []runtime.Reference `json:"references,omitzero"`
	}{orNone(v.Problems), orNone(v.Notes), orNone(v.Unsafe), v.Policies, v.Routes, nil}
	if r.references {
		answer.References = orNone(v.References)
	}
	return printJSON(out, answer)
}

// orNone is a list that is [] in JSON if it is empty, and not null.
func orNone[T any](list []T) []T { return append([]T{}, list...) }

// text prints one line each, problems alone or what else there is, and a summary last if the configuration may be served.
func (r report) text(out io.Writer, v runtime.Validation) error {
	p := newPrinter(out)
	switch {
	case len(v.Problems) > 0:
		p.problems("", v.Problems)
		r.table(out, v)
		p.total(plural(len(v.Problems), "problem", "problems"))
	case r.strict && len(v.Unsafe) > 0:
		p.problems("unsafe: ", v.Unsafe)
		r.table(out, v)
		p.total(unsafe(v))
	default:
		p.problems("note: ", v.Notes)
		r.table(out, v)
		if len(v.Unsafe) > 0 {
			p.total(unsafe(v) + ": see --strict")
		}
		fmt.Fprintf(out, "%s: no problems: %s\n", r.folder, counted(v))
	}
	return nil
}

func unsafe(v runtime.Validation) string {
	return plural(len(v.Unsafe), "thing", "things") + " not safe in production"
}

// table prints the variables that are named, each of its places on a line.
func (r report) table(out io.Writer, v runtime.Validation) {
	if !r.references {
		return
	}
	if len(v.References) == 0 {
		fmt.Fprintf(out, "%s names no variables\n", r.folder)
		return
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = t.Flush() }() // as Fprint to a person
	fmt.Fprintln(t, "VARIABLE\tFROM\tNAMED AT")
	for _, ref := range v.References {
		name, from := ref.Name, ref.From
		for _, at := range ref.Places {
			fmt.Fprintf(t, "%s\t%s\t%s:%d:%d: %s\n", name, from, printable(at.File), at.Line, at.Column, printable(at.Pointer))
			name, from = "", ""
		}
	}
}
