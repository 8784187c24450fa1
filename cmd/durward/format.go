package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// format is the value of --format.
type format string

const (
	formatText format = "text"
	formatJSON format = "json"
)

// addFormat adds --format, which is text if nobody says otherwise.
func (f *format) addFormat(c *cobra.Command) {
	*f = formatText
	c.Flags().Var(f, "format", "print it as `FORMAT`: text or json")
}

// Set and its like make it the value of a flag.
func (f *format) Set(text string) error {
	switch format(text) {
	case formatText, formatJSON:
		*f = format(text)
		return nil
	}
	return errors.New("must be text or json")
}

func (f *format) String() string { return string(*f) }

// Type is how the flag's value is called.
func (f *format) Type() string { return "FORMAT" }

// printJSON prints a value as JSON for programs, in lines that people can read too.
func printJSON(out io.Writer, value any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(value); err != nil {
		return fmt.Errorf("print json: %w", err)
	}
	return nil
}
