package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"durward/cmd/durward/demo"
	"durward/config"
	"durward/runtime"
)

// demoDrain is how long the demo waits for open streams when it is told to end: a person is waiting.
const demoDrain = 2 * time.Second

func newDemoCommand() *cobra.Command {
	s := settings{builtIn: true}
	var check bool
	var parts demo.Options
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the gateway with a development identity provider and a sample MCP server",
		Long: `Run the gateway together with a development identity provider, in which everybody
may be anybody, and a sample MCP server: on loopback addresses only. The last line
it prints is "ready".

The configuration is the folder config, and where there is none the one in this
binary. A folder named with --config or DURWARD_CONFIG must exist. It may be edited
while the demo runs.

With --check a built-in MCP client signs in and calls the tools. Each step is printed
with its time; exit status 0 says that all went well. It takes free ports and a store
of its own unless flags say otherwise, so it can run beside a demo.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := untilSignal(c.Context())
			defer stop()
			level := slog.LevelInfo
			if check {
				level = slog.LevelWarn
			}
			logger := slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			o, err := s.options(c, logger)
			if err != nil {
				return err
			}
			o.Drain = demoDrain
			if _, by := said(c, "config", "DURWARD_CONFIG"); by == "" && !isFolder(o.Config) {
				o.Fallback = config.FS()
			}
			// What gateway.json says of addresses does not count here: a demo stays on this machine.
			o.Listen, o.Admin = cmp.Or(o.Listen, runtime.DefaultListen), cmp.Or(o.Admin, runtime.DefaultAdmin)
			if err := cmp.Or(requireLoopback("--listen", o.Listen), requireLoopback("--admin", o.Admin),
				requireLoopback("--idp", parts.IdP), requireLoopback("--upstream", parts.Upstream)); err != nil {
				return err
			}
			if check {
				temporary, err := checkDefaults(c, &o)
				if err != nil {
					return err
				}
				defer removeLogged(logger, temporary)
			}
			return runDemo(ctx, o, parts, check, c.OutOrStdout())
		},
	}
	s.addConfig(c)
	s.addListeners(c)
	c.Flags().BoolVar(&check, "check", false, "sign in and call the tools without a person, then end")
	c.Flags().StringVar(&parts.IdP, "idp", "127.0.0.1:0", "serve the development identity provider on `HOST:PORT`")
	c.Flags().StringVar(&parts.Upstream, "upstream", "127.0.0.1:0", "serve the sample MCP server on `HOST:PORT`")
	return c
}

// checkDefaults keeps a check out of the way of a demo that runs already: free ports, and a store that goes with it.
func checkDefaults(c *cobra.Command, o *runtime.Options) (temporary string, err error) {
	for flag, at := range map[string]*string{"listen": &o.Listen, "admin": &o.Admin} {
		if !c.Flags().Changed(flag) {
			*at = "127.0.0.1:0"
		}
	}
	if c.Flags().Changed("data") {
		return "", nil
	}
	if temporary, err = os.MkdirTemp("", "durward-check-"); err != nil {
		return "", fmt.Errorf("make a folder for the check: %w", err)
	}
	o.Data = filepath.Join(temporary, "data")
	return temporary, nil
}

func removeLogged(logger *slog.Logger, folder string) {
	if folder == "" {
		return
	}
	if err := os.RemoveAll(folder); err != nil {
		logger.Warn("remove temporary folder", "error", err)
	}
}

// runDemo runs the parts and the gateway in one process tree, until ctx ends or the check is done.
func runDemo(ctx context.Context, o runtime.Options, parts demo.Options, check bool, out io.Writer) (err error) {
	parts.Logger = o.Logger
	running, err := demo.Start(ctx, parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, running.Close()) }()
	env := running.Env()
	o.LookupEnv = func(name string) (string, bool) {
		if value, ok := env[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}
	host, err := runtime.New(o)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	ended := make(chan error, 1)
	go func() { ended <- host.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-host.Ready():
	}
	defer reloadOnHangup(host)()
	mcpURL := "http://" + host.Addr().String() + "/mcp/demo"
	if check {
		err := demo.Check(ctx, demo.CheckOptions{MCPURL: mcpURL, Out: out})
		end()
		return errors.Join(err, <-ended)
	}
	if err := demo.Welcome(out, mcpURL); err != nil {
		return err
	}
	if o.Fallback != nil {
		fmt.Fprintf(out, "There is no folder %s here, so this runs the configuration in the binary.\n\n", o.Config)
	} else {
		fmt.Fprintf(out, "Edit the files in %s while this runs, and watch the log.\n\n", o.Config)
	}
	fmt.Fprintln(out, "ready")
	return <-ended
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// requireLoopback keeps the demo, in which everybody may be anybody, off every address but this machine's own.
func requireLoopback(flag, at string) error {
	at, err := address(at, flag)
	if err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(at) // it is HOST:PORT
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return fmt.Errorf("the demo listens on loopback addresses only, such as %s, not on %s", runtime.DefaultListen, at)
	}
	return nil
}
