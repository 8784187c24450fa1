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
		Long: `Run the gateway with the configuration in --config. It logs to standard error, one
JSON object a line unless gateway.json says otherwise; the line with "msg":"listening"
says that it serves, and where.

The configuration is read anew when one of its files changes, on SIGHUP, and on
POST /-/reload at the admin address. One with problems changes nothing; at the
start it is not served: the problems are printed, and the exit status is 1.

SIGINT and SIGTERM end the gateway in order: what is in flight has 30 seconds
(timeouts.drainSeconds in gateway.json).

Sockets that systemd has opened (a .socket unit) are served in place of --listen and
--admin: those named public and admin, or one without a name for clients.

A flag beats its variable, the variable beats gateway.json, and that beats the
default.`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			log := newLogHandler(c.ErrOrStderr())
			o, err := s.options(c, slog.New(log))
			if err != nil {
				return err
			}
			o.OnLog, o.Audit = log.set, slog.New(log.always())
			if o.Listener, o.AdminListener, err = sockets(); err != nil {
				return err
			}
			var host *runtime.Host
			o.OnTurn = tellManager(o.Logger, func() runtime.Status { return host.Status() })
			if host, err = runtime.New(o); err != nil {
				return err
			}
			ctx, stop := untilSignal(c.Context())
			defer stop()
			defer reloadOnHangup(host)()
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

// reloadOnHangup takes SIGHUP from now on until stop is called, which is for after the host has ended: one that came
// before it serves, or while it drains, must not end the program.
func reloadOnHangup(host *runtime.Host) (stop func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		for range hangup {
			host.Reload(context.Background(), "SIGHUP")
		}
	}()
	return func() {
		signal.Stop(hangup)
		close(hangup)
	}
}
