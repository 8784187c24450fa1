package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"durward/runtime"
)

func newServeCommand() *cobra.Command {
	var s settings
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the gateway",
		Long: "Run the gateway with the configuration in --config. The configuration is read anew when one of its files " +
			"changes, on SIGHUP, and on POST /-/reload; a bad one changes nothing. SIGINT and SIGTERM end the gateway in order.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o := s.options(c, slog.New(slog.NewJSONHandler(c.ErrOrStderr(), nil)))
			host, err := runtime.New(o)
			if err != nil {
				return err
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			go reloadOnHangup(ctx, host)
			return host.Run(ctx)
		},
	}
	s.addConfig(c)
	s.addListeners(c)
	return c
}

// untilSignal ends the context at the first SIGINT or SIGTERM. A second one ends the program at once.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}

func reloadOnHangup(ctx context.Context, host *runtime.Host) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			host.Reload(ctx, "SIGHUP")
		}
	}
}
