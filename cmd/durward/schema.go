package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [policies|routes|gateway]",
		Short: "Print the JSON Schema by which an editor completes and checks a file",
		Long: `Print one JSON Schema (draft 2020-12) for policies.json (which is also what it prints
without an argument), for *.oas.json, or for gateway.json. That of policies.json
knows the options of every policy type of this program.

An editor finds it by the property $schema at the top of the file, which the
gateway does not read, or by the editor's own settings. It knows less than
durward validate does: what it accepts may still be refused.`,
		Example: `  durward schema > config/policies.schema.json
                                     then in policies.json: "$schema": "./policies.schema.json"
  durward schema routes > config/routes.schema.json`,
		Args: func(_ *cobra.Command, args []string) error {
			_, err := documentOf(args)
			return err
		},
		ValidArgs: runtime.Documents(),
		RunE: func(c *cobra.Command, args []string) error {
			document, err := documentOf(args)
			if err != nil {
				return err
			}
			bundle, err := runtime.Schema(document, catalogue())
			if err != nil {
				return err
			}
			_, err = c.OutOrStdout().Write(bundle)
			return err
		},
	}
}

// documentOf answers the kind of file that the arguments name.
func documentOf(args []string) (string, error) {
	kinds := runtime.Documents()
	switch {
	case len(args) == 0:
		return "policies", nil
	case len(args) > 1:
		return "", fmt.Errorf("schema takes one argument, and not %d", len(args))
	case !slices.Contains(kinds, args[0]):
		return "", fmt.Errorf("schema: %q is none of %s", args[0], strings.Join(kinds, ", "))
	}
	return args[0], nil
}
