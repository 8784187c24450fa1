package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// oneOf takes one of several verbs, and nothing else.
func oneOf(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], c.CommandPath())
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		text += "\n\nDid you mean this?\n\t" + strings.Join(near, "\n\t") + "\n"
	}
	return errors.New(text)
}

// verbs makes a command that is nothing but the place of others.
func verbs(c *cobra.Command, of ...*cobra.Command) *cobra.Command {
	c.Args = oneOf
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	c.DisableFlagsInUseLine = true
	c.SuggestionsMinimumDistance = cmp.Or(c.SuggestionsMinimumDistance, 2)
	c.AddCommand(of...)
	return c
}
