package sdk

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

var errClient = errors.New("a policy's process serves and does not call")

// holdLifeline ends the process when the pipe with the descriptor fd ends, that is, when the host is gone, whatever
// became of it. Without a lifeline (a host of another make) it does nothing.
func holdLifeline(fd string, exit func(int)) {
	n, err := strconv.ParseUint(fd, 10, 16)
	if err != nil {
		return
	}
	syscall.CloseOnExec(int(n))
	pipe := os.NewFile(uintptr(n), "lifeline")
	go func() {
		_, _ = io.Copy(io.Discard, pipe)
		exit(1)
	}()
}

// ignoreSignals keeps signals from ending the process that are meant for the host: Ctrl-C on a terminal reaches the
// whole process group, and a service manager's SIGTERM every process of the unit. The host drains first and then ends
// its policies itself. Caught and not ignored, since an ignored signal would stay ignored in children.
func ignoreSignals() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

// newLogger writes JSON lines, which the host reads and puts into its own log under the policy's name.
func newLogger(w io.Writer, level string) *slog.Logger {
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		least = slog.LevelInfo
	}
	return slog.New(withRequestID{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: least})})
}
