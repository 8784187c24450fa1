// Command durward is the gateway: serve, demo, validate, version.
//
// Each verb has a file of its own, which turns flags and variables into the options of the package that does the work.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// exitError ends the command with a status of its own, saying nothing more.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run(args []string, out, errOut io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(context.Background())
	if status, ok := errors.AsType[exitError](err); ok {
		return int(status)
	}
	if err != nil {
		fmt.Fprintln(errOut, "durward:", err)
		return 1
	}
	return 0
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "durward",
		Short:         "A self-hosted MCP gateway",
		Long:          "Durward stands in front of your MCP servers: each client signs its user in before it may call a tool.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newServeCommand(), newDemoCommand(), newValidateCommand(), newVersionCommand(), newPolicyCommand())
	return root
}
