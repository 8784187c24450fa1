// Command host is a gateway like `durward serve`, with hostile policy types beside the one that ships.
//
//	host serve --config DIR --listen HOST:PORT --admin HOST:PORT --data DIR
//
// The hostile types run from the executable that DURWARD_TEST_EXECUTABLE names. DURWARD_TEST_DRAIN and
// DURWARD_TEST_POLICY_WAIT, such as "500ms", are runtime.Options' Drain and PolicyWait. SIGUSR1 makes it panic and SIGUSR2
// makes it exit without a word, for tests of how it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"durward/plugins/clerk"
	"durward/policies/sdk"
	"durward/runtime"
)

// policyVerb is the verb by which this program starts itself as the process of the policy that ships.
const policyVerb = "policy"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) > 0 && arguments[0] == policyVerb {
		sdk.Serve(clerk.Type())
		return nil
	}
	if len(arguments) == 0 || arguments[0] != "serve" {
		return errors.New("the verb is serve")
	}
	o, err := options(arguments[1:])
	if err != nil {
		return err
	}
	host, err := runtime.New(o)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2)
	go obey(host, signals)
	return host.Run(ctx)
}

// obey does what a signal asks for, until the program ends.
func obey(host *runtime.Host, signals <-chan os.Signal) {
	for s := range signals {
		switch s {
		case syscall.SIGUSR1:
			panic("asked to panic")
		case syscall.SIGUSR2:
			os.Exit(7)
		default:
			go host.Reload(context.Background(), "SIGHUP") // so that the next signal is not kept waiting
		}
	}
}

func options(arguments []string) (runtime.Options, error) {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	o := runtime.Options{Logger: slog.New(slog.NewJSONHandler(os.Stderr, nil))}
	flags.StringVar(&o.Config, "config", "config", "the folder of the configuration")
	flags.StringVar(&o.Listen, "listen", "", "host:port for clients")
	flags.StringVar(&o.Admin, "admin", "", "host:port for operators")
	flags.StringVar(&o.Data, "data", "", "the folder of the store")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	for name, into := range map[string]*time.Duration{
		"DURWARD_TEST_DRAIN": &o.Drain, "DURWARD_TEST_POLICY_WAIT": &o.PolicyWait,
	} {
		text, given := os.LookupEnv(name)
		if !given {
			continue
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return o, fmt.Errorf("read %s: %w", name, err)
		}
		*into = d
	}
	o.Plugins = catalogue(os.Getenv("DURWARD_TEST_EXECUTABLE"))
	return o, nil
}
