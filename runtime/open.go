package runtime

import (
	"durward/runtime/internal/config"
	"durward/runtime/internal/telemetry"
)

// warnOpen logs the routes that are open to everybody and were not before; old is nil at the start. Whoever reads the log
// later finds since when.
func (h *Host) warnOpen(old, next *config.Config) {
	was := make(map[string]string)
	if old != nil {
		for _, r := range old.Routes {
			if r.Public {
				was[r.ID] = r.Path
			}
		}
	}
	for _, r := range next.Routes {
		if path, open := was[r.ID]; r.Public && (!open || path != r.Path) {
			h.options.Logger.Warn("route is open to everybody", telemetry.KeyRoute, r.ID, "path", r.Path)
		}
	}
}
