package runtime

import (
	"context"
	"io/fs"
	"net/http"

	"durward/runtime/internal/admin"
	"durward/runtime/internal/origin"
)

func (h *Host) adminHandler() http.Handler {
	return admin.New(admin.Options{
		Loopback: origin.IsLoopbackAddr(h.adminAt.Addr()),
		Token: func() string {
			g := h.current.Acquire()
			if g == nil {
				return ""
			}
			defer g.Release()
			return g.Value.config.Gateway.AdminToken
		},
		Ready: func() error {
			return context.Cause(h.life)
		},
		Generation: func() any { return h.Status() },
		Reload: func(*http.Request) (any, bool) {
			r := h.Reload(context.Background(), "asked by an operator")
			return r, r.Result != Refused
		},
		Plan:    func(ctx context.Context, files fs.FS) (any, error) { return h.Plan(ctx, files) },
		Policy:  h.adminPath,
		Metrics: h.metrics.Handler(h.options.Logger),
	})
}
