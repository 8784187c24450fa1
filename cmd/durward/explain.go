package main

import (
	"errors"
	"log/slog"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newExplainCommand() *cobra.Command {
	var s settings
	var f format
	var origin string
	c := &cobra.Command{
		Use:   "explain METHOD URL",
		Short: "Tell what a configuration does with a request",
		Long: `Tell what the gateway would do with a request, by the configuration in --config:
which route takes it, which policies it must pass in which order and with which
options, and which MCP server it comes to; or why nothing does, and what is near.
Nothing is started and nobody is asked. The variables that it names must be set.

URL is what a client would call, or a path alone. No secret is printed, and of what
comes from a variable only its name.

Exit status 0: a route or a policy has an answer, or the gateway itself to OPTIONS.
Exit status 1: nothing has, or the configuration has problems.`,
		Example: `  durward explain POST /mcp/tickets
  durward explain GET https://mcp.example.com/.well-known/oauth-authorization-server
  durward explain OPTIONS /mcp/tickets --origin https://app.example.com`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return errors.New("explain takes a method and a URL, such as POST /mcp/tickets")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			o, err := s.options(c, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			x, err := runtime.Explain(o, runtime.Question{Method: args[0], URL: args[1], Origin: origin})
			if err != nil {
				return err
			}
			if f == formatJSON {
				if err := printJSON(c.OutOrStdout(), x); err != nil {
					return err
				}
			} else {
				explained{x, c.OutOrStdout()}.print()
			}
			if !x.Answered {
				return exitError(1)
			}
			return nil
		},
	}
	s.addConfig(c)
	f.addFormat(c)
	c.Flags().StringVar(&origin, "origin", "", "ask as a page of `ORIGIN` would")
	return c
}
