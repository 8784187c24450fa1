package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"durward/runtime"
)

// defaultConfig is the folder that is read when nobody names one.
const defaultConfig = "config"

// settings are the flags that several verbs share. Each has an environment variable: a flag beats the variable, the
// variable beats gateway.json, and that beats the default.
type settings struct {
	config, listen, admin, data string
	// builtIn says that who names no folder, and has none, gets the configuration in the binary.
	builtIn bool
}

func (s *settings) addConfig(c *cobra.Command) {
	c.Flags().StringVar(&s.config, "config", defaultConfig,
		"read policies.json, routes.oas.json and gateway.json in `DIR` (DURWARD_CONFIG)")
}

func (s *settings) addListeners(c *cobra.Command) {
	c.Flags().StringVar(&s.listen, "listen", runtime.DefaultListen,
		"serve clients on `HOST:PORT`; port 0 takes a free one (DURWARD_LISTEN)")
	c.Flags().StringVar(&s.admin, "admin", runtime.DefaultAdmin,
		"serve operators (health, status, reload) on `HOST:PORT` (DURWARD_ADMIN)")
	c.Flags().StringVar(&s.data, "data", runtime.DefaultData, "keep the store in `DIR` (DURWARD_DATA)")
}

// options answers what the flags and variables say. What neither says stays empty, so that gateway.json may say it.
func (s *settings) options(c *cobra.Command, logger *slog.Logger) (runtime.Options, error) {
	listen, listenFault := address(said(c, "listen", "DURWARD_LISTEN"))
	admin, adminFault := address(said(c, "admin", "DURWARD_ADMIN"))
	data, _ := said(c, "data", "DURWARD_DATA")
	folder, by := said(c, "config", "DURWARD_CONFIG")
	if by == "" {
		folder = defaultConfig
	}
	return runtime.Options{
		Config: folder, Listen: listen, Admin: admin, Data: data, Plugins: catalogue(), Logger: logger,
	}, cmp.Or(listenFault, adminFault, s.folderFault(folder, by))
}

// folderFault says why there is no folder to read: without it each file of one would be said to be missing.
func (s *settings) folderFault(folder, by string) error {
	switch info, err := os.Stat(folder); {
	case by == "" && s.builtIn, err == nil && info.IsDir():
		return nil
	case err == nil, errors.Is(err, syscall.ENOTDIR):
		by = cmp.Or(by, "--config")
		return fmt.Errorf("%s names a folder, and %s is a file: write --config DIR", by, printable(folder))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s: durward init %s writes one", printable(folder), quotedForShell(printable(folder)))
	default:
		return fmt.Errorf("look for configuration: %w", err)
	}
}

// said answers what a flag says, or else its variable, and which of them it was; nothing if neither says anything. An empty
// variable says nothing. One whose flag the verb does not have counts all the same: what validate finds depends on where
// the gateway would listen.
func said(c *cobra.Command, flag, variable string) (value, by string) {
	if f := c.Flags().Lookup(flag); f != nil && f.Changed {
		return f.Value.String(), "--" + flag
	}
	if value = os.Getenv(variable); value != "" {
		return value, variable
	}
	return "", ""
}

// address refuses what is no HOST:PORT, before anything is opened.
func address(value, by string) (string, error) {
	if by == "" {
		return "", nil
	}
	_, port, err := net.SplitHostPort(value)
	if _, noPort := strconv.ParseUint(port, 10, 16); err != nil || noPort != nil {
		return "", fmt.Errorf("%s must be HOST:PORT with a port of 0 to 65535, such as %s", by, runtime.DefaultListen)
	}
	return value, nil
}
