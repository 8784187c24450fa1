package main

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// settings are the flags that several verbs share. Each has an environment variable: a flag beats the variable, the
// variable beats gateway.json, and that beats the default.
type settings struct{ config, listen, admin, data string }

const (
	configUsage = "folder with policies.json, routes.oas.json and gateway.json (DURWARD_CONFIG)"
	listenUsage = "address to serve on; port 0 lets the system choose (DURWARD_LISTEN)"
	adminUsage  = "address of the admin listener (DURWARD_ADMIN)"
	dataUsage   = "folder of the store (DURWARD_DATA)"
)

func (s *settings) addConfig(c *cobra.Command) {
	c.Flags().StringVar(&s.config, "config", "config", configUsage)
}

func (s *settings) addListeners(c *cobra.Command) {
	c.Flags().StringVar(&s.listen, "listen", runtime.DefaultListen, listenUsage)
	c.Flags().StringVar(&s.admin, "admin", runtime.DefaultAdmin, adminUsage)
	c.Flags().StringVar(&s.data, "data", runtime.DefaultData, dataUsage)
}

// options answers what the flags and variables say. What neither says stays empty, so that gateway.json may say it.
func (s *settings) options(c *cobra.Command, logger *slog.Logger) runtime.Options {
	said := func(flag, variable, value string) string {
		if f := c.Flags().Lookup(flag); f == nil || f.Changed {
			return value
		}
		return os.Getenv(variable)
	}
	o := runtime.Options{
		Config:  said("config", "DURWARD_CONFIG", s.config),
		Listen:  said("listen", "DURWARD_LISTEN", s.listen),
		Admin:   said("admin", "DURWARD_ADMIN", s.admin),
		Data:    said("data", "DURWARD_DATA", s.data),
		Plugins: catalogue(),
		Logger:  logger,
	}
	if o.Config == "" {
		o.Config = s.config
	}
	return o
}
