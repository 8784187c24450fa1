package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newValidateCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a configuration without running it",
		Long: "Check the configuration in --config. Exit status 0: it can be served; any notes are printed, and a summary " +
			"last. Exit status 1: every problem is printed as file:line:column: /pointer: text.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o := s.options(c, slog.New(slog.DiscardHandler))
			v, err := runtime.Validate(o)
			if err != nil {
				return err
			}
			for _, p := range v.Problems {
				fmt.Fprintln(c.OutOrStdout(), p)
			}
			if len(v.Problems) > 0 {
				return exitError(1)
			}
			for _, n := range v.Notes {
				fmt.Fprintf(c.OutOrStdout(), "%s:%d:%d: %s: note: %s\n", n.File, n.Line, n.Column, n.Pointer, n.Text)
			}
			fmt.Fprintf(c.OutOrStdout(), "%s: no problems: %s, %s\n", o.Config, plural(v.Policies, "policy", "policies"),
				plural(v.Routes, "route", "routes"))
			return nil
		},
	}
	s.addConfig(c)
	return c
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
