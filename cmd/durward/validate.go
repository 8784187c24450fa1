package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newValidateCommand() *cobra.Command {
	var s settings
	var r report
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check a configuration without running it",
		Long: `Check the configuration in --config, without starting or writing anything. The
variables that it names with $env(NAME) must be set, as they must be for serve.

With --strict what is not safe in production is a problem too: each is printed with
its remedy, after "unsafe: ". With --references the variables are listed that are
named: where each comes from and where it stands, never what it holds.

Exit status 0: it can be served. Any notes are printed, and a summary last.
Exit status 1: every problem is printed as file:line:column: /pointer: text. On a
terminal the line of the file is below it.`,
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
			r.folder = o.Config
			return r.print(c.OutOrStdout(), v)
		},
	}
	s.addConfig(c)
	r.format.addFormat(c)
	c.Flags().BoolVar(&r.strict, "strict", false, "refuse what is not safe in production")
	c.Flags().BoolVar(&r.references, "references", false, "list the variables that are named")
	return c
}

// status is the error that ends the command: nil if the configuration may be served, and strictly seen should be.
func (r report) status(v runtime.Validation) error {
	if len(v.Problems) > 0 || r.strict && len(v.Unsafe) > 0 {
		return exitError(1)
	}
	return nil
}

// counted is what the configuration has.
func counted(v runtime.Validation) string {
	return fmt.Sprintf("%s, %s", plural(v.Policies, "policy", "policies"), plural(v.Routes, "route", "routes"))
}
