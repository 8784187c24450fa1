package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"

	"durward/runtime"
)

// sockets answers the listeners that the service manager has opened for this process (sd_listen_fds(3)), nil where there
// is none. The variables that tell of them are gone afterwards, and no process that is started later holds them.
func sockets() (public, admin net.Listener, err error) {
	return assign(activation.Files(true))
}

// assign says by the names of sockets (FileDescriptorName= in systemd.socket(5)) who is served on which. One socket may
// be without a name, which is then for clients. What cannot be told is refused: a socket that nobody serves would keep
// its callers waiting for ever.
func assign(files []*os.File) (public, admin net.Listener, err error) {
	for _, f := range files {
		to, who := &public, "clients"
		switch name := f.Name(); {
		case name == "public":
		case name == "admin":
			to, who = &admin, "operators"
		case unnamed(name) && len(files) == 1:
		case unnamed(name):
			return nil, nil, errors.New("several sockets are given and one of them has no name: " +
				"say which is which with FileDescriptorName=public and FileDescriptorName=admin")
		default:
			return nil, nil, fmt.Errorf("a socket is given by the name %q: FileDescriptorName= must be public or admin", name)
		}
		if *to != nil {
			return nil, nil, fmt.Errorf("two sockets are given for %s: one address each can be served", who)
		}
		if *to, err = net.FileListener(f); err != nil {
			return nil, nil, fmt.Errorf("the socket that is given for %s cannot be listened on: %w", who, err)
		}
		_ = f.Close() // the listener has its own
	}
	return public, admin, nil
}

// unnamed tells whether a name is what a socket has that was given none: that of its unit, or that of its number.
func unnamed(name string) bool {
	return strings.HasSuffix(name, ".socket") || strings.HasPrefix(name, "LISTEN_FD_") || name == "unknown"
}

// tellManager answers what tells the service manager of the turns in a host's life (sd_notify(3)), nil if there is none
// that wants to know.
func tellManager(logger *slog.Logger, status func() runtime.Status) func(runtime.Turn) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return nil
	}
	return func(turn runtime.Turn) {
		var state string
		switch turn {
		case runtime.Serving:
			state = daemon.SdNotifyReady + "\nSTATUS=" + summary(status())
		case runtime.Loading:
			state = daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec()
		case runtime.Ending:
			state = daemon.SdNotifyStopping + "\nSTATUS=Finishing what is in flight"
		}
		if _, err := daemon.SdNotify(false, state); err != nil {
			logger.Warn("cannot tell the service manager", "error", err)
		}
	}
}

// summary is what runs in one line.
func summary(s runtime.Status) string {
	text := fmt.Sprintf("Serving configuration %d: %s, %s", s.Number,
		plural(len(s.Policies), "policy", "policies"), plural(len(s.Routes), "route", "routes"))
	if s.LastReload.Result == runtime.Refused {
		text += "; the last change was refused, see the log"
	}
	return text
}
