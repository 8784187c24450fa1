package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newValidateCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a configuration without running it",
		Long: `Check the configuration in --config, without starting or writing anything. The
variables that it names with $env(NAME) must be set, as they must be for serve.

Exit status 0: it can be served. Any notes are printed, and a summary last.
Exit status 1: every problem is printed as file:line:column: /pointer: text`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			o, err := s.options(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			v, err := runtime.Validate(o)
			if err != nil {
				return err
			}
			return report(c.OutOrStdout(), o.Config, v)
		},
	}
	s.addConfig(c)
	return c
}

// report prints what was found, one line each, and a summary last if the configuration can be served.
func report(out io.Writer, folder string, v runtime.Validation) error {
	for _, p := range v.Problems {
		fmt.Fprintln(out, p)
	}
	if len(v.Problems) > 0 {
		return exitError(1)
	}
	for _, n := range v.Notes {
		n.Text = "note: " + n.Text
		fmt.Fprintln(out, n)
	}
	fmt.Fprintf(out, "%s: no problems: %s, %s\n", folder, plural(v.Policies, "policy", "policies"),
		plural(v.Routes, "route", "routes"))
	return nil
}
