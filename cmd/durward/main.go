// Command durward is the gateway (serve, demo), looks at what it is told to do (init, validate, explain, schema), asks
// one that runs (plan, status), and takes access back there (clients, grants).
//
// Each verb has a file of its own, which turns flags and variables into the options of the package that does the work.
// The exit status is 0 when all went well, 1 when it did not, and 2 when the command line was not understood; of plan 2
// says that something would change, and 1 everything else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// statusOfUsage annotates a verb whose exit status, when the command line was not understood, is not 2.
const statusOfUsage = "exit status of wrong usage"

// exitError ends the command with a status of its own, saying nothing more.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func run(args []string, out, errOut io.Writer) int {
	root := newRootCommand()
	understood := false // a verb was found and all of its flags were read
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	c, err := root.ExecuteContextC(context.Background())
	if err == nil {
		return 0
	}
	if !understood {
		fmt.Fprintf(errOut, "durward: %v\nTry: %s --help\n", err, c.CommandPath())
		if c.Annotations[statusOfUsage] == "1" {
			return 1
		}
		return 2
	}
	return failed(err, errOut)
}

// failed prints why a command failed and answers its exit status.
func failed(err error, errOut io.Writer) int {
	if status, ok := errors.AsType[exitError](err); ok {
		return int(status)
	}
	if refused, ok := errors.AsType[*runtime.ConfigError](err); ok {
		newPrinter(errOut).problems("", refused.Problems) // as validate prints them
		fmt.Fprintf(errOut, "durward: nothing is served: %s in the configuration\n",
			plural(len(refused.Problems), "problem", "problems"))
		return 1
	}
	fmt.Fprintln(errOut, "durward:", err)
	if errors.Is(err, syscall.EADDRINUSE) {
		fmt.Fprintln(errOut, "Another program has this address: end that one, or choose another address with --listen or, "+
			"for operators, --admin. Port 0 takes a free one.")
	}
	return 1
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "durward",
		Short: "A self-hosted MCP gateway",
		Long: `Durward is a self-hosted MCP gateway. It stands in front of your MCP servers:
each client signs its user in before it may call a tool.`,
		Example: `  durward demo                       see it work on this machine, with nothing to set up
  durward init config                write a configuration to start from
  durward validate --config config   check a configuration
  durward explain POST /mcp/tools    tell what it does with a request
  durward serve --config config      run the gateway
  durward plan --config config       tell what an edit would change in it, before it does
  durward status --watch             look at it while it runs
  durward grants list                list what people have allowed clients there`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.AddCommand(newServeCommand(), newDemoCommand(), newInitCommand(), newValidateCommand(), newExplainCommand(),
		newPlanCommand(), newStatusCommand(), newClientsCommand(), newGrantsCommand(), newSchemaCommand(),
		newVersionCommand(), newPolicyCommand())
	return root
}

// noArguments refuses arguments of a verb that has flags only.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes flags only: %q is none", c.Name(), args[0])
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
