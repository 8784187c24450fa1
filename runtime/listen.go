package runtime

import (
	"context"
	"log/slog"
	"net/http"
	"time"
)

// Bounds of both servers.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// endGrace is how long answers may take to end once they have been told to.
	endGrace = 2 * time.Second
)

func (h *Host) server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(h.options.Logger.Handler(), slog.LevelDebug),
	}
}

// shutdown takes no new connections, and gives what is in flight the drain time: then streams end as on a reload, and
// what is left after that is cut. A reload under way gives up what it is starting, and none begins any more: the
// generation that is current stays the last.
func (h *Host) shutdown(servers []*http.Server) {
	h.end(errEnding)
	h.options.Logger.Info("shutting down", "drain", h.options.Drain.String())
	h.reloading.Lock()
	if g := h.current.Acquire(); g != nil {
		for _, c := range g.Value.chains {
			c.lane.Value.endAfter(h.options.Drain)
		}
		g.Release()
	}
	h.reloading.Unlock()
	for i, s := range servers { // the public one first: the admin listener says meanwhile that the gateway is not ready
		patience := endGrace
		if i == 0 {
			patience += h.options.Drain
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := s.Shutdown(ctx); err != nil {
			_ = s.Close() // the time is over: what is left is cut
		}
		cancel()
	}
}
